-- Removes a job that is not running, and frees its unique key.
local function drop(id, j)
  leave(id, j)
  call('HDEL', S, id)
  call('HDEL', D, id)
  if j.unique ~= '' and call('HGET', U, j.unique) == id then
    call('HDEL', U, j.unique)
  end
end

-- Ended records stay this long, in ms, so that a repeated Finish is recognized.
local KEEP = 60000

-- Removes ended jobs of a set, the oldest first: those that ended more than keep ms ago, and those beyond the number most.
-- A job that holds its unique key longer stays until then. Returns the number of the jobs that it removed.
local function sweepSet(set, keep, most, limit)
  local removed, over = 0, call('ZCARD', set) - most
  if keep < KEEP then
    keep = KEEP
  end
  local ended = call('ZRANGE', set, 0, limit - 1, 'WITHSCORES')
  for i = 1, #ended, 2 do
    local id, at = ended[i], tonumber(ended[i + 1])
    if at + keep > now and (over <= 0 or at + KEEP > now) then
      break
    end
    over = over - 1
    local j = load(id)
    if not j then -- the audit deals with the record
      call('ZREM', set, id)
    elseif j.unique ~= '' and j.uniqueUntil > now and call('HGET', U, j.unique) == id then
      call('ZADD', set, j.uniqueUntil, id)
    else
      drop(id, j)
      removed = removed + 1
    end
  end
  return removed
end

local function sweep(keepCompleted, keepFailed, keepMost, limit)
  return sweepSet(FIN, keepCompleted, keepMost, limit) + sweepSet(DEAD, keepFailed, keepMost, limit)
end

