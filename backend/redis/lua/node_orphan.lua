-- Marks an incarnation as lapsed that has members in a room but no lease, because a failover has lost the lease. So its
-- members are removed.
-- KEYS: leases of the nodes, by incarnation (below 0: lapsed); the clock and version (see node_join). ARGV: incarnation.
-- Returns 1, or 0 if the incarnation has a lease or is lapsed already. Cost: 2 commands.
redis.call('HDEL', KEYS[2], '')
return redis.call('ZADD', KEYS[1], 'NX', -1, ARGV[1])
