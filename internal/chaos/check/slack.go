package check

import "time"

// The times of the laws.
const (
	leaseTime    = 10 * time.Second // of a node for its runs
	freshPulse   = 7 * time.Second  // T4: the age of a pulse that still keeps runs
	jumpCost     = 2 * time.Second  // T4: each jump of the clock or outage beyond the first
	pulseMargin  = 1 * time.Second  // T4: the rest of the lease that no law promises
	orphanTime   = 12 * time.Second // T6
	arrivalTime  = 2 * time.Second  // T9: a waiting task starts after a node came that knows it
	membersTime  = 10 * time.Second // R3
	peersCache   = 1 * time.Second  // R3: lists may not know of a new node for that long
	staleTime    = 10 * time.Second // S1: a copy of a deaf connection
	rememberTime = 15 * time.Second // nodes send again what they remember of the last 15 s
)

// TailWindow is the time within which a connection receives a message or learns of a gap: the position check of 25 s,
// and time to act.
const TailWindow = 35 * time.Second

// The slack of the laws.
const (
	reconnecting = 2 * time.Second         // after an outage, until all nodes have pulsed
	settling     = 7 * time.Second         // after a new server process: connect, Hello, 4 s of settling
	lossBefore   = 2500 * time.Millisecond // acknowledged writes that a failover or everysec can lose
	freeFor      = 1 * time.Second         // a worker counts as free after that long below its number of runs
	clockSlack   = 5 * time.Millisecond    // whole milliseconds of the store, drift of clocks
	longStall    = 1 * time.Second         // a stall that counts as a pause of its process, or of its server
	stallShare   = 20                      // a run is slow if a stall lasted for more than one in stallShare of its time
	sampling     = 50 * time.Millisecond   // how often T6 and T9 look whether a worker is free
)
