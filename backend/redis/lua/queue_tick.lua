-- EnqueueScheduled adds jobs and sets the last run of their schedule, unless it has run at that time or later.
-- ARGV: the schedule; the time in ms; the maximum number of unfinished jobs; a record and the data of each job, at most 512
-- jobs and 1 MiB.
-- Returns {'won', id of each job, '' if its unique key is held}, {'not'}, {'early', how early in ms}, {'full', jobs}, or
-- {'settling'} before the first Pulse on another server and while the shard settles: a node may have won the time at the former
-- server. A repetition returns {'not'}. Cost: 8 commands and 3 for each job.
if foreign() or settling() then
  return {'settling'}
end
local schedule, at = ARGV[3], tonumber(ARGV[4])
local last = call('ZSCORE', TICKS, schedule)
if last and at <= tonumber(last) then
  return {'not'}
end
if at > now + 2000 then
  return {'early', number(at - now)}
end
local jobs = (#ARGV - 6) / 2
if overfull(jobs) then
  return {'full', number(unfinished())}
end
local seq, won = call('HINCRBY', M, 'seq', jobs), {'won'}
for i = 1, jobs do
  local id = number(seq - jobs + i)
  won[i + 1] = add(id, ARGV[4 + 2 * i], ARGV[5 + 2 * i]) and id or ''
end
setLast(schedule, at)
done()
return won
