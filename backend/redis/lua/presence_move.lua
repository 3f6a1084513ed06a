-- Makes members of one node enter and leave a room, in order, and publishes the news of that. To enter twice, or to leave
-- without being in the room, has no effect, so the script may run again. A member that another incarnation has entered is
-- taken over without news. Without changes the script only reads, and prolongs the positions of the room.
-- KEYS, all of one partition: incarnations that are being removed (see presence_clean); the rooms of the incarnation; the
-- members of the room with incarnation and details; their order; the numbers of members by incarnation, and under '#' the
-- number of the last entry; the position of the room: epoch e, number s and tag t of the last message.
-- ARGV: incarnation; room; number of members above which there is no news; the command to publish; the channel of the room;
-- an epoch for a room without one; for each change '+' or '-', member, details; 'again' if the members were there before, so
-- that they may enter although the memory is full, else ''.
-- Returns {'ok', epoch, number, tag, members of the incarnation, number of the last entry, members of the room}, or {'dead'}
-- if the incarnation is being removed.
-- Cost: 7 commands, and 5 for each change. If there is '+' without 'again', the first write is one that a full memory refuses.
local inc, limit = ARGV[1], tonumber(ARGV[3])
local enters, leaves = false, false
for i = 7, #ARGV - 1, 3 do
  enters, leaves = enters or ARGV[i] == '+', leaves or ARGV[i] == '-'
end
if (enters or not leaves) and redis.call('ZSCORE', KEYS[1], inc) then
  return {'dead'}
end
if ARGV[#ARGV] == 'again' or not enters then
  redis.call('ZREM', KEYS[1], '')
end
if enters then
  redis.call('SADD', KEYS[2], ARGV[2])
end
local function add(to, n)
  if redis.call('HINCRBY', KEYS[5], to, n) <= 0 then
    redis.call('HDEL', KEYS[5], to)
  end
end
local function news(kind, member)
  local count = redis.call('ZCARD', KEYS[4])
  if count > 0 and count <= limit then
    redis.pcall(ARGV[4], ARGV[5], kind .. member)
  end
end
for i = 7, #ARGV - 1, 3 do
  local member = ARGV[i + 1]
  local value = redis.call('HGET', KEYS[3], member)
  local owner = value and string.match(value, '^%d+')
  if ARGV[i] == '+' then
    local new = inc .. ' ' .. ARGV[i + 2]
    if value ~= new then
      redis.call('HSET', KEYS[3], member, new)
    end
    if not value then
      redis.call('ZADD', KEYS[4], string.format('%.0f', redis.call('HINCRBY', KEYS[5], '#', 1)), member)
      add(inc, 1)
      news('+', member)
    elseif owner ~= inc then
      add(inc, 1)
      add(owner, -1)
    end
  elseif owner == inc then
    redis.call('HDEL', KEYS[3], member)
    redis.call('ZREM', KEYS[4], member)
    add(inc, -1)
    news('-', member)
  end
end
local own, entry = unpack(redis.call('HMGET', KEYS[5], inc, '#'))
own = own or '0'
if own == '0' then
  redis.call('SREM', KEYS[2], ARGV[2])
end
local position = redis.call('HMGET', KEYS[6], 'e', 's', 't')
local count = redis.call('ZCARD', KEYS[4])
if count == 0 then
  redis.call('UNLINK', KEYS[5])
  redis.call('PEXPIRE', KEYS[6], 300000)
elseif not position[1] then
  position = {ARGV[6], '0', '0'}
  redis.call('HSET', KEYS[6], 'e', ARGV[6], 's', '0', 't', '0')
  redis.call('PEXPIRE', KEYS[6], 3600000)
elseif own ~= '0' then
  redis.call('PEXPIRE', KEYS[6], 3600000)
end
return {'ok', position[1] or '0', position[2] or '0', position[3] or '0', own, entry or '0', tostring(count)}
