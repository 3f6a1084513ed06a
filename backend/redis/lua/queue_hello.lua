-- Hello runs before a script is loaded into a process that does not have it. It finds out whether the server is another one.
-- ARGV: none. Returns the run_id. Cost: 7 commands.
return meet(0, '')
