-- Makes jobs due whose time has come, at most 64. Returns the time in ms at which the next one comes, or nil.
-- Cost: 2 commands, and 6 for each job.
local function promote()
  for _, id in ipairs(call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, 64)) do
    local j = load(id)
    if j and (j.state == SCHEDULED or j.state == RETRYABLE) then
      leave(id, j)
      j.state, j.ord, j.aside = AVAILABLE, nextOrd(), 0
      store(id, j)
      enter(id, j)
    elseif j == false then
      setAside(id, call('HGET', S, id))
    else
      call('ZREM', DUE, id)
    end
  end
  local first = call('ZRANGE', DUE, 0, 0, 'WITHSCORES')
  return first[2] and tonumber(first[2])
end

