-- Cancel ends a job that waits, or marks a running one and publishes that. Pulse repeats the news until the run ends.
-- ARGV: the id.
-- Returns {'ok', record, data}, {'absent'} or {'bad'}. Cost: 7 commands.
local id = ARGV[3]
local j = load(id)
if not j then
  return {(j == false or call('HEXISTS', BAD, id) == 1) and 'bad' or 'absent'}
end
if j.state == RUNNING then
  call('ZREM', CAN, id) -- a write that the server does not refuse when its memory is full
  j.cancelling = 1
  store(id, j)
  call('ZADD', CAN, j.inc, id)
  redis.pcall(ARGV[1], ARGV[2], 'c' .. number(j.inc))
elseif j.state < COMPLETED then
  leave(id, j)
  finish(id, j, CANCELLED)
  j.error = 'it was cancelled before it ran'
  store(id, j)
  enter(id, j)
  done()
end
return {'ok', encode(j), call('HGET', D, id) or ''}
