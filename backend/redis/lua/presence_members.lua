-- Reads a page of the members of a room, in the order of their entry.
-- KEYS: the members with incarnation and details; their order; the numbers of members by incarnation.
-- ARGV: the entry number after which the page begins; its maximum length.
-- Returns {number n of incarnations, then n times incarnation and count, then for each member its entry number, id, and
-- incarnation with details}. Cost: 3 commands, and time for the length of the page.
local answer, counts = {'0'}, redis.call('HGETALL', KEYS[3])
for i = 1, #counts, 2 do
  if counts[i] ~= '#' then
    answer[#answer + 1] = counts[i]
    answer[#answer + 1] = counts[i + 1]
  end
end
answer[1] = string.format('%.0f', (#answer - 1) / 2)
if tonumber(ARGV[2]) <= 0 then
  return answer
end
local page = redis.call('ZRANGEBYSCORE', KEYS[2], '(' .. ARGV[1], '+inf', 'WITHSCORES', 'LIMIT', 0, ARGV[2])
for i = 1, #page, 2 do
  answer[#answer + 1] = page[i + 1]
  answer[#answer + 1] = page[i]
  answer[#answer + 1] = redis.call('HGET', KEYS[1], page[i]) or ''
end
return answer
