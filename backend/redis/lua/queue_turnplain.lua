-- TurnPlain does what Turn does in the ordinary case: the runs are completed without an error, their jobs and the due ones
-- have no unique key, no job changes its place, and nothing else is to be done. It has straight lines in place of the
-- functions of queue_lib.lua, which take longer than all the rest. It reads everything before its first write.
-- ARGV: as Turn; state, delay and error of each outcome are not read.
-- Returns {'other'} in any other case, without an effect, else what Turn returns. Cost: 11 commands, 1 for each queue, 8
-- more if there are outcomes, and as many if there are due jobs.
local n = tonumber(ARGV[3])
local at = 4 + 5 * n
local inc, node, left, queues = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 4])
local tasks, known = tonumber(ARGV[at + 5 + queues]), call('HMGET', M, 'rid', 'settle', 'c', 'recount')
local first, last = call('ZRANGE', DUE, 0, 0, 'WITHSCORES'), call('ZRANGE', R, -1, -1)[1]
local settles = tonumber(known[2] or '')
if tonumber(call('ZSCORE', HOLD, inc) or '-1') < 0 or settles and settles > (tonumber(known[3] or '') or 0)
  or (tonumber(known[4] or '') or 0) > 0 or first[2] and tonumber(first[2]) <= now or last and byte(last) == 120 -- a lane that begins with x
  or call('ZCARD', ASIDE) > 0 or foreign(known[1]) then
  return {'other'}
end

-- By the length of the name of a queue, and by the names of queue and task: the field of n without the state, whether the node
-- knows the task, and how many jobs change their state.
local names = {}
local function named(text, q, t)
  local both = sub(text, 116, 115 + q + t)
  local some = names[q]
  if not some then
    some = {}
    names[q] = some
  end
  local name = some[both]
  if not name then
    name = {field = format('%04x', q) .. both, ended = 0, begun = 0, known = tasks < 0}
    local task = sub(both, q + 1)
    for i = at + 6 + queues, at + 5 + queues + tasks do
      if ARGV[i] == task then
        name.known = true
        break
      end
    end
    some[both] = name
  end
  return name
end

local records, ids, fins, seen = {}, {}, {}, {}
if n > 0 then
  for i = 1, n do
    local id = ARGV[5 * i - 1]
    if seen[id] then
      return {'other'}
    end
    ids[i], seen[id] = id, true
  end
  local tail = pack('>i8', now)
  for i, text in ipairs(call('HMGET', S, unpack(ids))) do
    if not text or #text < HEADSIZE or sub(text, 1, 2) ~= '\1\3' or byte(text, 4) == 1 then
      return {'other'}
    end
    local q, t, node, u, e = struct.unpack('>HHHHH', text, 106)
    if struct.unpack('>i8', text, 82) ~= tonumber(ARGV[5 * i]) or u > 0 or #text ~= HEADSIZE + q + t + node + e then
      return {'other'}
    end
    local name, run = named(text, q, t), sub(text, 82, 89)
    name.ended = name.ended + 1
    records[2 * i - 1] = ids[i]
    records[2 * i] = '\1\5' .. sub(text, 3, 3) .. '\0\0\0\0' .. sub(text, 8, 8) .. '\5\0\0' .. sub(text, 12, 57) .. tail
      .. sub(text, 66, 73) .. '\0\0\0\0\0\0\0\0' .. run .. run .. sub(text, 98)
    fins[2 * i - 1], fins[2 * i] = now, ids[i]
  end
end

local reply, members, runs, bytes = {string.rep('o', n), 'ok', first[2] and number(first[2] - now) or ''}, {}, {}, 0
local begun, owner = pack('>i8i8', now, 0), pack('>i8', tonumber(inc))
for i = 1, queues do
  local prefix = lane(ARGV[at + 4 + i])
  local found = left > 0 and call('ZRANGEBYLEX', R, '[' .. prefix, '(' .. prefix .. '\255', 'LIMIT', 0, left) or {}
  if #found > 0 then
    local due = {}
    for k, text in ipairs(found) do
      due[k], members[#members + 1] = sub(text, #prefix + 14), text
    end
    local texts, datas = call('HMGET', S, unpack(due)), call('HMGET', D, unpack(due))
    for k, id in ipairs(due) do
      local text = texts[k]
      if not text or seen[id] or #text < HEADSIZE or sub(text, 1, 2) ~= '\1\2' then
        return {'other'}
      end
      local q, t, held, u, e = struct.unpack('>HHHHH', text, 106)
      local name = named(text, q, t)
      if not name.known or #text ~= HEADSIZE + q + t + held + u + e then
        return {'other'}
      end
      name.begun, seen[id] = name.begun + 1, true
      local attempt, most, starts = struct.unpack('>I4I4I4', text, 14)
      text = '\1\3' .. sub(text, 3, 4) .. '\0\0\0' .. sub(text, 8, 13) .. pack('>I4I4I4', attempt + 1, most, starts + 1)
        .. sub(text, 26, 49) .. begun .. sub(text, 66, 73) .. owner .. pack('>i8', math.max(struct.unpack('>i8', text, 82) + 1, micros))
        .. sub(text, 90, 105) .. pack('>HHHHH', q, t, #node, u, e) .. sub(text, 116, 115 + q + t) .. node .. sub(text, 116 + q + t + held)
      local data = byte(text, 8) == 1 and '' or datas[k] or ''
      bytes = bytes + #text + #data
      local r, s = #reply, #records
      reply[r + 1], reply[r + 2], reply[r + 3] = id, text, data
      records[s + 1], records[s + 2] = id, text
      runs[#runs + 1], runs[#runs + 2] = inc, id
    end
    left = left - #found
  end
end
if bytes > 1048576 then
  return {'other'}
end

call('HDEL', M, '') -- the server never refuses it
if #records > 0 then
  call('HSET', S, unpack(records))
end
if n > 0 then
  call('ZREM', RUN, unpack(ids))
  call('ZADD', FIN, unpack(fins))
end
if #members > 0 then
  call('ZREM', R, unpack(members))
  call('ZADD', RUN, unpack(runs))
end
for _, some in pairs(names) do
  for _, name in pairs(some) do
    for state, by in pairs({[AVAILABLE] = -name.begun, [RUNNING] = name.begun - name.ended, [COMPLETED] = name.ended}) do
      tally(state .. name.field, by)
    end
  end
end
writeCounts()
return reply
