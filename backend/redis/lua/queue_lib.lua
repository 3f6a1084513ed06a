-- The beginning of all scripts of the queue, of which each has only what it uses: see queue_compose.go. queue_keys.go describes the keys, queue_record.go the records.
-- ARGV: the command to publish; the channel for wakes; those of the script; the time in µs, or ''.
--
-- A script loads jobs with load, changes their fields, and stores them with store. It takes a job out of its set with
-- leave, and puts it into the set of its state with enter. It ends with done, which writes the counts and publishes. Ids
-- are texts. The numbers in a job are numbers.
local M, D, S, R, ASIDE, DUE, RUN, HOLD, GONE, CAN, FIN, DEAD, U, N, BAT, SET, BLK, TICKS, BAD = unpack(KEYS)
local SCHEDULED, AVAILABLE, RUNNING, RETRYABLE, COMPLETED, CANCELLED, KILLED = 1, 2, 3, 4, 5, 6, 7
local call, format, sub, byte, pack = redis.call, string.format, string.sub, string.byte, struct.pack

-- The time in µs and in ms.
local micros = tonumber(ARGV[#ARGV])
if not micros then
  local time = call('TIME')
  micros = time[1] * 1000000 + time[2]
end
local now = math.floor(micros / 1000)

-- Returns the text of a whole number below 2^53.
local function number(n)
  return format('%d', n)
end

local lanes = {}
local function lane(name)
  local text = lanes[name]
  if not text then
    text = format('%04x', #name) .. name
    lanes[name] = text
  end
  return text
end

local HEAD = '>BBBBBBBBBHHI4I4I4i8i8i8i8i8i8i8i8i8i8HHHHH'
local HEADSIZE = 9 + 4 + 12 + 80 + 10

-- Returns the job in a record, or nil if the record has another format.
local function decode(text)
  if #text < HEADSIZE or byte(text) ~= 1 then
    return nil
  end
  local _, state, rank, cancelling, draining, retrying, aside, big, result, crashes, maxCrashes, attempt, maxAttempts,
    starts, ord, enqueued, runAt, started, ended, uniqueUntil, inc, fence, last, lost, q, t, n, u, e, at = struct.unpack(HEAD, text)
  if #text ~= HEADSIZE + q + t + n + u + e or state < SCHEDULED or state > KILLED then
    return nil
  end
  return {
    state = state, rank = rank, cancelling = cancelling, draining = draining, retrying = retrying, aside = aside,
    big = big, result = result, crashes = crashes, maxCrashes = maxCrashes, attempt = attempt, maxAttempts = maxAttempts,
    starts = starts, ord = ord, enqueued = enqueued, runAt = runAt, started = started, ended = ended,
    uniqueUntil = uniqueUntil, inc = inc, fence = fence, last = last, lost = lost,
    queue = sub(text, at, at + q - 1), task = sub(text, at + q, at + q + t - 1),
    node = sub(text, at + q + t, at + q + t + n - 1), unique = sub(text, at + q + t + n, at + q + t + n + u - 1),
    error = sub(text, at + q + t + n + u),
  }
end

local function encode(j)
  return pack(HEAD, 1, j.state, j.rank, j.cancelling, j.draining, j.retrying, j.aside, j.big, j.result, j.crashes,
    j.maxCrashes, j.attempt, j.maxAttempts, j.starts, j.ord, j.enqueued, j.runAt, j.started, j.ended, j.uniqueUntil,
    j.inc, j.fence, j.last, j.lost, #j.queue, #j.task, #j.node, #j.unique, #j.error)
    .. j.queue .. j.task .. j.node .. j.unique .. j.error
end

-- After gather, the writes of store, leave and enter wait until done. So many jobs need few commands. The ordinary case of
-- a script does not decode a record, because that takes longer than all the rest. It cuts the record instead, and calls
-- storeText.
local gathered
local function gather(ids)
  gathered = {jobs = {}, texts = {}, records = {}, stored = {}, data = {}, out = {}, into = {}}
  if #ids > 0 then
    for i, text in ipairs(call('HMGET', S, unpack(ids))) do
      gathered.texts[ids[i]] = text
    end
  end
end

-- Returns the job with an id. Nil: there is none. False: its record cannot be read.
local function load(id)
  local text
  if gathered then
    local j = gathered.jobs[id]
    if j then
      return j
    end
    text = gathered.texts[id]
  end
  if text == nil then
    text = call('HGET', S, id)
  end
  local j = text and (decode(text) or false) or nil
  if gathered then
    gathered.jobs[id] = j
  end
  return j
end

local function store(id, j)
  if gathered then
    gathered.jobs[id], gathered.stored[id] = j, j
  else
    call('HSET', S, id, encode(j))
  end
end

local function storeText(id, text)
  local records = gathered.records
  records[#records + 1], records[#records + 2], gathered.texts[id], gathered.jobs[id] = id, text, text, nil
end

local function storeData(id, data)
  if gathered then
    local list = gathered.data
    list[#list + 1], list[#list + 2] = id, data
  else
    call('HSET', D, id, data)
  end
end

local function zrem(set, text)
  if not gathered then
    call('ZREM', set, text)
    return
  end
  local out, into = gathered.out, gathered.into
  out[set] = out[set] or {}
  out[set][text] = true
  if into[set] then
    into[set][text] = nil
  end
end

local function zadd(set, score, text)
  if not gathered then
    call('ZADD', set, score, text)
    return
  end
  local into = gathered.into
  into[set] = into[set] or {}
  into[set][text] = score
end

-- Calls a command with many arguments.
local function callAll(command, key, list)
  for i = 1, #list, 1000 do
    call(command, key, unpack(list, i, math.min(i + 999, #list)))
  end
end

-- Writes what has waited since gather: records first, so that every beginning of the writes can be repaired.
local function flush()
  local records = gathered.records
  for id, j in pairs(gathered.stored) do
    records[#records + 1], records[#records + 2] = id, encode(j)
  end
  callAll('HSET', D, gathered.data)
  callAll('HSET', S, records)
  for set, texts in pairs(gathered.out) do
    local list = {}
    for text in pairs(texts) do
      list[#list + 1] = text
    end
    callAll('ZREM', set, list)
  end
  for set, texts in pairs(gathered.into) do
    local list = {}
    for text, score in pairs(texts) do
      list[#list + 1], list[#list + 2] = score, text
    end
    callAll('ZADD', set, list)
  end
  gathered = nil
end

local function blockOf(id)
  return math.floor(tonumber(id) / 256)
end

-- Puts the block of an id into blk.
local indexed = {}
local function index(id)
  local block = blockOf(id)
  if not indexed[block] then
    indexed[block] = true
    call('ZADD', BLK, block, number(block))
  end
end

-- Sets aside the record of a job that cannot be read. It stays in bad, from where the audit brings it back once a node can
-- read it. The caller removes the job from r and from aside, because only the record says the member.
local function setAside(id, text)
  for _, set in ipairs({DUE, RUN, FIN, DEAD, CAN}) do
    call('ZREM', set, id)
  end
  call('HSET', BAD, id, text)
  call('HDEL', S, id)
  call('HSET', M, 'doubt', 1)
end

-- Counts: changes[field of n] is the sum of the changes that done writes. While the audit counts anew, the jobs of the
-- blocks that it has counted change its counts, too.
local changes, recounted = {}, nil
local function tally(field, by)
  changes[field] = (changes[field] or 0) + by
end
local function countField(field, id, by)
  tally(field, by)
  recounted = recounted or tonumber(call('HGET', M, 'recount')) or 0
  if recounted > 0 and blockOf(id) < recounted then
    tally('x' .. field, by)
  end
end
local function count(id, j, by)
  countField(j.state .. lane(j.queue) .. j.task, id, by)
end

-- The queues to wake: each that had no due jobs and has some now.
local looked, woken = {}, {}
local function watch(set, prefix, queue)
  if not looked[prefix] then
    looked[prefix] = true
    if #call('ZRANGEBYLEX', set, '[' .. prefix, '(' .. prefix .. '\255', 'LIMIT', 0, 1) == 0 then
      woken[queue] = true
    end
  end
end

-- Returns whether the next crash of a job kills it. Such a job may crash its process, so a node runs one at a time.
local function risky(j)
  return j.crashes > 0 and j.crashes + 1 >= j.maxCrashes
end

-- The member of a due job in r or in aside.
local function member(id, j)
  local prefix = lane(j.queue)
  if risky(j) then
    prefix = 'x' .. prefix
  end
  if j.aside == 1 then
    prefix = prefix .. lane(j.task)
  end
  return prefix .. format('%02x%011x', j.rank, j.ord) .. id, prefix
end

-- Draws a number for a job that becomes due. done stores the last one.
local ord
local function nextOrd()
  ord = (ord or tonumber(call('HGET', M, 'ord')) or 0) + 1
  return ord
end

-- Takes a job out of the set of its state, and out of the counts.
local function leave(id, j)
  count(id, j, -1)
  local state = j.state
  if state == AVAILABLE then
    zrem(j.aside == 1 and ASIDE or R, (member(id, j)))
  elseif state == RUNNING then
    zrem(RUN, id)
    if j.cancelling == 1 then
      zrem(CAN, id)
    end
  elseif state == SCHEDULED or state == RETRYABLE then
    zrem(DUE, id)
  elseif state == KILLED then
    zrem(DEAD, id)
  else
    zrem(FIN, id)
  end
end

-- The earliest runAt of the jobs that this script makes wait.
local earliest

-- Puts a job into the set of its state.
local function place(id, j)
  local state = j.state
  if state == AVAILABLE then
    local text, prefix = member(id, j)
    local set = j.aside == 1 and ASIDE or R
    watch(set, prefix, j.queue)
    zadd(set, 0, text)
  elseif state == RUNNING then
    zadd(RUN, j.inc, id)
  elseif state == SCHEDULED or state == RETRYABLE then
    zadd(DUE, j.runAt, id)
    earliest = math.min(earliest or j.runAt, j.runAt)
  elseif state == KILLED then
    zadd(DEAD, j.ended, id)
  else
    zadd(FIN, j.ended, id)
  end
end

-- Puts a job, which the caller has stored, into the set of its state, and into the counts.
local function enter(id, j)
  count(id, j, 1)
  place(id, j)
end

-- Makes a job wait until runAt, in ms. It draws a new ord if the job is due. The caller stores the job afterwards.
local function wait(j, runAt)
  j.runAt, j.ended, j.inc, j.aside, j.cancelling, j.draining = runAt, 0, 0, 0, 0, 0
  if runAt <= now then
    j.state, j.ord = AVAILABLE, nextOrd()
  elseif j.retrying == 1 then
    j.state = RETRYABLE
  else
    j.state = SCHEDULED
  end
end

-- Returns the id of the job that holds a unique key, and the job. Nil: the key is free.
local function holder(unique)
  local id = call('HGET', U, unique)
  local j = id and load(id)
  if j and j.unique == unique and (j.state < COMPLETED or j.uniqueUntil > now) then
    return id, j
  end
  return nil
end

-- Ends a job in the state COMPLETED, CANCELLED or KILLED. The caller stores the job afterwards.
local function finish(id, j, state)
  j.state, j.ended, j.inc, j.aside, j.cancelling, j.draining, j.retrying = state, now, 0, 0, 0, 0, 0
  if j.unique ~= '' and j.uniqueUntil <= now and call('HGET', U, j.unique) == id then
    call('HDEL', U, j.unique)
  end
end

-- Gives a job that waits again the unique key, which is free.
local function hold(id, j)
  if j.unique ~= '' then
    call('HSET', U, j.unique, id)
  end
end

local function writeCounts()
  for field, by in pairs(changes) do
    if by ~= 0 and call('HINCRBY', N, field, by) == 0 then
      call('HDEL', N, field)
    end
  end
end

local function wake()
  for queue in pairs(woken) do
    redis.pcall(ARGV[1], ARGV[2], 'q' .. queue)
  end
end

-- Writes ord and the counts, and publishes the wakes. Scripts call it once, at the end.
local function done()
  if gathered then
    flush()
  end
  if ord then
    call('HSET', M, 'ord', number(ord))
  end
  writeCounts()
  if earliest and tonumber(call('ZRANGE', DUE, 0, 0, 'WITHSCORES')[2]) == earliest then
    redis.pcall(ARGV[1], ARGV[2], 'd' .. number(math.max(earliest - now, 0)))
  end
  wake()
end

