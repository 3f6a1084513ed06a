-- Reads a job.
-- ARGV: the id.
-- Returns {'ok', the record, the data or ''}, {'bad', the record that was set aside}, or {'absent'}. Cost: 2 commands.
local text = call('HGET', S, ARGV[3])
if text then
  return {'ok', text, call('HGET', D, ARGV[3]) or ''}
end
text = call('HGET', BAD, ARGV[3])
if text then
  return {'bad', text}
end
return {'absent'}
