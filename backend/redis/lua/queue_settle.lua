-- Settle stores what a node remembers after the shard has met a new server, which may lack some writes. All that the server
-- has already stays. A repetition changes nothing.
-- ARGV: inc; the run_id if this is the last part, else ''; the number of jobs; id, record and data of each; the number of
-- outcomes; id, fence, state, delay in µs and error of each; the number of runs; id, fence and node of each; the number of
-- schedules; name and last run in ms of each.
-- Returns the number of outcomes and runs whose jobs are absent, or -1 if the inc has ended. Another node may still send such
-- a job, so while there are some, the inc counts as one that has not settled yet. Cost: 8 commands, 6 for each item.
call('HDEL', M, '')
local inc, at = ARGV[3], 5
local lease = tonumber(call('ZSCORE', HOLD, inc) or '')
if not lease or lease < 0 then
  return -1
end
local kept, absent = tonumber(call('HGET', M, 'kept')) or 0, 0
local function items(size, f)
  local n = tonumber(ARGV[at])
  for i = 0, n - 1 do
    f(at + 1 + i * size)
  end
  at = at + 1 + n * size
end
items(3, function(i)
  -- The server had all ids up to kept. If one of these is absent, the job was removed.
  if tonumber(ARGV[i]) > kept and call('HEXISTS', S, ARGV[i]) == 0 then
    add(ARGV[i], ARGV[i + 1], ARGV[i + 2])
  end
end)
items(5, function(i)
  local id, fence = ARGV[i], tonumber(ARGV[i + 1])
  local j = load(id)
  if j == nil and tonumber(id) > kept then
    absent = absent + 1
  end
  if j and j.state < COMPLETED and j.fence < fence and j.last < fence then -- the server lacks the start of the run
    leave(id, j)
    j.state, j.inc, j.fence, j.aside, j.attempt, j.starts, j.started = RUNNING, tonumber(inc), fence, 0, j.attempt + 1, j.starts + 1, now
    store(id, j)
    enter(id, j)
  end
  outcome(id, fence, tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), ARGV[i + 4])
end)
items(3, function(i)
  local id, fence = ARGV[i], tonumber(ARGV[i + 1])
  local j = load(id)
  if j == nil and tonumber(id) > kept then
    absent = absent + 1
  end
  if j and j.state < COMPLETED and j.last < fence and j.fence <= fence and (j.fence < fence or j.state == RUNNING) then
    if j.fence < fence then
      leave(id, j)
      j.fence, j.attempt, j.starts, j.started = fence, j.state == RUNNING and j.attempt or j.attempt + 1, j.starts + 1, now
      j.state, j.inc, j.aside, j.node, j.retrying = RUNNING, tonumber(inc), 0, ARGV[i + 2], 0
      store(id, j)
      enter(id, j)
      if j.cancelling == 1 then
        call('ZADD', CAN, inc, id)
      end
    end
  end
end)
items(2, function(i)
  local last, ran = tonumber(call('ZSCORE', TICKS, ARGV[i]) or ''), tonumber(ARGV[i + 1])
  if not last or last < ran then
    setLast(ARGV[i], ran)
  end
end)
if ARGV[4] ~= '' and absent == 0 then
  call('HSET', SET, inc, ARGV[4])
  local all = true
  for _, other in ipairs(call('ZRANGEBYSCORE', HOLD, 0, '+inf')) do
    all = all and call('HGET', SET, other) == ARGV[4]
  end
  if all then
    call('HDEL', M, 'settle')
  end
end
done()
return absent
