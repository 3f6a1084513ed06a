-- The audit compares the records of jobs with the sets, step by step, and repairs the sets: the record decides. The field
-- audit of m has the phase, the cursor in it, and the block at which the phase records ends. The phases:
--
--	1 each field of s is an id, and its block is in blk     2 the same of d, if d has more fields than s
--	3 each record of each block can be read, is in the set of its state and in no other one, and has data
--	4 … 10 each member of the sets is that of its record    11 each unique key has a holder
--	12 the records that were set aside still cannot be read
--
-- Phase 3 also counts the jobs anew, if the counts contradict the sets, or if something was found that may not be counted
-- right. Jobs may change meanwhile; see count.
local SETS = {R, ASIDE, DUE, RUN, FIN, DEAD, CAN}

local function isId(text)
  return string.match(text, '^[1-9]%d*$') and #text <= 15
end

local function doubt()
  call('HSET', M, 'doubt', 1)
end

-- Phases 1 and 2.
local function checkFields(key, cursor, size)
  local page = call('HSCAN', key, cursor, 'COUNT', size)
  for i = 1, #page[2], 2 do
    local id = page[2][i]
    if isId(id) then
      index(id)
    else
      call('HSET', BAD, id, page[2][i + 1])
      call('HDEL', key, id)
    end
  end
  return page[1]
end

-- Returns whether d may have fields that are not jobs. Records that were set aside have data, too.
local function excessData()
  local known = call('HLEN', S)
  if call('HLEN', BAD) > 512 then
    return false
  end
  for _, id in ipairs(call('HKEYS', BAD)) do
    known = known + call('HEXISTS', D, id)
  end
  return call('HLEN', D) > known
end

-- Returns whether the counts agree with the sizes of the sets.
local function countsAgree()
  local sums, all = {0, 0, 0, 0, 0, 0, 0}, call('HGETALL', N)
  for i = 1, #all, 2 do
    local state = tonumber(string.sub(all[i], 1, 1))
    if not (state and sums[state] and tonumber(all[i + 1])) then
      return false
    end
    sums[state] = sums[state] + all[i + 1]
  end
  for field, by in pairs(changes) do -- of this script
    local state = tonumber(string.sub(field, 1, 1))
    if state then
      sums[state] = sums[state] + by
    end
  end
  return sums[2] == call('ZCARD', R) + call('ZCARD', ASIDE) and sums[1] + sums[4] == call('ZCARD', DUE)
    and sums[3] == call('ZCARD', RUN) and sums[5] + sums[6] == call('ZCARD', FIN) and sums[7] == call('ZCARD', DEAD)
end

-- Ends the new count: what it has found replaces the counts.
local function replaceCounts()
  done() -- the counts of this step
  changes = {}
  local all = call('HGETALL', N)
  for i = 1, #all, 2 do
    call('HDEL', N, all[i])
  end
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) == 'x' and tonumber(all[i + 1]) then
      call('HSET', N, string.sub(all[i], 2), all[i + 1])
    end
  end
  call('HDEL', M, 'recount')
  recounted = 0
end

local function beginCount()
  local all = call('HGETALL', N)
  for i = 1, #all, 2 do
    if string.sub(all[i], 1, 1) == 'x' then
      call('HDEL', N, all[i])
    end
  end
  call('HDEL', M, 'doubt')
  call('HSET', M, 'recount', 0)
  recounted = 0
end

-- A job without its state, or without its data, is dead: only people know whether it may run again.
local function bury(id, j, why)
  finish(id, j, KILLED)
  j.error = why
  store(id, j)
  enter(id, j)
  doubt()
end

local function withoutState(id)
  bury(id, {
    state = 0, rank = 127, cancelling = 0, draining = 0, retrying = 0, aside = 0, big = 0, result = 0, crashes = 0,
    maxCrashes = 3, attempt = 0, maxAttempts = 0, starts = 0, ord = 0, enqueued = now, runAt = now, started = 0, ended = 0,
    uniqueUntil = 0, inc = 0, fence = 0, last = 0, lost = 0, queue = 'default', task = 'unknown', node = '', unique = '', error = '',
  }, 'the record of its state is lost, so its task is not known, and whether it ran: look at its parameters, then delete it')
