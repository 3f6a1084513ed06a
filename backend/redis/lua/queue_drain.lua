-- Drain marks runs whose worker stops, so that their end is no crash. A repetition changes nothing.
-- ARGV: for each run, at most 512: id, fence. Returns the number of runs that are marked. Cost: 2 commands for each run.
call('HDEL', M, '')
local marked = 0
for i = 3, #ARGV - 1, 2 do
  local j = load(ARGV[i])
  if j and j.state == RUNNING and j.fence == tonumber(ARGV[i + 1]) then
    marked = marked + 1
    if j.draining == 0 then
      j.draining = 1
      store(ARGV[i], j)
    end
  end
end
return marked
