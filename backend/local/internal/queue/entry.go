package queue

import "github.com/actionhero-go/actionhero/backend"

// pos is the position of a record in the journal: the segment number in the high 32 bits, the offset in the low ones. 0
// means no record.
type pos = uint64

// slot identifies an entry while its job is in memory. 0 means no entry.
type slot = uint32

// entry is the part of a job that is always in memory. There may be millions of entries, so every byte counts. An entry
// contains no pointers, so the garbage collector does not scan it. Data that is not needed to find or move a job, for
// example its parameters, is only in the job's record.
//
// Times are in milliseconds since 1970.
type entry struct {
	id       uint64
	runAt    int64
	enqueued int64
	started  int64
	endsAt   int64 // finished: the finish time; running: the expiry of the lease on the monotonic clock, or 0
	record   pos
	failure  pos // the record of its last error, if newer than record

	recordLen  uint32
	failureLen uint32

	task        uint32 // number in table.tasks
	node        uint32 // number in table.nodes
	queue       uint32 // number in table.queues
	key         uint32 // number in table.keys; 0: no unique key
	prevOrIndex uint32 // in a list: the previous slot; in a heap: the index
	next        slot   // in a list: the next slot

	starts      uint32
	attempt     uint32
	maxAttempts uint32
	crashes     uint16
	maxCrashes  uint16

	priority int8
	state    backend.State
	flags    flags
	in       container
}

// flags are the boolean properties of a job. They are written to disk.
type flags uint8

const (
	relative   flags = 1 << iota // runAt came from a delay, and is shifted when the wall clock is set
	retrying                     // waits because its last run failed
	cancelling                   // running, and was cancelled
)

// container is the list or heap that an entry is in.
type container uint8

const (
	inNone       container = iota
	inWaiting              // table.waiting
	inPriority             // the list of its priority in queueState.priorities
	inCrashed              // queueState.crashed
	inLeases               // table.leases
	inFinished             // table.finished
	inDead                 // table.dead
	inUniqueHeld           // table.uniqueHeld
)

func (e *entry) has(f flags) bool { return e.flags&f != 0 }

// lastCrashLeft reports whether the job has crashed before and is dead after the next crash.
func (e *entry) lastCrashLeft() bool { return e.crashes > 0 && e.crashes+1 >= e.maxCrashes }

// waits reports whether the job is neither running nor finished.
func (e *entry) waits() bool {
	return e.state == backend.Available || e.state == backend.Scheduled || e.state == backend.Retryable
}

const chunkBits = 10

type chunk struct {
	entries [1 << chunkBits]entry
	free    slot // the first free entry, linked through entry.next
	used    int
	records []memRecord // nil if the records are on disk
}

// memRecord is the content of a job's records if there is no disk.
type memRecord struct {
	record  []byte
	failure string
}

// slab allocates the entries. A pointer to an entry is valid until the entry is freed.
type slab struct {
	chunks     []*chunk
	freeChunks []uint32 // indexes of freed chunks
	partial    []uint32 // indexes of chunks that have, or had, a free entry
	inMemory   bool     // there is no disk: the slab has the records
}

func (s *slab) at(i slot) *entry { return &s.chunks[i>>chunkBits].entries[i&(1<<chunkBits-1)] }

func (s *slab) memRecord(i slot) *memRecord {
	return &s.chunks[i>>chunkBits].records[i&(1<<chunkBits-1)]
}

func (s *slab) alloc() slot {
	for len(s.partial) > 0 {
		c := s.chunks[s.partial[len(s.partial)-1]]
		if c == nil || c.free == 0 {
			s.partial = s.partial[:len(s.partial)-1]
			continue
		}
		i := c.free
		e := s.at(i)
		c.free = e.next
		c.used++
		*e = entry{}
		return i
	}
	s.grow()
	return s.alloc()
}

func (s *slab) grow() {
	at := uint32(len(s.chunks))
	if n := len(s.freeChunks); n > 0 {
		at = s.freeChunks[n-1]
		s.freeChunks = s.freeChunks[:n-1]
	} else {
		s.chunks = append(s.chunks, nil)
	}
	c := new(chunk)
	s.chunks[at] = c
	if s.inMemory {
		c.records = make([]memRecord, 1<<chunkBits)
	}
	for i := 1<<chunkBits - 1; i >= 0; i-- {
		if number := at<<chunkBits | uint32(i); number != 0 {
			c.entries[i].next = c.free
			c.free = number
		}
	}
	s.partial = append(s.partial, at)
}

// free frees i, and its chunk if no other entry of it is in use.
func (s *slab) free(i slot) {
	at := i >> chunkBits
	c := s.chunks[at]
	if c.used--; c.used == 0 {
		s.chunks[at] = nil
		s.freeChunks = append(s.freeChunks, at)
		return
	}
	if c.free == 0 {
		s.partial = append(s.partial, at)
	}
	e := s.at(i)
	*e = entry{next: c.free}
	c.free = i
	if s.inMemory {
		*s.memRecord(i) = memRecord{}
	}
}
