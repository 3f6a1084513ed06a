-- Removes an entry, and ends a load of the key.
-- KEYS: the entries, at most 512. ARGV: none.
-- Returns the number of entries that it removed. Loads do not count. Cost: 2 commands for each key.
local removed = 0
for _, key in ipairs(KEYS) do
  if redis.call('TYPE', key).ok == 'string' then
    removed = removed + 1
  end
  redis.call('UNLINK', key)
end
return removed
