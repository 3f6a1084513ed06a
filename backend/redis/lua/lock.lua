-- Acquires a lock. The value of a lock is "fence end token", where end is in ms by the clock of the server. The expiry of
-- the key only frees memory; the end decides.
-- KEYS: the lock; the fence of the partition, which is never removed. ARGV: the token; the ttl in µs; the time in µs, or ''.
-- Returns {'locked', fence, end in ms}, or {'held', µs until the end}, or {'foreign'} if another value is there. The numbers
-- are texts. If the token holds the lock already, because an answer was lost, the answer is the same again. The fence is above all earlier fences of the partition, and at least the time in µs. Cost: 5 commands.
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
local held = redis.call('GET', KEYS[1])
if held then
  local fence, text, token = string.match(held, '^(%d+) (%d+) (.*)$')
  local ends = tonumber(text)
  if not ends then
    return {'foreign'}
  end
  if ends * 1000 > now then
    if token == ARGV[1] then
      return {'locked', fence, text}
    end
    return {'held', string.format('%.0f', ends * 1000 - now)}
  end
end
local fence = math.max((tonumber(redis.call('GET', KEYS[2])) or 0) + 1, now)
local ends = math.ceil((now + ARGV[2]) / 1000)
local text = string.format('%.0f', fence)
redis.call('SET', KEYS[2], text)
redis.call('SET', KEYS[1], text .. string.format(' %.0f ', ends) .. ARGV[1], 'PX', string.format('%.0f', math.ceil(ARGV[2] / 1000) + 1000))
return {'locked', text, string.format('%.0f', ends)}
