-- Adds a job, whose records are those of encodeNew and encodeData. The caller has drawn the id, and stores it.
-- Returns true, or false and the id of the job that holds the unique key. Cost: 3 commands, 5 with a unique key.
local function after(delay)
  return delay > 0 and math.ceil((micros + delay) / 1000) or now
end
local function add(id, record, data)
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

