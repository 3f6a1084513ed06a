-- Removes members of a lapsed incarnation from a room, and publishes the news of that: a step of at most the given number
-- of members.
-- KEYS and first ARGV: as in presence_move, up to the channel. Then the entry number after which the step begins; its
-- maximum length.
-- Returns {'done'} or {'more', entry number for the next step}. Cost: time for the length of the step.
local inc, limit = ARGV[1], tonumber(ARGV[3])
redis.call('ZREM', KEYS[1], '')
local page = redis.call('ZRANGEBYSCORE', KEYS[4], '(' .. ARGV[6], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[7])
local left = tonumber(redis.call('HGET', KEYS[5], inc)) or 0
for i = 1, #page, 2 do
  local value = redis.call('HGET', KEYS[3], page[i])
  if value and string.match(value, '^%d+') == inc then
    redis.call('HDEL', KEYS[3], page[i])
    redis.call('ZREM', KEYS[4], page[i])
    left = redis.call('HINCRBY', KEYS[5], inc, -1)
    local count = redis.call('ZCARD', KEYS[4])
    if count > 0 and count <= limit then
      redis.pcall(ARGV[4], ARGV[5], '-' .. page[i])
    end
  end
end
if left > 0 and #page == 2 * ARGV[7] then
  return {'more', page[#page]}
end
redis.call('HDEL', KEYS[5], inc)
redis.call('SREM', KEYS[2], ARGV[2])
if redis.call('ZCARD', KEYS[4]) == 0 then
  redis.call('UNLINK', KEYS[5])
  redis.call('PEXPIRE', KEYS[6], 300000)
end
return {'done'}
