-- Begins a load of an entry, unless there is the entry or another load. A load is a hash under the key of the entry, so
-- each write of the entry ends it.
-- KEYS: the entry. ARGV: the id of the new load; its time limit in ms.
-- A second execution has no effect. Returns {'load', id}, or {'entry'} if there is the entry, or {'foreign'} if another type is there. Cost: 3 commands.
local kind = redis.call('TYPE', KEYS[1]).ok
if kind == 'string' then
  return {'entry'}
end
if kind == 'none' then
  redis.call('HSET', KEYS[1], 'load', ARGV[1])
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return {'load', ARGV[1]}
end
local load = kind == 'hash' and redis.call('HGET', KEYS[1], 'load')
if not load then
  return {'foreign'}
end
return {'load', load}
