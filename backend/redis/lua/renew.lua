-- Sets a new end of a load.
-- KEYS: the entry. ARGV: the id of the load; its time limit in ms from now.
-- A second execution has the same effect. Returns 1 if the load is still there, else 0. Cost: 3 commands.
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HGET', KEYS[1], 'load') ~= ARGV[1] then
  return 0
end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
