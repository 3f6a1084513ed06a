-- A job that is due at once and has no unique key has only zeros from ord to lost. Jobs of the same task share the rest.
local PLAIN, kinds = string.rep('\0', 80), {}
local function kindOf(record)
  local tail = sub(record, 106)
  local kind = kinds[tail]
  if kind == nil then
    local j = decode(record)
    kind = false
    if j and j.unique == '' then
      kind = {prefix = lane(j.queue), field = AVAILABLE .. lane(j.queue) .. j.task, tail = pack('>i8i8i8', now, now, 0) .. sub(record, 58)}
      watch(R, kind.prefix, j.queue)
    end
    kinds[tail] = kind
  end
  return kind
end

local function addPlain(id, record, data, kind)
  local n, head = nextOrd(), sub(record, 3, 25)
  index(id)
  storeData(id, data)
  storeText(id, '\1\2' .. head .. pack('>i8', n) .. kind.tail)
  zadd(R, 0, kind.prefix .. format('%02x%011x', byte(head), n) .. id)
  countField(kind.field, id, 1)
end

-- Adds a job, whose records are those of encodeNew and encodeData. The caller has drawn the id, and stores it.
-- Returns true, or false and the id of the job that holds the unique key. Cost: 3 commands, 5 with a unique key.
local function after(delay)
  return delay > 0 and math.ceil((micros + delay) / 1000) or now
end
local function add(id, record, data)
  local kind = gathered and sub(record, 26, 105) == PLAIN and kindOf(record)
  if kind then
    addPlain(id, record, data, kind)
    return true
  end
  local j = decode(record)
  if j.unique ~= '' then
    local held = holder(j.unique)
    if held then
      return false, held
    end
  end
  local runAt, delay = j.runAt, j.started
  if runAt <= now then
    runAt = after(delay)
  end
  j.enqueued, j.started = now, 0
  if j.uniqueUntil > 0 then
    j.uniqueUntil = after(j.uniqueUntil)
  end
  wait(j, runAt)
  index(id)
  storeData(id, data)
  store(id, j)
  hold(id, j)
  enter(id, j)
  return true
end

-- Returns the number of unfinished jobs.
local function unfinished()
  return call('ZCARD', R) + call('ZCARD', ASIDE) + call('ZCARD', DUE) + call('ZCARD', RUN)
end

-- Returns whether the new jobs of the script are too many. ARGV[5] is the maximum number of unfinished jobs, and the records
-- begin at ARGV[6]. Jobs whose unique key is held are not new.
local function overfull(jobs)
  local room = tonumber(ARGV[5]) - unfinished()
  if jobs <= room then
    return false
  end
  local new = 0
  for i = 1, jobs do
    local j = decode(ARGV[4 + 2 * i])
    if j.unique == '' or not holder(j.unique) then
      new = new + 1
    end
  end
  return new > 0 and new > room
end
