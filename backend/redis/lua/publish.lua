-- Numbers a message of a room and publishes it with its number, the tag of the message before it, and its own tag. So a
-- node sees that it has missed a message, and that a failover has used a number twice.
-- KEYS: the position of the room (see presence_move); the numbers of its members.
-- ARGV: an epoch for a room without one; tag; the command to publish; the channel of the room; the message.
-- Returns {'ok', epoch, number}, or {'none'} if the room has neither members nor a position. A room that has lost its members
-- a short time ago still counts: a node that was paused, and enters them again, finds by the number that they have missed
-- a message. Cost: 5 commands.
redis.call('HDEL', KEYS[1], '')
local position, members = redis.call('HMGET', KEYS[1], 'e', 's', 't'), redis.call('EXISTS', KEYS[2])
if members == 0 and not position[1] then
  return {'none'}
end
local epoch, number, before = position[1] or ARGV[1], (tonumber(position[2]) or 0) + 1, position[3] or '0'
local text = string.format('%.0f', number)
redis.call('HSET', KEYS[1], 'e', epoch, 's', text, 't', ARGV[2])
if number % 64 == 1 and members == 1 then
  redis.call('PEXPIRE', KEYS[1], 3600000)
end
redis.call(ARGV[3], ARGV[4], 'm' .. epoch .. ' ' .. text .. ' ' .. before .. ' ' .. ARGV[2] .. ' ' .. ARGV[5])
return {'ok', epoch, text}
