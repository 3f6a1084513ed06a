-- EnqueuePlain does what Enqueue does, for jobs that are due at once and have no unique key. It has straight lines in place
-- of most functions of queue_lib.lua, because making these takes longer than adding a job.
-- ARGV: inc; the number of the batch; the maximum number of unfinished jobs; the number of kinds, at most 16; the record of each
-- kind; the data of each job, with the number of its kind before it if there are several.
-- Returns: as Enqueue. Cost: 18 commands for jobs of one queue, whatever their number, and one more for each task.
local inc, batch, several = ARGV[3], ARGV[4], tonumber(ARGV[6])
local known = call('HMGET', M, 'seq', 'ord', 'rid', 'recount')
if foreign(known[3]) then
  return {'settling'}
end
local refusal = answered(inc, batch)
if refusal then
  return refusal
end
local first, step = 7 + several, several > 1 and 2 or 1
local jobs, there = (#ARGV - first) / step, unfinished()
if jobs > tonumber(ARGV[5]) - there then
  return {'full', number(there)}
end
-- A value that is no number fails here, before the first write.
local seq, ord = tonumber(known[1] or '0') + 0, tonumber(known[2] or '0') + 0
call('HSET', M, 'seq', number(seq + jobs), 'ord', number(ord + jobs))
recounted = tonumber(known[4]) or 0

local times, kinds = pack('>i8i8i8', now, now, 0), {}
for k = 1, several do
  local record = ARGV[6 + k]
  local q, t = struct.unpack('>HH', record, 106)
  local queue = sub(record, 116, 115 + q)
  local prefix = lane(queue)
  kinds[k] = {
    before = '\1\2' .. sub(record, 3, 25), behind = times .. sub(record, 58), place = prefix .. format('%02x', byte(record, 3)),
    field = AVAILABLE .. prefix .. sub(record, 116 + q, 115 + q + t),
  }
  watch(R, prefix, queue)
end
local data, records, members = {}, {}, {}
local kind, recounting = kinds[1], recounted > 0
for i = 1, jobs do
  local id, at = number(seq + i), first + step * (i - 1)
  if several > 1 then
    kind, at = kinds[tonumber(ARGV[at])], at + 1
  end
  data[2 * i - 1], data[2 * i] = id, ARGV[at]
  records[2 * i - 1], records[2 * i] = id, kind.before .. pack('>i8', ord + i) .. kind.behind
  members[2 * i - 1], members[2 * i] = '0', kind.place .. format('%011x', ord + i) .. id
  if recounting then
    countField(kind.field, id, 1)
  else
    tally(kind.field, 1)
  end
end
for block = blockOf(seq + 1), blockOf(seq + jobs) do
  call('ZADD', BLK, block, number(block))
end
callAll('HSET', D, data)
callAll('HSET', S, records)
callAll('ZADD', R, members)
writeCounts()
wake()
local text = batch .. ' ' .. number(seq + 1) .. '-' .. number(seq + jobs)
call('HSET', BAT, series(inc, batch), text)
return {'ok', sub(text, #batch + 1)}
