-- Adds to a counter, which is an entry whose value is a whole number. It creates the counter if there is no entry, and
-- ends a load of the key.
-- KEYS: the entry. ARGV: the number to add; the head of the record of a new counter; the ttl of a new counter in ms, 0 for
-- no expiry, or -1 for a counter that expires at once; the length of a head.
-- Returns {'ok', sum}, or {'notcounter', value}, {'overflow', value} or {'foreign'}, and then nothing has changed. The
-- numbers are texts. Cost: 3 commands.

-- Numbers of Lua are exact up to 2^53 only, so a number of 64 bits is high * 10^9 + low, both with the sign of the number.
-- A number is negated by 0 - n, because -n of zero is written with a sign.
local base = 1000000000
local function parse(text)
  local sign, digits = string.match(text, '^(-?)([1-9]%d*)$')
  if text == '0' then
    return 0, 0
  end
  if not digits or #digits > 19 then
    return nil
  end
  local high, low = tonumber(string.sub(digits, 1, -10)) or 0, tonumber(string.sub(digits, -9))
  if sign == '-' then
    return 0 - high, 0 - low
  end
  return high, low
end
local function inRange(high, low)
  local limit = 854775807
  if high < 0 or low < 0 then
    high, low, limit = 0 - high, 0 - low, 854775808
  end
  return high < 9223372036 or high == 9223372036 and low <= limit
end
local function sum(high, low)
  if low >= base then high, low = high + 1, low - base end
  if low <= -base then high, low = high - 1, low + base end
  if high > 0 and low < 0 then high, low = high - 1, low + base end
  if high < 0 and low > 0 then high, low = high + 1, low - base end
  return high, low
end
local function format(high, low)
  local sign = ''
  if high < 0 or low < 0 then
    sign, high, low = '-', 0 - high, 0 - low
  end
  if high == 0 then
    return sign .. string.format('%.0f', low)
  end
  return sign .. string.format('%.0f%09.0f', high, low)
end

local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'string' then
  if ARGV[3] == '0' then
    redis.call('SET', KEYS[1], ARGV[2] .. ARGV[1])
  elseif ARGV[3] == '-1' then
    redis.call('UNLINK', KEYS[1])
  else
    redis.call('SET', KEYS[1], ARGV[2] .. ARGV[1], 'PX', ARGV[3])
  end
  return {'ok', ARGV[1]}
end
local record, head = redis.call('GET', KEYS[1]), tonumber(ARGV[4])
if #record < head or string.byte(record) ~= string.byte(ARGV[2]) then
  return {'foreign'}
end
local high, low = parse(string.sub(record, head + 1))
if not high or not inRange(high, low) then
  return {'notcounter', string.sub(record, head + 1, head + 32)}
end
local addHigh, addLow = parse(ARGV[1])
high, low = sum(high + addHigh, low + addLow)
if not inRange(high, low) then
  return {'overflow', string.sub(record, head + 1)}
end
local text = format(high, low)
redis.call('SET', KEYS[1], string.sub(record, 1, head) .. text, 'KEEPTTL')
return {'ok', text}
