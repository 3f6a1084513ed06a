package history

import "time"

// FaultKind is a kind of fault that a controller makes.
type FaultKind string

// The faults of the processes and links of nodes. The target is the name of the process.
const (
	FaultKill       FaultKind = "kill"        // SIGKILL of a node; it ends when the process is dead
	FaultPause      FaultKind = "pause"       // SIGSTOP of a node
	FaultCut        FaultKind = "cut"         // the connections of a node to the servers are closed and refused
	FaultHalfOpen   FaultKind = "half-open"   // they stay open, and carry nothing
	FaultClientKill FaultKind = "client-kill" // CLIENT KILL of connections
	FaultAnswer     FaultKind = "lost-answer" // commands arrive, their answers do not, and the connection ends
)

// The faults of servers. The target is the name of the server.
const (
	FaultRedisPause   FaultKind = "redis-pause"   // SIGSTOP, or DEBUG SLEEP
	FaultRedisRestart FaultKind = "redis-restart" // SIGKILL and a start; ends when it answers again
	FaultFailover     FaultKind = "failover"      // a replica is promoted; ends when nodes can write again
	FaultSplit        FaultKind = "split"         // the master is cut off with some of the nodes, then demoted
	FaultSlotMove     FaultKind = "slot-move"     // a slot moves key by key
	FaultFull         FaultKind = "full"          // maxmemory below the memory in use
	FaultBusy         FaultKind = "busy"          // a foreign script runs
	FaultStep         FaultKind = "step"          // the wall clock of a server is set
)

// The faults that the checker derives from samples of [GaugeStall].
const (
	FaultStall       FaultKind = "stall"        // a process got no processor
	FaultServerStall FaultKind = "server-stall" // a server got none
)

// Node reports whether the fault hits one node, whose runs others may have afterwards.
func (k FaultKind) Node() bool {
	return k == FaultKill || k == FaultPause || k == FaultCut || k == FaultHalfOpen || k == FaultStall
}

// Outage reports whether a server answers nothing, or refuses, while the fault lasts.
func (k FaultKind) Outage() bool {
	switch k {
	case FaultRedisPause, FaultRedisRestart, FaultFailover, FaultSplit, FaultSlotMove, FaultBusy, FaultServerStall:
		return true
	}
	return false
}

// Fault describes a fault.
type Fault struct {
	Kind   FaultKind
	Target string
	Lossy  bool          // acknowledged writes can be lost: failover, split, restart without appendfsync always
	Step   time.Duration // how far the clock is set
}

// FaultCall is a fault that lasts.
type FaultCall struct {
	r      *Recorder
	number uint64
}

// FaultBegin records a fault, before it is made.
func (r *Recorder) FaultBegin(f Fault) FaultCall {
	e := Event{Kind: KindFaultBegin, Call: r.calls.Add(1), Subject: string(f.Kind), Object: f.Target, Time: int64(f.Step)}
	if f.Lossy {
		e.Count = 1
	}
	r.write(e)
	return FaultCall{r, e.Call}
}

// End records that the fault is healed: the process runs, the link carries, the server answers.
func (f FaultCall) End() { f.r.write(Event{Kind: KindFaultEnd, Call: f.number}) }

// Clock records how far the wall clock of the servers is ahead of CLOCK_MONOTONIC: once at the begin of the run, and
// within each fault of the kind step. All servers of a run have one clock.
func (r *Recorder) Clock(offset time.Duration) {
	r.write(Event{Kind: KindClock, Time: int64(offset)})
}
