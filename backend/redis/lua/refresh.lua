-- Sets a new end of a lock. It begins with PEXPIRE, so it succeeds when the memory of the server is full.
-- KEYS: the lock. ARGV: the token; the ttl in µs; the command to publish; the channel; the message; the time in µs, or ''.
-- Returns the end in ms as a text, or nil if the token does not hold the lock. If the lock ends sooner than before, it
-- publishes the message. Cost: 4 commands.
local now = tonumber(ARGV[6])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local held = redis.call('GET', KEYS[1])
local fence, ends, token = string.match(held or '', '^(%d+) (%d+) (.*)$')
if not fence or token ~= ARGV[1] or ends * 1000 <= now then
  return false
end
local later = math.ceil((now + ARGV[2]) / 1000)
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(ARGV[2] / 1000) + 1000))
redis.call('SET', KEYS[1], fence .. string.format(' %.0f ', later) .. token, 'KEEPTTL')
if later < tonumber(ends) then
  redis.pcall(ARGV[3], ARGV[4], ARGV[5])
end
return string.format('%.0f', later)
