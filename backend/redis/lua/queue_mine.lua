-- Mine returns the runs of an inc: {id, fence, ...}, at most the limit. ARGV: inc; the lowest id is not ordered, so the
-- limit must be above the number of runs. Cost: 2 commands.
local ids = call('ZRANGEBYSCORE', RUN, ARGV[3], ARGV[3], 'LIMIT', 0, ARGV[4])
local runs = {}
for _, id in ipairs(ids) do
  local j = load(id)
  if j then
    runs[#runs + 1] = id
    runs[#runs + 1] = number(j.fence)
  end
end
return runs
