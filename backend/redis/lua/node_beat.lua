-- Renews the lease of a node, and marks the nodes whose lease has ended as lapsed. A lapsed incarnation never lives again.
-- The first write is one that a full memory permits, so the others are permitted, too.
-- KEYS: leases of the nodes, by incarnation (below 0: lapsed); the clock and version (see node_join).
-- ARGV: incarnation; lease in µs; the time in µs, or ''.
-- Returns {'ok' or 'lost', version of the list of nodes, number of lapsed nodes, the time in µs}. Cost: 7 commands.
redis.call('HDEL', KEYS[2], '')
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local saved = redis.call('HMGET', KEYS[2], 'time', 'clock')
local clock = tonumber(saved[2]) or 10000000
clock = clock + math.max(0, math.min(2000000, now - (tonumber(saved[1]) or now)))
redis.call('HSET', KEYS[2], 'time', string.format('%.0f', now), 'clock', string.format('%.0f', clock))
local answer = 'lost'
if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or -1) > clock then
  redis.call('ZADD', KEYS[1], string.format('%.0f', clock + ARGV[2]), ARGV[1])
  answer = 'ok'
end
local lapsed = redis.call('ZRANGEBYSCORE', KEYS[1], 0, string.format('%.0f', clock), 'LIMIT', 0, 64)
for _, inc in ipairs(lapsed) do
  redis.call('ZADD', KEYS[1], -1, inc)
end
local version = redis.call('HINCRBY', KEYS[2], 'version', #lapsed > 0 and 1 or 0)
return {answer, string.format('%.0f', version), string.format('%.0f', redis.call('ZCOUNT', KEYS[1], '-inf', '(0')),
  string.format('%.0f', now)}
