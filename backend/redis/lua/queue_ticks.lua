-- The number of schedules whose last run is kept.
local SCHEDULES = 10000

-- Stores the last run of a schedule. A new one replaces that with the earliest last run, if there are too many.
local function setLast(schedule, at)
  if call('ZCARD', TICKS) >= SCHEDULES and not call('ZSCORE', TICKS, schedule) then
    call('ZREMRANGEBYRANK', TICKS, 0, call('ZCARD', TICKS) - SCHEDULES)
  end
  call('ZADD', TICKS, at, schedule)
end

