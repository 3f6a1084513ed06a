package local

const shardBits = 6

// keyspace is a set of items by key, divided into shards. Entries are in one keyspace, locks in another.
type keyspace [1 << shardBits]shard

func (k *keyspace) init() {
	for i := range k {
		k[i].init()
	}
}

// shardIndex returns the index of the shard for a hash. It uses the high bits, because the shard's table uses the low
// ones.
func shardIndex(hash uint64) int { return int(hash >> (64 - shardBits)) }

// removeExpired removes the items that have expired at now and returns their number. It locks only the shards whose
// nextExpiry has come.
func (k *keyspace) removeExpired(now int64, b *budget) int {
	n := 0
	for i := range k {
		if k[i].nextExpiry.Load() <= now {
			_, removed := k[i].removeExpired(now, b)
			n += removed
		}
	}
	return n
}

// nextExpiry returns a time at or before the first expiry in all shards, or never.
func (k *keyspace) nextExpiry() int64 {
	next := int64(never)
	for i := range k {
		next = min(next, k[i].nextExpiry.Load())
	}
	return next
}
