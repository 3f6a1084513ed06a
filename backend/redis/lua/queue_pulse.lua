-- Pulse renews the lease of an inc, and moves on what time moves: the clock, leases that end, jobs that become due. It
-- begins with HDEL, which the server never refuses.
-- ARGV: inc; 1 if the inc is new, else 0; the highest id that the node has seen; the run_id that it has met, or ''; 1 if it
-- also waits for jobs that have one crash left, else 0; the queues whose due jobs it waits for; keepCompleted and keepFailed in ms; keepMost.
-- Returns {facts, queues, cancels}. Facts: 'ok' or 'lost'; the run_id; '1' while the shard settles; the number of runs of
-- the inc; ms until the next job is due, or ''; the number of incs; '1' if a Pulse at once would find more to do; the number
-- of records that were set aside; '1' if the audit is urgent.
-- Queues: those that have due jobs. Cancels: id and fence of each run of the inc that is cancelled.
-- Cost: 24 commands, 1 to 4 for each queue, a step of the audit each second, 2 for each cancel, 6 for each job that becomes due or crashes.
call('HDEL', M, '')
local inc = ARGV[3]
local rid = meet(tonumber(ARGV[5]), ARGV[6])
local c = clock()
local settle = settling()

local lease, lost = tonumber(call('ZSCORE', HOLD, inc) or ''), false
if lease and lease >= 0 or not lease and ARGV[4] == '1' and not call('ZSCORE', GONE, inc) then
  call('ZADD', HOLD, c + LEASE, inc)
else
  lost = true
end

local more, room = false, 64
if not settle then
  for _, other in ipairs(call('ZRANGEBYSCORE', HOLD, 0, c, 'LIMIT', 0, 64)) do
    call('ZADD', HOLD, -1, other)
  end
  for _, other in ipairs(call('ZRANGEBYSCORE', HOLD, -1, -1, 'LIMIT', 0, 64)) do
    if room > 0 then
      room = room - crashAll(other, room, 'its node was away for too long')
    end
    if #call('ZRANGEBYSCORE', RUN, other, other, 'LIMIT', 0, 1) == 0 then
      call('ZREM', HOLD, other)
      call('ZADD', GONE, c, other)
    else
      more = true
    end
  end
end
for _, other in ipairs(call('ZRANGEBYSCORE', GONE, '-inf', c - REMEMBER, 'LIMIT', 0, 64)) do
  call('ZREM', GONE, other)
  call('HDEL', BAT, other, other .. '+')
  call('HDEL', SET, other)
end

local nextDue = promote()
if nextDue and nextDue <= now then
  more = true
end

local queues = {}
local function any(prefix)
  for _, set in ipairs({R, ASIDE}) do
    if #call('ZRANGEBYLEX', set, '[' .. prefix, '(' .. prefix .. '\255', 'LIMIT', 0, 1) > 0 then
      return true
    end
  end
  return false
end
for i = 8, #ARGV - 4 do
  local prefix = lane(ARGV[i])
  if any(prefix) or ARGV[7] == '1' and any('x' .. prefix) then
    queues[#queues + 1] = ARGV[i]
  end
end
local cancels = {}
for _, id in ipairs(call('ZRANGEBYSCORE', CAN, inc, inc, 'LIMIT', 0, 512)) do
  local j = load(id)
  if j and j.state == RUNNING and j.cancelling == 1 then
    cancels[#cancels + 1], cancels[#cancels + 2] = id, number(j.fence)
  else
    call('ZREM', CAN, id)
  end
end

local swept = sweep(tonumber(ARGV[#ARGV - 3]), tonumber(ARGV[#ARGV - 2]), tonumber(ARGV[#ARGV - 1]), 128)
more = more or swept >= 128
local since, urgent = now - (tonumber(call('HGET', M, 'audited') or '') or 0), false
if since < 0 or since >= 1000 then
  urgent = audit()
end
done()
return {
  {lost and 'lost' or 'ok', rid, settle and '1' or '', number(call('ZCOUNT', RUN, inc, inc)),
    nextDue and number(math.max(nextDue - now, 0)) or '', number(call('ZCARD', HOLD)), more and '1' or '', number(call('HLEN', BAD)), urgent and '1' or ''},
  queues, cancels,
}
