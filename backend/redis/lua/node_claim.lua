-- Claims the removal of the members of a lapsed node. Each claim holds for some time of the guarded clock; if the claiming
-- node dies, another one goes on.
-- KEYS: leases of the nodes, by incarnation (-1: lapsed; below: lapsed, and claimed at this time of the clock); the clock.
-- ARGV: incarnation; the number of the claim to renew, or ''; how long a claim holds, in µs.
-- Returns {'claimed', number}, {'held'} by another node, or {'gone'}. Cost: 4 commands.
redis.call('HDEL', KEYS[2], '')
local clock = tonumber(redis.call('HGET', KEYS[2], 'clock')) or 10000000
local score = tonumber(redis.call('ZSCORE', KEYS[1], ARGV[1]) or 0)
if score >= 0 then
  return {'gone'}
end
local mine = tonumber(ARGV[2])
if score ~= -1 and 0 - score ~= mine and 0 - score + ARGV[3] > clock then
  return {'held'}
end
-- Two claims never have the same number, even if the clock stands still.
clock = math.max(clock, 0 - score + 1)
redis.call('ZADD', KEYS[1], string.format('%.0f', 0 - clock), ARGV[1])
return {'claimed', string.format('%.0f', clock)}
