-- SetLastRun changes the last run of a schedule.
-- ARGV: the schedule; the last run that the caller knows in ms, or '' if there is none; the new one in ms.
-- Returns 1 if it changed the last run, else 0. A new last run is not ahead of the clock. Cost: 4 commands.
local last = call('ZSCORE', TICKS, ARGV[3])
if (last and number(tonumber(last)) or '') ~= ARGV[4] then
  return 0
end
setLast(ARGV[3], math.min(tonumber(ARGV[5]), now))
return 1
