-- Turn ends runs, as Finish does, and then starts others, as Fetch does. It begins with HDEL, which the server never refuses.
-- ARGV: the number of outcomes; these, see queue_outcome.lua; the arguments of take.
-- Returns the letters of the outcomes and then what take returns. Cost: 1 command, finishAll and take.
call('HDEL', M, '')
local ends = 4 + 5 * tonumber(ARGV[3])
local letters = finishAll(4, ends)
flush()
local reply = take(ends)
done()
table.insert(reply, 1, letters)
return reply
