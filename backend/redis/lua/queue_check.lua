-- Makes one step of the audit, unless another node made one less than 3 ms ago.
-- ARGV: none.
-- Returns {urgent as 1 or 0, the number of complete passes, the number of records that were set aside}. Cost: 512 records at
-- most, about 1 ms.
call('ZREM', CAN, '')
local since = now - (tonumber(call('HGET', M, 'audited') or '0') or 0)
local urgent = true
if since < 0 or since >= 3 then
  urgent = audit()
  done()
end
return {urgent and 1 or 0, tonumber(call('HGET', M, 'passes') or '0') or 0, call('HLEN', BAD)}
