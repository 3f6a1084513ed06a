-- Stores an entry if there is none. It ends a load of the key.
-- KEYS: the entry. ARGV: the record; the ttl in ms, or 0 for no expiry.
-- Returns 1 if it stored the record, else 0. Cost: 2 commands.
if redis.call('TYPE', KEYS[1]).ok == 'string' then
  return 0
end
if ARGV[2] == '0' then
  redis.call('SET', KEYS[1], ARGV[1])
else
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return 1
