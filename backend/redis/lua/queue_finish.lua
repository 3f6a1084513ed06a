-- Finish ends runs. A repetition changes nothing. It begins with HDEL, which the server never refuses.
-- ARGV: for each outcome, at most 512: id, fence, state, delay in µs, error.
-- Returns one letter for each outcome: see queue_outcome.lua. Cost: 2 commands, and 6 for each outcome.
call('HDEL', M, '')
local letters, ids = {}, {}
for i = 3, #ARGV - 1, 5 do
  ids[#ids + 1] = ARGV[i]
end
gather(ids)
for i = 3, #ARGV - 1, 5 do
  letters[#letters + 1] = outcome(ARGV[i], tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), ARGV[i + 4])
end
done()
return table.concat(letters)
