package redis

import "math/bits"

// queueKind is the kind of all keys of the queue, and of its channel.
const queueKind = "q"

// The queue consists of shards, whose number is a power of two. All keys of a shard have the same tag, so that a script can
// use all of them. The maximum of the setting tasks.shards is maxShards, too.
const maxShards = 64

// shardPartition returns the partition whose tag the keys of a shard have. The partitions of any number of shards have
// equal distances, so the masters of a Cluster have equal numbers of shards.
func shardPartition(shard int) int {
	return int(bits.Reverse8(uint8(shard)))
}

// queueParts are the keys of a shard, in the order in which every script of the queue declares all of them. The file
// lua/queue_lib.lua gives the same keys their names in the scripts.
//
//	m      HASH  what the shard knows of itself:
//	             seq      the highest id of a job
//	             ord      the highest number that was drawn for a job that became due
//	             w, c     the last TIME and the guarded clock, in µs; see lua/queue_clock.lua
//	             rid      the run_id of the server
//	             settle   while the shard settles: the end, by the clock c; else absent
//	             audit    where the audit is: see lua/queue_audit.lua
//	             audited  the time of its last step in ms
//	             passes   the number of times that it has been through
//	             doubt    present if something was found that the counts may be wrong about
//	             recount  while the audit counts anew: the block at which it is
//	             kept     the highest id that the server had before it settled; the first of settlings in a row
//	             met      the time in ms at which it began to settle
//	d      HASH  id → what never changes of a job: see queue_record.go
//	s      HASH  id → the record of a job: see queue_record.go
//	r      ZSET  the jobs that are due; all scores are 0, the order is that of the members: see below
//	aside  ZSET  the jobs that are due, and whose task a node did not know that met them; members: see below
//	due    ZSET  id → runAt in ms: the jobs in the states Scheduled and Retryable
//	run    ZSET  id → inc: the jobs in the state Running
//	hold   ZSET  inc → the end of its lease by the clock c in µs, or -1: the lease has ended and runs of it are left
//	gone   ZSET  inc → the time by the clock c at which the inc ended; kept for an hour
//	can    ZSET  id → inc: the running jobs that are cancelled
//	fin    ZSET  id → the time in ms at which a job became Completed or Cancelled
//	dead   ZSET  id → the time in ms at which a job became Dead
//	u      HASH  unique key → id of the job that has it. The job exists. If it has finished and its uniqueUntil has passed,
//	             the key is free.
//	n      HASH  counts: state (1 digit), length of the name of the queue (4 hex digits), queue, task → number of jobs;
//	             no field is 0. While the audit counts anew, the fields with an x in front are what it has found.
//	bat    HASH  inc → the last batch of Enqueue of that inc with an even number: its number and the results; inc and "+" → the
//	             last one with an odd number
//	set    HASH  inc → the run_id with which it has settled
//	blk    ZSET  block → block: the blocks of 256 ids in which there are jobs, for List and the audit. The number of a block
//	             is id / 256. A block stays until the audit finds it empty.
//	ticks  ZSET  schedule → its last run in ms
//	bad    HASH  id → a record that cannot be read, and that was set aside
//
// A lane is a queue: 4 hex digits with the length of its name, and the name. A member of r is the lane of the queue, 2 hex
// digits of 127 - priority, 11 hex digits of ord, and the id. A member of aside has the task after the lane of the queue, in
// the same form as the queue. If the next crash of the job kills it, the member begins with an x: this job waits in a lane
// of its own, because a node runs one of them at a time. So all members of a lane are a range, in the order of Fetch.
//
// Each id is in exactly one of r, aside, due, run, fin and dead, as its record says.
var queueParts = [...]string{"m", "d", "s", "r", "aside", "due", "run", "hold", "gone", "can", "fin", "dead", "u", "n", "bat", "set", "blk", "ticks", "bad"}

// The places of the keys that the program reads without a script.
const (
	queueData   = 1
	queueRecord = 2
)

// queueKeys returns all keys of a shard.
func (c *core) queueKeys(shard int) []string {
	keys := make([]string, len(queueParts))
	for i, part := range queueParts {
		keys[i] = c.key(queueKind, shardPartition(shard), part)
	}
	return keys
}

// wakeChannel returns the channel of a shard. The message "q" and the name of a queue means that the queue had no due jobs
// and has some now. The message "d" and a number means that the next job becomes due in so many ms. The message "c" and an inc means that a run of that inc was cancelled.
func (c *core) wakeChannel(s *session, shard int) string {
	return c.channel(s, queueKind, shardPartition(shard), "wake")
}
