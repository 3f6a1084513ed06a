package history

import "time"

// LockCall is a Lock without its outcome yet.
type LockCall struct{ call }

// LockIntent records that the lock of key is to be taken for ttl. A Refresh is an Unlock and a Lock to the checker:
// do not refresh locks that are recorded.
func (r *Recorder) LockIntent(key string, ttl time.Duration) LockCall {
	return LockCall{r.begin(Event{Kind: KindLockIntent, Subject: key, Time: int64(ttl)})}
}

// Done records that the lock is held under this fence. Refused records that it is held by another.
func (c LockCall) Done(fence uint64) { c.end(Event{Outcome: OK, Fence: fence}) }

// UnlockIntent records that the lock is to be freed. Its outcomes are Done, Absent, Refused and Unknown.
func (r *Recorder) UnlockIntent(key string, fence uint64) simpleCall {
	return simpleCall{r.begin(Event{Kind: KindUnlockIntent, Subject: key, Fence: fence})}
}

// CacheSetIntent records that the value with this number is to be written. Its outcomes are Done, Refused and Unknown.
func (r *Recorder) CacheSetIntent(key string, number uint64) simpleCall {
	return simpleCall{r.begin(Event{Kind: KindSetIntent, Subject: key, Number: number})}
}

// CacheLoad records that a loader begins to read the source of the key, and returns the number of the value.
func (r *Recorder) CacheLoad(key string) (number uint64) {
	number = r.Number()
	r.write(Event{Kind: KindLoad, Subject: key, Number: number})
	return number
}

// CacheInvalidateIntent records that the entry is to be deleted. The empty key stands for all keys of the app. Its
// outcomes are Done, Absent, Refused and Unknown.
func (r *Recorder) CacheInvalidateIntent(key string) simpleCall {
	return simpleCall{r.begin(Event{Kind: KindInvalidIntent, Subject: key})}
}

// GetCall is a read without its answer yet.
type GetCall struct{ call }

// CacheGetIntent records a read of the key, by Get or Fetch.
func (r *Recorder) CacheGetIntent(key string) GetCall {
	return GetCall{r.begin(Event{Kind: KindGetIntent, Subject: key})}
}

// Done records the number of the value that was read.
func (c GetCall) Done(number uint64) { c.end(Event{Outcome: OK, Number: number}) }

// Absent records that there was no entry.
func (c GetCall) Absent() { c.end(Event{Outcome: Absent}) }