end

-- Checks the record of a job. Returns the job, or nil if it is not counted.
local function checkRecord(id, text)
  local data = call('HSTRLEN', D, id) >= 9
  if not text then
    if data and call('HEXISTS', BAD, id) == 0 then
      withoutState(id)
      return load(id)
    end
    return nil
  end
  local j = decode(text)
  if not j then
    setAside(id, text)
    return nil
  end
  if not data then
    call('HSET', D, id, struct.pack('>Bi8', 1, 0))
    if j.state < COMPLETED then
      leave(id, j)
      bury(id, j, 'its parameters are lost: enqueue it again, then delete this one')
    end
  end
  if j.unique ~= '' and j.state < COMPLETED and not holder(j.unique) then
    hold(id, j)
  end
  return j
end

-- Makes each job of a block a member of the set of its state, and of no other one.
local function checkSets(ids, jobs)
  local scores = {}
  for _, set in ipairs({DUE, RUN, FIN, DEAD, CAN}) do
    scores[set] = call('ZMSCORE', set, unpack(ids))
  end
  for i, id in ipairs(ids) do
    local j = jobs[i]
    local want, score
    if j.state == SCHEDULED or j.state == RETRYABLE then
      want, score = DUE, j.runAt
    elseif j.state == RUNNING then
      want, score = RUN, j.inc
      if not call('ZSCORE', HOLD, number(j.inc)) then
        call('ZADD', HOLD, -1, number(j.inc)) -- its node is gone, so Pulse ends the run
      end
      if j.cancelling == 1 and not scores[CAN][i] then
        call('ZADD', CAN, j.inc, id)
      end
    elseif j.state == KILLED then
      want, score = DEAD, j.ended
    elseif j.state ~= AVAILABLE then
      want, score = FIN, j.ended
    end
    for set, has in pairs(scores) do
      local at = has[i] and tonumber(has[i])
      if set == want then
        if at ~= score and (j.state < COMPLETED or at ~= j.uniqueUntil) then
          call('ZADD', set, score, id)
          doubt()
        end
      elseif at and (set ~= CAN or j.state ~= RUNNING or j.cancelling == 0) then
        call('ZREM', set, id)
        doubt()
      end
    end
    if j.state == AVAILABLE and not call('ZSCORE', j.aside == 1 and ASIDE or R, (member(id, j))) then
      place(id, j)
      doubt()
    end
  end
end

