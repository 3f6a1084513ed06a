-- Returns the field of bat for a batch. A node has a batch with an even number and one with an odd number under way.
local function series(inc, batch)
  return tonumber(batch) % 2 == 0 and inc or inc .. '+'
end

-- Returns what Enqueue answers to a batch that it does not add: a repetition of the last one, one that is late, or one of an
-- inc that has ended. Nil: the batch is new. Cost: 2 commands.
local function answered(inc, batch)
  local before = call('HGET', BAT, series(inc, batch))
  if before then
    local n, results = string.match(before, '^(%d+)(.*)$')
    if n == batch then
      return {'ok', results}
    elseif tonumber(n) > tonumber(batch) then -- a late command, whose repetition was answered
      return {'old'}
    end
  end
  if (tonumber(call('ZSCORE', HOLD, inc) or '-1')) < 0 then
    return {'lost'}
  end
  return nil
end
