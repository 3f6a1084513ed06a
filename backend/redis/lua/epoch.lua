-- Gives a room another epoch, after a failover has used numbers of messages twice.
-- KEYS: the position of the room (see presence_move). ARGV: the old epoch; the new epoch.
-- Returns 1, or 0 if the room has another epoch already. Cost: 2 commands.
if redis.call('HGET', KEYS[1], 'e') ~= ARGV[1] then
  return 0
end
redis.call('HSET', KEYS[1], 'e', ARGV[2])
return 1
