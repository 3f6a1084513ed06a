-- Counts one event against a rate, with the generic cell rate algorithm. The value is the time from which the full limit is
-- available, in µs by the clock of the server. The expiry of the key only frees memory.
-- KEYS: the count. ARGV: the time for one more event in µs; the number of events at once; the time in µs, or ''.
-- Returns {wait, full} in µs, as texts: wait is 0 if the event was counted, and full the time until the full limit is
-- available. Returns {'foreign'} if another value is there. Cost: 3 commands.
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local each, most = tonumber(ARGV[1]), ARGV[1] * ARGV[2]
local full, changed = now, false
local value = redis.call('GET', KEYS[1])
if value then
  full = tonumber(value)
  if not full then
    return {'foreign'}
  end
  -- The clock may have been set back: no count lasts longer than the full limit. A refused event stores that, too, because
  -- otherwise each one would begin with the old value, until the clock has caught up.
  changed = full > now + most
  full = math.max(now, math.min(full, now + most))
end
local wait = math.max(0, full + each - most - now)
if wait == 0 then
  full = full + each
  changed = true
end
if changed then
  redis.call('SET', KEYS[1], string.format('%.0f', full), 'PX', string.format('%.0f', math.ceil((full - now) / 1000) + 1000))
end
return {string.format('%.0f', wait), string.format('%.0f', full - now)}
