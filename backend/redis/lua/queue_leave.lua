-- Leave ends an inc, and its runs as crashes. It begins with HDEL, which the server never refuses.
-- ARGV: inc. Returns 1 if it has to be called again, because only 64 runs are ended, else 0.
-- Cost: 6 commands, and 6 for each run.
call('HDEL', M, '')
local inc = ARGV[3]
if call('ZSCORE', HOLD, inc) then
  call('ZADD', HOLD, -1, inc)
end
local ended = crashAll(inc, 64, 'its process ended')
if ended < 64 then
  call('ZREM', HOLD, inc)
  call('ZADD', GONE, clock(), inc)
end
done()
return ended < 64 and 0 or 1
