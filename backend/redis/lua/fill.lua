-- Ends a load, and stores the entry that it has loaded.
-- KEYS: the entry. ARGV: the id of the load; the record, or '' if the load has failed; the ttl in ms, 0 for no expiry, or -1
-- for an entry that expires at once; the command to publish; the channel; the message.
-- Returns 1 if the load was still there, else 0. Cost: 4 commands.
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HGET', KEYS[1], 'load') ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' or ARGV[3] == '-1' then
  redis.call('UNLINK', KEYS[1])
elseif ARGV[3] == '0' then
  redis.call('SET', KEYS[1], ARGV[2])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
redis.pcall(ARGV[4], ARGV[5], ARGV[6])
return 1
