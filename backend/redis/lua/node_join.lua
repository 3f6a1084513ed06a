-- Adds a node to the cluster, unless another live node has its id.
-- The guarded clock of the leases advances with each call by the time since the last call, by 0 to 2 s. So a step of the
-- server's clock, or an outage, ends no lease.
-- KEYS: leases of the nodes, by incarnation (below 0: lapsed); their records; incarnations by id; the clock and version.
-- ARGV: incarnation; id; record; lease in µs; the earlier incarnations of this node, if any; the time in µs, or ''.
-- The earlier incarnations become lapsed, also if their leases are not there: a failover may have lost a lease, and then the
-- members of the incarnation would stay in their rooms. A node that joins again may do so when the memory is full.
-- Returns {'ok', version}, or {'held', µs until the lease of the other node ends}. Cost: 8 commands, and 2 for each
-- earlier incarnation.
if #ARGV > 5 then
  redis.call('HDEL', KEYS[4], '')
end
local now = tonumber(ARGV[#ARGV])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local saved = redis.call('HMGET', KEYS[4], 'time', 'clock')
local clock = tonumber(saved[2]) or 10000000
clock = clock + math.max(0, math.min(2000000, now - (tonumber(saved[1]) or now)))
local function save()
  redis.call('HSET', KEYS[4], 'time', string.format('%.0f', now), 'clock', string.format('%.0f', clock))
end
for i = 5, #ARGV - 1 do
  if tonumber(redis.call('ZSCORE', KEYS[1], ARGV[i]) or 0) >= 0 then
    redis.call('ZADD', KEYS[1], -1, ARGV[i])
  end
end
local other = redis.call('HGET', KEYS[3], ARGV[2])
if other and other ~= ARGV[1] then
  local ends = tonumber(redis.call('ZSCORE', KEYS[1], other) or -1)
  if ends > clock then
    save()
    return {'held', string.format('%.0f', ends - clock)}
  end
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
  if ends >= 0 then
    redis.call('ZADD', KEYS[1], 'XX', -1, other)
  end
else
  redis.call('HSET', KEYS[2], ARGV[1], ARGV[3])
end
save()
redis.call('ZADD', KEYS[1], string.format('%.0f', clock + ARGV[4]), ARGV[1])
redis.call('HSET', KEYS[3], ARGV[2], ARGV[1])
return {'ok', string.format('%.0f', redis.call('HINCRBY', KEYS[4], 'version', 1))}
