-- The guarded clock of the shard, in µs. Only Pulse and Hello move it on. A step of TIME moves it by at most 2 s, and it
-- stands still while no node reaches the server, so no lease ends because nobody could renew it.
local LEASE, SETTLE, REMEMBER = 10000000, 4000000, 3600000000
local AGAIN = 30000 -- in ms: longer than nodes remember
local function clock()
  return tonumber(call('HGET', M, 'c')) or 0
end

-- Moves the clock on. Cost: 3 commands.
local function advance()
  local last = tonumber(call('HGET', M, 'w')) or micros
  call('HSET', M, 'w', number(micros), 'c', number(clock() + math.min(math.max(micros - last, 0), 2000000)))
end

-- Returns whether the shard settles: it has met a new server, and waits for what the nodes remember.
local function settling()
  local ends = tonumber(call('HGET', M, 'settle'))
  return ends and ends > clock()
end

-- Returns whether the server is another one than the last Pulse met. A master that became a replica and a master again has
-- kept its scripts, so no Hello ran. The caller may have read the run_id already. Cost: 2 commands, of which INFO takes 5 µs.
local function foreign(rid)
  local info = redis.pcall('INFO', 'server')
  return type(info) == 'string' and string.match(info, 'run_id:(%w+)') ~= (rid or call('HGET', M, 'rid'))
end

-- Compares the server with the one that has written the keys. If it is another one, some writes may be missing, so the next
-- numbers jump over those that were drawn there, and the shard settles. The highest id that a node has seen shows missing
-- writes, too. The clock is moved on before, or its next step would shorten the settling. Returns the run_id.
local function meet(seen, known)
  advance()
  local info = redis.pcall('INFO', 'server')
  local before = call('HGET', M, 'rid') or ''
  local rid = type(info) == 'string' and string.match(info, 'run_id:(%w+)') or before -- INFO may be forbidden
  local seq = tonumber(call('HGET', M, 'seq')) or 0
  local other = before ~= '' and before ~= rid or before == '' and known ~= ''
  if other or seen > seq then
    local top = math.max(seen, seq) + 1048576
    -- After two failovers in a row, some nodes have still to send the jobs that the first one has lost.
    local since = now - (tonumber(call('HGET', M, 'met') or '') or 0)
    if since < 0 or since > AGAIN then
      call('HSET', M, 'kept', number(seq))
    end
    call('HSET', M, 'met', number(now), 'seq', number(top), 'settle', number(clock() + SETTLE))
    call('HINCRBY', M, 'ord', 1048576)
    call('DEL', SET)
  end
  if before ~= rid then
    call('HSET', M, 'rid', rid)
  end
  return rid
end

