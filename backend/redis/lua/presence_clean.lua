-- Begins, or goes on with, the removal of the members of a lapsed incarnation in one partition. The incarnation is noted
-- first, for an hour, so that a late command of its node adds nothing.
-- KEYS: the incarnations that are being removed, by time in ms; the rooms of the incarnation.
-- ARGV: incarnation; maximum number of rooms; the time in µs, or ''.
-- Returns {'ok', rooms that may have members of the incarnation…}. Cost: 5 commands.
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000000 + time[2]
end
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', math.floor(now / 1000) - 3600000))
redis.call('ZADD', KEYS[1], string.format('%.0f', math.floor(now / 1000)), ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -513)
redis.call('PEXPIRE', KEYS[1], 3600000)
local rooms = redis.call('SRANDMEMBER', KEYS[2], ARGV[2])
table.insert(rooms, 1, 'ok')
return rooms
