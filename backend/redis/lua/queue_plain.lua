-- EnqueuePlain does what Enqueue does, for jobs that are due at once and have no unique key. It has straight lines in place
-- of most functions of queue_lib.lua, because making these takes longer than adding a job.
-- ARGV: as Enqueue. Returns: as Enqueue. Cost: 18 commands for jobs of one queue, whatever their number, and one more for each
-- task.
local inc, batch = ARGV[3], ARGV[4]
local known = call('HMGET', M, 'seq', 'ord', 'rid', 'recount')
if foreign(known[3]) then
  return {'settling'}
end
local refusal = answered(inc, batch)
if refusal then
  return refusal
end
local jobs, there = (#ARGV - 6) / 2, unfinished()
if jobs > tonumber(ARGV[5]) - there then
  return {'full', number(there)}
end
-- A value that is no number fails here, before the first write.
local seq, ord = tonumber(known[1] or '0') + 0, tonumber(known[2] or '0') + 0
call('HSET', M, 'seq', number(seq + jobs), 'ord', number(ord + jobs))
recounted = tonumber(known[4]) or 0

local times, results, kinds = pack('>i8i8i8', now, now, 0), {batch}, {}
local data, records, members = {}, {}, {}
for i = 1, jobs do
  local id, n, record = number(seq + i), ord + i, ARGV[4 + 2 * i]
  local tail = sub(record, 106)
  local kind = kinds[tail]
  if not kind then
    local q, t = struct.unpack('>HH', tail)
    local queue = sub(tail, 11, 10 + q)
    kind = {prefix = lane(queue), field = AVAILABLE .. lane(queue) .. sub(tail, 11 + q, 10 + q + t)}
    kinds[tail] = kind
    watch(R, kind.prefix, queue)
  end
  data[2 * i - 1], data[2 * i] = id, ARGV[5 + 2 * i]
  records[2 * i - 1] = id
  records[2 * i] = '\1\2' .. sub(record, 3, 25) .. pack('>i8', n) .. times .. sub(record, 58)
  members[2 * i - 1], members[2 * i] = 0, kind.prefix .. format('%02x%011x', byte(record, 3), n) .. id
  countField(kind.field, id, 1)
  results[i + 1] = id
end
for block = blockOf(seq + 1), blockOf(seq + jobs) do
  call('ZADD', BLK, block, number(block))
end
callAll('HSET', D, data)
callAll('HSET', S, records)
callAll('ZADD', R, members)
writeCounts()
wake()
local text = table.concat(results, ' ')
call('HSET', BAT, inc, text)
return {'ok', sub(text, #batch + 1)}
