-- Removes ended jobs, at most 256 of each kind. If keepMost is 0, it removes all that ended more than 60 s ago.
-- ARGV: keepCompleted and keepFailed in ms; keepMost.
-- Returns the number of removed jobs. Cost: 2 commands, and 5 for each job.
call('ZREM', CAN, '')
local removed = sweep(tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), 256)
done()
return removed
