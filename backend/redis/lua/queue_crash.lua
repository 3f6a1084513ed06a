-- Ends a run without an outcome. If the job was cancelled, it is Cancelled. If the worker of the run stops, the job is due
-- again. Otherwise the run counts as a crash. The text why completes "because".
local function crash(id, j, why)
  leave(id, j)
  if j.cancelling == 1 then
    j.error = 'it was cancelled while it ran, then ' .. why
    finish(id, j, CANCELLED)
  elseif j.draining == 1 then
    wait(j, now)
  else
    j.crashes = math.min(j.crashes + 1, 65535)
    if j.crashes >= j.maxCrashes then
      j.error = 'it crashed ' .. j.crashes .. ' times, the last time because ' .. why .. ': find and fix the cause, then retry it'
      finish(id, j, KILLED)
    else
      wait(j, now)
    end
  end
  j.attempt, j.lost = math.max(j.attempt - 1, 0), j.fence
  store(id, j)
  enter(id, j)
end

-- Ends runs of an inc that has ended, at most limit. Returns their number.
local function crashAll(inc, limit, why)
  local ids = call('ZRANGEBYSCORE', RUN, inc, inc, 'LIMIT', 0, limit)
  for _, id in ipairs(ids) do
    local j = load(id)
    if j and j.state == RUNNING and number(j.inc) == inc then
      crash(id, j, why)
    else
      call('ZREM', RUN, id)
      if j == false then
        setAside(id, call('HGET', S, id))
      end
    end
  end
  return #ids
end

