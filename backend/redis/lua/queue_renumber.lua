-- Renumber changes the number of shards.
-- KEYS: the number. ARGV: the number before; the number after. Returns 1, or 0 if the number before is another one. Cost: 2 commands.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2])
return 1
