-- Clear forgets the jobs that have ended, before the number of shards changes. It changes nothing if a job has not ended, is
-- dead or was set aside, or if a node has a lease.
-- ARGV: the lowest number for seq. Returns 1, or 0 if it has changed nothing. Cost: 20 commands.
for _, set in ipairs({R, ASIDE, DUE, RUN, DEAD, HOLD}) do
  if call('ZCARD', set) > 0 then
    return 0
  end
end
if call('HLEN', BAD) > 0 then
  return 0
end
for _, key in ipairs({D, S, CAN, FIN, U, N, BLK, SET}) do
  call('UNLINK', key)
end
for _, field in ipairs({'audit', 'doubt', 'recount'}) do
  call('HDEL', M, field)
end
call('HSET', M, 'seq', number(math.max(tonumber(ARGV[3]), tonumber(call('HGET', M, 'seq') or '0') or 0)))
return 1
