-- Reads the list of nodes.
-- KEYS: leases of the nodes, by incarnation (below 0: lapsed); their records; the clock and version.
-- Returns {version, then for each node its incarnation, 'live' or 'lapsed', and its record}. Cost: 3 commands, and time for
-- each node.
local list = {redis.call('HGET', KEYS[3], 'version') or '0'}
local nodes = redis.call('ZRANGE', KEYS[1], 0, -1, 'WITHSCORES')
for i = 1, #nodes, 2 do
  list[#list + 1] = nodes[i]
  list[#list + 1] = tonumber(nodes[i + 1]) < 0 and 'lapsed' or 'live'
  list[#list + 1] = redis.call('HGET', KEYS[2], nodes[i]) or ''
end
return list
