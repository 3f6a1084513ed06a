-- Frees a lock and publishes a message.
-- KEYS: the lock. ARGV: the token; the command to publish; the channel; the message; the time in µs, or ''.
-- Returns 1, or 0 if the token does not hold the lock. Cost: 3 commands.
local now = tonumber(ARGV[5])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local held = redis.call('GET', KEYS[1])
local ends, token = string.match(held or '', '^%d+ (%d+) (.*)$')
if not ends or token ~= ARGV[1] then
  return 0
end
redis.call('UNLINK', KEYS[1])
if ends * 1000 <= now then
  return 0
end
redis.pcall(ARGV[2], ARGV[3], ARGV[4])
return 1
