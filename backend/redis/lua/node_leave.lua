-- Takes a node off the list of nodes.
-- KEYS: leases of the nodes, by incarnation (below 0: lapsed); their records; incarnations by id; the clock and version.
-- ARGV: incarnation; id; 'clean' if the node has no members in any room, else 'lapsed'.
-- Returns 1. A lapsed node stays until its members are removed, also if a failover has lost its lease. Cost: 5 commands.
redis.call('HDEL', KEYS[4], '')
if redis.call('HGET', KEYS[3], ARGV[2]) == ARGV[1] then
  redis.call('HDEL', KEYS[3], ARGV[2])
end
if ARGV[3] == 'clean' then
  redis.call('ZREM', KEYS[1], ARGV[1])
  redis.call('HDEL', KEYS[2], ARGV[1])
else
  redis.call('ZADD', KEYS[1], -1, ARGV[1])
end
redis.call('HINCRBY', KEYS[4], 'version', 1)
return 1
