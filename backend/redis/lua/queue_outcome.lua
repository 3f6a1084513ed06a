-- Ends a run with an outcome, which is late if the inc of the run has ended. Returns 'o' if the outcome counts, 'a' if it was
-- stored already, 'l' if it is lost because the run ended without it, 'n' if there is no job. Cost: 6 commands.
local function stored(id, j, fence, state, delay, failure, late)
  leave(id, j)
  local ending = state
  if j.cancelling == 1 and state ~= COMPLETED and state ~= KILLED then
    ending = CANCELLED
    if failure == '' then
      failure = 'it was cancelled while it ran'
    end
  end
  if failure ~= '' then
    j.error = failure
  end
  if late then
    j.crashes, j.lost, j.attempt = 0, 0, j.attempt + 1
  elseif state ~= AVAILABLE then
    j.crashes = 0
  end
  j.last, j.result, j.retrying = fence, state, ending == RETRYABLE and 1 or 0
  if ending == COMPLETED or ending == CANCELLED or ending == KILLED then
    finish(id, j, ending)
  else
    if ending ~= RETRYABLE then
      j.attempt = math.max(j.attempt - 1, 0)
    end
    if ending == AVAILABLE then -- as if it had not been fetched: at its old place
      j.state, j.runAt, j.inc, j.aside, j.ended, j.draining = AVAILABLE, now, 0, 0, 0, 0
    else
      wait(j, delay > 0 and math.ceil((micros + delay) / 1000) or now)
    end
    hold(id, j)
  end
  store(id, j)
  enter(id, j)
  return 'o'
end

-- Does the same as stored for a run that is completed, without decoding the record. It returns nil, and does nothing, if the
-- job has no run with that fence, is cancelled, or has a unique key.
local function completed(id, fence)
  local text = gathered.texts[id]
  if not text or gathered.jobs[id] or #text < HEADSIZE or sub(text, 1, 2) ~= '\1\3' or byte(text, 4) == 1 then
    return nil
  end
  local q, t, n, u, e = struct.unpack('>HHHHH', text, 106)
  if (struct.unpack('>i8', text, 82)) ~= fence or u > 0 or #text ~= HEADSIZE + q + t + n + e then
    return nil
  end
  local name, run = lane(sub(text, 116, 115 + q)) .. sub(text, 116 + q, 115 + q + t), sub(text, 82, 89)
  countField(RUNNING .. name, id, -1)
  countField(COMPLETED .. name, id, 1)
  zrem(RUN, id)
  zadd(FIN, now, id)
  storeText(id, '\1\5' .. sub(text, 3, 3) .. '\0\0\0\0' .. sub(text, 8, 8) .. '\5\0\0' .. sub(text, 12, 57)
    .. pack('>i8', now) .. sub(text, 66, 73) .. pack('>i8', 0) .. run .. run .. sub(text, 98))
  return 'o'
end

local function keyIsFree(id, j)
  if j.unique == '' then
    return true
  end
  local held = holder(j.unique)
  return not held or held == id
end

local function outcome(id, fence, state, delay, failure)
  if gathered and state == COMPLETED and failure == '' then
    local letter = completed(id, fence)
    if letter then
      return letter
    end
  end
  local j = load(id)
  if not j then
    return 'n'
  end
  if j.state == RUNNING and j.fence == fence then
    return stored(id, j, fence, state, delay, failure)
  end
  if j.lost ~= fence then
    if j.last == fence and (j.result == state or j.fence == fence and j.state ~= RUNNING) then
      return 'a'
    end
    return 'l'
  end
  -- The inc of the run has ended, but its process lives, so the run was no crash.
  local counts = j.fence == fence and (j.state < RUNNING or j.state == RETRYABLE or j.state == KILLED and keyIsFree(id, j))
  if counts then
    return stored(id, j, fence, state, delay, failure, true)
  end
  local due = j.state == AVAILABLE -- then the crashes are a part of its place
  if due then
    leave(id, j)
  end
  j.crashes, j.lost = 0, 0
  store(id, j)
  if due then
    enter(id, j)
  end
  return 'l'
end

-- Stores the outcomes in ARGV[from] to ARGV[till - 1], at most 512: id, fence, state, delay in µs and error of each. Returns
-- their letters. The caller calls flush or done.
local function finishAll(from, till)
  local letters, ids = {}, {}
  for i = from, till - 1, 5 do
    ids[#ids + 1] = ARGV[i]
  end
  gather(ids)
  for i = from, till - 1, 5 do
    letters[#letters + 1] = outcome(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), ARGV[i + 4])
  end
  return table.concat(letters)
end
