-- Delete removes a job that is not running. It also removes a record that cannot be read.
-- ARGV: the id.
-- Returns {'ok'}, {'absent'} or {'running'}. Cost: 6 commands.
local id = ARGV[3]
local j = load(id)
if j then
  if j.state == RUNNING then
    return {'running'}
  end
  drop(id, j)
  done()
  return {'ok'}
end
if j == nil and call('HEXISTS', BAD, id) == 0 then
  return {'absent'}
end
call('HDEL', D, id)
if j == false then
  setAside(id, '')
end
call('HDEL', BAD, id)
return {'ok'}
