package local

const shardBits = 6

// keyspace is where keys are, in shards: the entries have one, the locks have another.
type keyspace [1 << shardBits]shard

func (sp *keyspace) init() {
	for i := range sp {
		sp[i].init()
	}
}

// index returns which shard has a key with this hash. The table of the shard uses the low bits.
func index(hash uint64) int { return int(hash >> (64 - shardBits)) }

// removeExpired takes out what has expired by now, and returns how many items did. It visits only the shards where
// something has.
func (sp *keyspace) removeExpired(now int64, b *budget) int {
	n := 0
	for i := range sp {
		if sp[i].nextExpiry.Load() <= now {
			_, removed := sp[i].removeExpired(now, b)
			n += removed
		}
	}
	return n
}

// nextExpiry returns the moment when the next item of all expires, or never.
func (sp *keyspace) nextExpiry() int64 {
	next := int64(never)
	for i := range sp {
		next = min(next, sp[i].nextExpiry.Load())
	}
	return next
}
