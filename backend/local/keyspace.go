package local

const shardBits = 6

// keyspace is a set of items by key, divided into shards. A store has one keyspace for entries and another for locks.
type keyspace [1 << shardBits]shard

func (k *keyspace) init() {
	for i := range k {
		k[i].init()
	}
}

// shardIndex returns the index of the shard for the hash of a key. It uses the high bits of the hash, because the table
// of the shard uses the low bits.
func shardIndex(hash uint64) int { return int(hash >> (64 - shardBits)) }

// removeExpired removes the items that have expired at the clock time now. It adds the bytes of these items to the
// budget b again, and returns the number of these items. It locks only the shards whose field nextExpiry is not after
// now.
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

// nextExpiry returns a clock time at or before the first expiry in all shards. If no item can expire, nextExpiry
// returns the constant never.
func (k *keyspace) nextExpiry() int64 {
	next := int64(never)
	for i := range k {
		next = min(next, k[i].nextExpiry.Load())
	}
	return next
}
