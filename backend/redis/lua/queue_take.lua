-- Starts runs of due jobs: from each queue in order, by priority, then by the time at which they became due. A job whose task
-- the node does not know moves to aside, once. The arguments begin at ARGV[at]: inc; node; the maximum number of jobs, at
-- most 512; 1 if one of them may have one crash left, else 0; the number of queues, the queues; the number of tasks, the
-- tasks, or -1 for all.
-- Returns {'lost'} if the inc has ended, {'settling'}, or {'ok', ms until the next job is due or '', id, record, data, ...}
-- with about 1 MiB at most. The data is '' if it is big. Cost: 7 commands, 1 for each queue, and about 4 for each job.
local function take(at)
  local inc, node, max, queues = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2]), tonumber(ARGV[at + 4])
  local oneRisky = ARGV[at + 3] == '1'
  if (tonumber(call('ZSCORE', HOLD, inc) or '-1')) < 0 then
    return {'lost'}
  end
  if foreign() or settling() then
    return {'settling'}
  end
  local nextDue = promote()

  local known -- the set of known tasks, made when it is needed
  local tasks = tonumber(ARGV[at + 5 + queues])
  local function knows(task)
    if tasks < 0 then
      return true
    end
    if not known then
      known = {}
      for i = at + 6 + queues, at + 5 + queues + tasks do
        known[ARGV[i]] = true
      end
    end
    return known[task]
  end

  -- Appends the due jobs of a range of members to list, at most n.
  local function look(list, set, prefix, n)
    local at = #prefix + 1
    for _, text in ipairs(call('ZRANGEBYLEX', set, '[' .. prefix, '(' .. prefix .. '\255', 'LIMIT', 0, n)) do
      list[#list + 1] = {place = sub(text, at, at + 12), id = sub(text, at + 13), member = text, set = set}
    end
  end

  -- Appends the due jobs of known tasks that were set aside. It jumps from task to task.
  local function lookAside(list, prefix, n)
    local from, found = '[' .. prefix, false
    while true do
      local text = call('ZRANGEBYLEX', ASIDE, from, '(' .. prefix .. '\255', 'LIMIT', 0, 1)[1]
      if not text then
        return found
      end
      local size = tonumber(sub(text, #prefix + 1, #prefix + 4), 16)
      local inner = sub(text, 1, #prefix + 4 + size)
      if knows(sub(inner, #prefix + 5)) then
        look(list, ASIDE, inner, n)
        found = true
      end
      from = '[' .. inner .. '\255'
    end
  end

  local reply, bytes, left, moves = {'ok', ''}, 0, max, 512
  local anyAside = call('ZCARD', ASIDE) > 0

  -- Starts a run of a job. It cuts the record of the job into the one of the run, because decoding takes longer. The lengths
  -- are those in the record. Returns the record of the run.
  local function start(id, text, data, q, t, n, u, e)
    local attempt, maxAttempts, starts = struct.unpack('>I4I4I4', text, 14)
    local crashes, most = struct.unpack('>HH', text, 10)
    oneRisky = oneRisky and not (crashes > 0 and crashes + 1 >= most)
    local fence = math.max(struct.unpack('>i8', text, 82) + 1, micros)
    local strings = sub(text, 106)
    if sub(text, 116 + q + t, 115 + q + t + n) ~= node then
      strings = pack('>HHHHH', q, t, #node, u, e) .. sub(text, 116, 115 + q + t) .. node .. sub(text, 116 + q + t + n)
    end
    local name = lane(sub(text, 116, 115 + q)) .. sub(text, 116 + q, 115 + q + t)
    countField(AVAILABLE .. name, id, -1)
    countField(RUNNING .. name, id, 1)
    text = '\1\3' .. sub(text, 3, 4) .. '\0\0\0' .. sub(text, 8, 13) .. pack('>I4I4I4', attempt + 1, maxAttempts, starts + 1)
      .. sub(text, 26, 49) .. pack('>i8i8', now, 0) .. sub(text, 66, 73) .. pack('>i8i8', tonumber(inc), fence)
      .. sub(text, 90, 105) .. strings
    reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = id, text, data
    bytes, left = bytes + #text + #data, left - 1
    return text
  end

  -- Returns the lengths in the record of a due job, or nil if the job is not due or the record cannot be read.
  local function dueLengths(text)
    if #text < HEADSIZE or sub(text, 1, 2) ~= '\1\2' then
      return nil
    end
    local q, t, n, u, e = struct.unpack('>HHHHH', text, 106)
    if #text ~= HEADSIZE + q + t + n + u + e then
      return nil
    end
    return q, t, n, u, e
  end

  -- Starts the jobs of list, at most 64. Returns false if the list has none that can start.
  local function startAll(list)
    local ids = {}
    for i, c in ipairs(list) do
      ids[i] = c.id
    end
    local texts, datas = call('HMGET', S, unpack(ids)), call('HMGET', D, unpack(ids))
    local gone, records, runs = {[R] = {}, [ASIDE] = {}}, {}, {}
    for i, c in ipairs(list) do
      local text, out, q, t, n, u, e = texts[i], gone[c.set]
      if text then
        q, t, n, u, e = dueLengths(text)
      end
      out[#out + 1] = c.member
      if not q then
        if text and not decode(text) then
          setAside(c.id, text)
        end
      elseif c.set == R and not knows(sub(text, 116 + q, 115 + q + t)) then
        moves = moves - 1
        c.moved = decode(text)
      else
        records[#records + 1], runs[#runs + 1] = c.id, inc
        records[#records + 1] = start(c.id, text, byte(text, 8) == 1 and '' or datas[i] or '', q, t, n, u, e)
        runs[#runs + 1] = c.id
        if bytes > 1048576 then
          break
        end
      end
    end
    for set, out in pairs(gone) do
      if #out > 0 then
        call('ZREM', set, unpack(out))
      end
    end
    if #records > 0 then
      call('HSET', S, unpack(records))
      call('ZADD', RUN, unpack(runs))
    end
    for _, c in ipairs(list) do
      if c.moved then
        c.moved.aside = 1
        store(c.id, c.moved)
        count(c.id, c.moved, -1) -- enter counts it again
        enter(c.id, c.moved)
      end
    end
  end

  local function byPlace(a, b)
    return a.place < b.place
  end

  -- Appends the first job of a known task that has one crash left.
  local function lookRisky(list, prefix)
    local some = {}
    while moves > 0 do
      look(some, R, prefix, 1)
      local j = some[1] and load(some[1].id)
      if not some[1] or j and j.state == AVAILABLE and knows(j.task) then
        break
      end
      startAll(some) -- it moves the job to aside
      some = {}
    end
    if anyAside then
      lookAside(some, prefix, 1)
      table.sort(some, byPlace)
    end
    list[#list + 1] = some[1]
    return some[1] ~= nil
  end

  for q = 1, queues do
    local prefix = lane(ARGV[at + 4 + q])
    while left > 0 and bytes <= 1048576 and moves > 0 do
      local list, n = {}, math.min(left, 64)
      look(list, R, prefix, n)
      local more = oneRisky and lookRisky(list, 'x' .. prefix)
      if anyAside and lookAside(list, prefix, n) or more then
        table.sort(list, byPlace)
        for i = #list, n + 1, -1 do
          list[i] = nil
        end
      end
      if #list == 0 then
        break
      end
      startAll(list)
    end
  end
  if nextDue then
    reply[2] = number(math.max(nextDue - now, 0))
  end
  if moves <= 0 then -- there may be known tasks behind the unknown ones
    reply[2] = '0'
  end
  return reply
end
