package queue

import "github.com/actionhero-go/actionhero/backend"

// pos is where a record is in the journal: the number of its segment in the high half, the offset in the low one. 0 is
// nowhere.
type pos = uint64

// slot names an entry for as long as the job is in memory. 0 is none.
type slot = uint32

// entry is what is kept in memory about a job. With millions of them, every byte counts, and as there is no pointer in
// it, the garbage collector need not look inside. What nobody needs to find a job and to move it (its parameters, say)
// is in its record alone.
//
// Times are in milliseconds since 1970.
type entry struct {
	id       uint64
	runAt    int64
	enqueued int64
	started  int64
	until    int64 // when it ended; while it runs: the moment at which its lease ends, or 0
	record   pos
	failure  pos // where its last error is, if it came after record

	recordLen  uint32
	failureLen uint32

	task  uint32 // of queue.tasks
	node  uint32 // of queue.nodes
	queue uint32 // of queue.queues
	key   uint32 // of queue.keys, 0: it has none
	place uint32 // in the heap that it is in; in a list: the entry before
	next  slot   // in the list that it is in

	starts      uint32
	attempt     uint32
	maxAttempts uint32
	crashes     uint16
	maxCrashes  uint16

	priority int8
	state    backend.State
	flags    flags
	where    where
}

// flags are the part of a job's state that has just two values each. They are written to disk.
type flags uint8

const (
	relative   flags = 1 << iota // runAt came from a delay, and moves along when the wall clock is set
	retrying                     // it waits because it failed
	cancelling                   // it runs, and is to stop
)

// where is the list or heap that an entry is in.
type where uint8

const (
	nowhere  where = iota
	waiting        // the heap of those whose time will come
	lined          // the line of its lane and priority
	suspects       // the line of those with one crash left
	leased         // the heap of leases
	ended          // the list of completed and cancelled jobs
	buried         // the list of dead jobs
	holding        // the heap of ended jobs that only wait for their key to be free
)

func (e *entry) is(f flags) bool { return e.flags&f != 0 }

// suspect reports whether the next crash is the job's last.
func (e *entry) suspect() bool { return e.crashes > 0 && e.crashes+1 >= e.maxCrashes }

// waits reports whether the job is neither running nor at its end.
func (e *entry) waits() bool {
	return e.state == backend.Available || e.state == backend.Scheduled || e.state == backend.Retryable
}

const chunkBits = 10

type chunk struct {
	entries [1 << chunkBits]entry
	free    slot // the first free one; each knows the next
	used    int
	kept    []kept // in memory: what else would be on disk
}

// kept is what the records of a job say.
type kept struct {
	record  []byte
	failure string
}

// slab is where the entries are. Pointers to them stay valid until they are freed.
type slab struct {
	chunks []*chunk
	gaps   []uint32 // places of chunks that were given back
	room   []uint32 // chunks that have, or had, a free entry
	memory bool     // there is no disk: keep the records here
}

func (s *slab) at(i slot) *entry { return &s.chunks[i>>chunkBits].entries[i&(1<<chunkBits-1)] }

// kept is where the records of i are, in memory.
func (s *slab) kept(i slot) *kept { return &s.chunks[i>>chunkBits].kept[i&(1<<chunkBits-1)] }

func (s *slab) alloc() slot {
	for len(s.room) > 0 {
		c := s.chunks[s.room[len(s.room)-1]]
		if c == nil || c.free == 0 {
			s.room = s.room[:len(s.room)-1]
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
	if n := len(s.gaps); n > 0 {
		at = s.gaps[n-1]
		s.gaps = s.gaps[:n-1]
	} else {
		s.chunks = append(s.chunks, nil)
	}
	c := new(chunk)
	s.chunks[at] = c
	if s.memory {
		c.kept = make([]kept, 1<<chunkBits)
	}
	for i := 1<<chunkBits - 1; i >= 0; i-- {
		if number := at<<chunkBits | uint32(i); number != 0 {
			c.entries[i].next = c.free
			c.free = number
		}
	}
	s.room = append(s.room, at)
}

// release makes i free, and gives its chunk back if that was the last one in use.
func (s *slab) release(i slot) {
	at := i >> chunkBits
	c := s.chunks[at]
	if c.used--; c.used == 0 {
		s.chunks[at] = nil
		s.gaps = append(s.gaps, at)
		return
	}
	if c.free == 0 {
		s.room = append(s.room, at)
	}
	e := s.at(i)
	*e = entry{next: c.free}
	c.free = i
	if s.memory {
		*s.kept(i) = kept{}
	}
}
