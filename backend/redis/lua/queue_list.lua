-- Finds jobs, in the order of their ids. One call looks at the jobs of at most 4 blocks.
-- ARGV: the id after which the search begins; 1 for falling ids, else 0; the maximum number of jobs; the digits of the
-- wanted states; the wanted queue and task, or ''.
-- Returns the id after which the next call goes on, or '' if there are no more jobs; then for each job its id, the kind
-- 'ok' or 'bad', its record and its data. It ends early if the result has 1 MiB. Cost: 3 commands for each block, 1 for
-- each job in the result.
local after, newest, limit, states, queue, task = tonumber(ARGV[3]), ARGV[4] == '1', tonumber(ARGV[5]), ARGV[6], ARGV[7], ARGV[8]
local byte, find, result, found, size = string.byte, string.find, {''}, 0, 0

-- Reports whether a record that can be read matches the filter.
local function matches(text)
  if not find(states, byte(text, 2), 1, true) then
    return false
  end
  if not find(text, queue, HEADSIZE, true) or not find(text, task, HEADSIZE, true) then
    return false -- without decode, which is dearer
  end
  local j = decode(text)
  return j and (queue == '' or j.queue == queue) and (task == '' or j.task == task)
end

-- Reports whether a job with the wanted states exists.
local function possible()
  local sets = {['1'] = {DUE}, ['2'] = {R, ASIDE}, ['3'] = {RUN}, ['4'] = {DUE}, ['5'] = {FIN}, ['6'] = {FIN}, ['7'] = {DEAD, BAD}}
  for state in string.gmatch(states, '%d') do
    for _, set in ipairs(sets[state]) do
      if call('EXISTS', set) == 1 then
        return true
      end
    end
  end
  return false
end

if not possible() then
  return result
end
local blocks
if newest then
  blocks = call('ZREVRANGEBYSCORE', BLK, after > 0 and math.floor((after - 1) / 256) or '+inf', '-inf', 'LIMIT', 0, 5)
else
  blocks = call('ZRANGEBYSCORE', BLK, math.floor((after + 1) / 256), '+inf', 'LIMIT', 0, 5)
end
local bad = find(states, '7', 1, true) and queue == '' and task == ''
local setAsides = bad and call('EXISTS', BAD) == 1
for b = 1, math.min(#blocks, 4) do
  local ids = {}
  for i = 0, 255 do
    local id = blocks[b] * 256 + (newest and 255 - i or i)
    if id > 0 and (after == 0 or newest and id < after or not newest and id > after) then
      ids[#ids + 1] = number(id)
    end
  end
  local texts = #ids > 0 and call('HMGET', S, unpack(ids)) or {}
  local asides = setAsides and #ids > 0 and call('HMGET', BAD, unpack(ids)) or {}
  for i = 1, #ids do
    local kind, text = 'ok', texts[i]
    if not text then
      kind, text = 'bad', asides[i]
    elseif #text < HEADSIZE or byte(text) ~= 1 then
      kind, text = 'bad', bad and text
    elseif not matches(text) then
      text = nil
    end
    if text then
      local data = kind == 'ok' and call('HGET', D, ids[i]) or ''
      result[#result + 1], result[#result + 2] = ids[i], kind
      result[#result + 1], result[#result + 2] = text, data
      found, size = found + 1, size + #text + #data
      if found == limit or size >= 1048576 then
        result[1] = ids[i]
        return result
      end
    end
  end
  result[1] = ids[#ids] or result[1]
end
if #blocks < 5 then
  result[1] = ''
end
return result
