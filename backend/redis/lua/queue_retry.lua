-- Retry makes a job due at once.
-- ARGV: the id.
-- Returns {'ok', record, data}, {'absent'}, {'bad'}, {'running'}, or {'duplicate', id of the job that has the unique key,
-- key}. Cost: 8 commands.
local id = ARGV[3]
local j = load(id)
if not j then
  return {(j == false or call('HEXISTS', BAD, id) == 1) and 'bad' or 'absent'}
end
if j.state == RUNNING then
  return {'running'}
end
local other = j.unique ~= '' and holder(j.unique)
if other and other ~= id then
  return {'duplicate', other, j.unique}
end
leave(id, j)
j.crashes, j.retrying = 0, 0
if j.maxAttempts > 0 then
  j.maxAttempts = math.max(j.maxAttempts, j.attempt + 1)
end
wait(j, now)
hold(id, j)
store(id, j)
enter(id, j)
done()
return {'ok', encode(j), call('HGET', D, id) or ''}
