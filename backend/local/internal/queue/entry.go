package queue

import "github.com/actionhero-go/actionhero/backend"

// pos is the position of a record in the journal: the high 32 bits are the segment number, the low 32 bits the offset.
// The position 0 means that there is no record.
type pos = uint64

// slot is the number of an entry in the slab, which allocates all entries. An entry keeps its slot while its job is in
// memory. The slot 0 means that there is no entry.
type slot = uint32

// entry is the part of a job that is always in memory. There may be millions of entries, so every byte counts. An entry
// contains no pointers, so the garbage collector does not scan it. Data that is not needed to find or move a job, for
// example the parameters of the job, is only in the job's record.
//
// The times in an entry are in milliseconds since 1970.
type entry struct {
	id       uint64
	runAt    int64
	enqueued int64
	started  int64
	endsAt   int64 // the finish time; 0: not finished
	record   pos
	failure  pos // the record of the job's last error, if it is newer than the record in the field record

	recordLen  uint32
	failureLen uint32

	task        uint32 // the number of the task name in table.tasks
	node        uint32 // the number of the node name in table.nodes
	queue       uint32 // the number of the queue name in table.queues
	key         uint32 // the number of the unique key in table.keys; 0: no unique key
	prevOrIndex uint32 // in a list: the previous slot; in a heap: the index
	next        slot   // in a list: the next slot

	starts      uint32
	attempt     uint32
	maxAttempts uint32
	crashes     uint16
	maxCrashes  uint16
	lostStart   uint32 // the value of starts during the last run that ended as a crash while its worker may live; 0: none; only in memory

	priority int8
	state    backend.State
	flags    flags
	in       container
}

// flags are the boolean properties of a job, one bit each. Records on disk contain them.
type flags uint8

const (
	relative   flags = 1 << iota // runAt came from a delay; if the wall clock is set, runAt is shifted by the same amount
	retrying                     // the job waits because its last run failed
	cancelling                   // the job is running and was cancelled
	draining                     // the job is running and its worker stops, so the end of the process is not a crash
	held                         // the job is dead because a repair does not know whether the job has ended
)

// container names the list or heap of the table that contains an entry.
type container uint8

const (
	inNone       container = iota
	inWaiting              // table.waiting
	inPriority             // the list of its priority in queueState.priorities
	inCrashed              // queueState.crashed
	inUnknown              // queueState.unknown
	inFinished             // table.finished
	inDead                 // table.dead
	inUniqueHeld           // table.uniqueHeld
)

func (e *entry) has(f flags) bool { return e.flags&f != 0 }

// lastCrashLeft reports whether the job has crashed before and becomes dead with its next crash.
func (e *entry) lastCrashLeft() bool { return e.crashes > 0 && e.crashes+1 >= e.maxCrashes }

// waits reports whether the job is scheduled, available or retryable, so that it waits for a run.
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

// memRecord has the content of the records of a job if jobs are only in memory: the record of the job and its last
// error text.
type memRecord struct {
	record  []byte
	failure string
}

// slab allocates the entries in chunks. A pointer to an entry is valid until the entry is freed.
type slab struct {
	chunks     []*chunk
	freeChunks []uint32 // indexes of freed chunks
	partial    []uint32 // indexes of chunks that have, or had, a free entry
	inMemory   bool     // jobs are only in memory, so the slab has their records
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

// free frees the entry i. If no other entry of its chunk is in use, free frees the chunk, too.
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
