-- Enqueue adds the jobs of a batch, all or none. A repetition of the last batch of an inc returns the same results.
-- ARGV: inc; the number of the batch; the maximum number of unfinished jobs; a record and the data of each job, at most
-- 512 jobs and 1 MiB.
-- Returns {'ok', results}, {'lost'} if the inc has ended, {'old'} after a later batch, or
-- {'full', jobs}, or {'settling'} before the first Pulse on another server. Results has the ids of the jobs with a space
-- before each one, and 'e' before that of an existing job. If all are new, it has a space, the first id, '-', and the last one. Cost: 6 commands and 3 for each job.
local inc, batch = ARGV[3], ARGV[4]
if foreign() then
  return {'settling'}
end
local refusal = answered(inc, batch)
if refusal then
  return refusal
end
local jobs = (#ARGV - 6) / 2
if overfull(jobs) then
  return {'full', number(unfinished())}
end
local last = call('HINCRBY', M, 'seq', jobs)
local results, all = {batch}, true
gather({})
for i = 1, jobs do
  local id = number(last - jobs + i)
  local added, held = add(id, ARGV[4 + 2 * i], ARGV[5 + 2 * i])
  results[i + 1] = added and id or 'e' .. held
  all = all and added
end
done()
local text = all and batch .. ' ' .. number(last - jobs + 1) .. '-' .. number(last) or table.concat(results, ' ')
call('HSET', BAT, series(inc, batch), text)
return {'ok', string.sub(text, #batch + 1)}