-- Phase 3: checks the jobs of the next block. Returns the next cursor, or '0' at the end.
local function checkBlock(cursor, ends)
  if cursor == 0 and (call('HEXISTS', M, 'doubt') == 1 or not countsAgree()) then
    beginCount()
  end
  local counting = call('HEXISTS', M, 'recount') == 1
  local found = call('ZRANGEBYSCORE', BLK, cursor, counting and '+inf' or ends, 'WITHSCORES', 'LIMIT', 0, 1)
  local block = tonumber(found[2])
  if not block then
    if counting then
      replaceCounts()
    end
    return '0'
  end
  if found[1] ~= number(block) then
    block = math.floor(block)
    call('ZREM', BLK, found[1])
    call('ZADD', BLK, block, number(block))
  end
  local ids, known, jobs = {}, {}, {}
  for i = 0, 255 do
    ids[i + 1] = number(block * 256 + i)
  end
  local texts = call('HMGET', S, unpack(ids))
  for i = 1, 256 do
    local j = checkRecord(ids[i], texts[i])
    if j then
      known[#known + 1], jobs[#jobs + 1] = ids[i], j
    end
  end
  if #known > 0 then
    checkSets(known, jobs)
  elseif block < blockOf(call('HGET', M, 'seq') or '0') and call('EXISTS', BAD) == 0 then
    call('ZREM', BLK, found[1])
  end
  if counting then
    for _, j in ipairs(jobs) do
      tally('x' .. j.state .. lane(j.queue) .. j.task, 1)
    end
    call('HSET', M, 'recount', number(block + 1))
    recounted = block + 1
  end
  return number(block + 1)
end

-- Returns whether a member of a set is that of the record of its job.
local function belongs(set, text)
  local id = text
  if set == R or set == ASIDE then
    local at = string.sub(text, 1, 1) == 'x' and 2 or 1
    for _ = 1, set == R and 1 or 2 do
      local length = tonumber(string.sub(text, at, at + 3), 16)
      if not length then
        return false
      end
      at = at + 4 + length
    end
    id = string.sub(text, at + 13)
  end
  local j = load(id)
  if not j then
    return false
  end
  if set == R or set == ASIDE then
    return j.state == AVAILABLE and (set == ASIDE) == (j.aside == 1) and member(id, j) == text
  elseif set == CAN then
    return j.state == RUNNING and j.cancelling == 1
  elseif set == RUN then
    return j.state == RUNNING
  elseif set == DUE then
    return j.state == SCHEDULED or j.state == RETRYABLE
  elseif set == DEAD then
    return j.state == KILLED
  end
  return j.state == COMPLETED or j.state == CANCELLED
end

-- Phases 4 to 10.
local function checkMembers(set, cursor)
  local page = call('ZSCAN', set, cursor, 'COUNT', 512)
  for i = 1, #page[2], 2 do
    if not belongs(set, page[2][i]) then
      call('ZREM', set, page[2][i])
    end
  end
  return page[1]
end

-- Phase 11.
local function checkKeys(cursor)
  local page = call('HSCAN', U, cursor, 'COUNT', 512)
  for i = 1, #page[2], 2 do
    local unique, id = page[2][i], page[2][i + 1]
    local held = holder(unique)
    if held ~= id then
      call('HDEL', U, unique)
    end
  end
  return page[1]
end

-- Phase 12: a record that another version has written comes back with a node that can read it.
local function checkBad(cursor)
  local page = call('HSCAN', BAD, cursor, 'COUNT', 20)
  for i = 1, #page[2], 2 do
    local id, j = page[2][i], decode(page[2][i + 1])
    if j and isId(id) and call('HEXISTS', S, id) == 0 then
      call('HDEL', BAD, id)
      store(id, j)
      enter(id, j)
      index(id)
      doubt()
    end
  end
  return page[1]
end

-- Makes one step. Returns true if the next one is urgent, because the jobs are being counted anew, or should be.
local function audit()
  local phase, cursor, ends = string.match(call('HGET', M, 'audit') or '', '^(%d+) (%d+) (%d+)$')
  phase, cursor, ends = tonumber(phase) or 1, cursor or '0', tonumber(ends) or 0
  if phase == 3 and cursor == '0' then
    ends = blockOf(call('HGET', M, 'seq') or '0')
  end
  if phase == 1 then
    cursor = checkFields(S, cursor, 512)
  elseif phase == 2 then
    if cursor ~= '0' or excessData() then
      doubt()
      cursor = checkFields(D, cursor, 16)
    end
  elseif phase == 3 then
    cursor = checkBlock(tonumber(cursor), ends)
  elseif phase <= 10 then
    cursor = checkMembers(SETS[phase - 3], cursor)
  elseif phase == 11 then
    cursor = checkKeys(cursor)
  else
    cursor = checkBad(cursor)
  end
  if cursor == '0' then
    phase = phase + 1
    if phase > 12 then
      phase = 1
      call('HINCRBY', M, 'passes', 1)
    end
  end
  call('HSET', M, 'audit', format('%d %s %.0f', phase, cursor, ends), 'audited', number(now))
  return call('HEXISTS', M, 'recount') == 1 or call('HEXISTS', M, 'doubt') == 1
end

