-- Adds to counters.
-- KEYS: the counters, by name. ARGV: names and numbers, alternately.
-- Returns 1. Cost: a command for each counter.
for i = 1, #ARGV, 2 do
  redis.call('HINCRBY', KEYS[1], ARGV[i], ARGV[i + 1])
end
return 1
