package history

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// Process says which process writes a file.
type Process struct {
	Name  string // unique in the run: a process that is started again has a new name, for example node3.2
	App   uint8  // apps of one run have different numbers, from 0
	Index uint16 // unique in the run, the same in no two processes
	PID   int    // set by Create
}

const extension = ".events"

// Recorder writes the events of one process. Its methods may be called by many goroutines. A method panics if its line
// cannot be written, because a history with a hole proves nothing.
type Recorder struct {
	now   func() time.Duration
	base  uint64 // the upper bits of each number
	last  atomic.Uint64
	calls atomic.Uint64

	mu   sync.Mutex
	file *os.File
	inc  uint64
	line []byte
}

// Create makes the file of a process in the folder dir, and records the process. It fails if a process of that name has
// a file already.
func Create(dir string, p Process) (*Recorder, error) {
	return create(dir, p, Monotonic)
}

func create(dir string, p Process, now func() time.Duration) (*Recorder, error) {
	if p.Name == "" || filepath.Base(p.Name) != p.Name {
		return nil, fmt.Errorf("the process name %q cannot be the name of a file", p.Name)
	}
	file, err := os.OpenFile(filepath.Join(dir, p.Name+extension), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return nil, err
	}
	r := &Recorder{now: now, base: uint64(p.App)<<56 | uint64(p.Index)<<40, file: file}
	r.write(Event{Kind: KindProcess, Subject: p.Name, ID: uint64(os.Getpid()), Seq: uint64(p.Index), Number: uint64(p.App)})
	return r, nil
}

// AppOf returns the app whose process made the number.
func AppOf(number uint64) uint8 { return uint8(number >> 56) }

// Number returns a number that no other call of the run returns. It is never 0.
func (r *Recorder) Number() uint64 { return r.base | r.last.Add(1) }

// Now returns the time as it stands in events.
func (r *Recorder) Now() time.Duration { return r.now() }

// Close closes the file.
func (r *Recorder) Close() error { return r.file.Close() }

func (r *Recorder) write(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writeLocked(e)
}

func (r *Recorder) writeLocked(e Event) {
	e.At, e.Inc = r.now(), r.inc
	r.line = e.appendLine(r.line[:0])
	if _, err := r.file.Write(r.line); err != nil {
		panic(fmt.Sprintf("the history cannot be written: %v", err))
	}
}

// call is an intent without its outcome yet.
type call struct {
	r      *Recorder
	intent Kind
	number uint64
}

func (r *Recorder) begin(e Event) call {
	e.Call = r.calls.Add(1)
	r.write(e)
	return call{r, e.Kind, e.Call}
}

func (c call) end(e Event) {
	e.Kind, e.Call = c.intent+1, c.number
	c.r.write(e)
}

// Refused records that the call failed with an error that promises that nothing happened.
func (c call) Refused(err error) { c.end(Event{Outcome: Refused, Object: textOf(err)}) }

// Unknown records that the call failed with an error after which the effect may or may not happen, now or later.
func (c call) Unknown(err error) { c.end(Event{Outcome: Unknown, Object: textOf(err)}) }

func textOf(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// simpleCall is a call whose success has no details.
type simpleCall struct{ call }

// Done records that the call succeeded.
func (c simpleCall) Done() { c.end(Event{Outcome: OK}) }

// Absent records that the call found nothing: no entry, no member, or a lock of another.
func (c simpleCall) Absent() { c.end(Event{Outcome: Absent}) }

// Inc records that the node drew the incarnation inc, which all further events of the process carry.
func (r *Recorder) Inc(inc uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inc = inc
	r.writeLocked(Event{Kind: KindInc})
}

// LeaseLost records that the node learned that its current incarnation has lost its lease.
func (r *Recorder) LeaseLost() { r.write(Event{Kind: KindLeaseLost}) }

// Pulse records that a pulse of the current incarnation succeeded, which was sent at the time sent of [Recorder.Now].
func (r *Recorder) Pulse(sent time.Duration) { r.write(Event{Kind: KindPulse, Time: int64(sent)}) }

// Bye records that the process has stopped in order: it holds no run and no member any more.
func (r *Recorder) Bye() { r.write(Event{Kind: KindBye}) }

// Workers records how many runs the process does at a time. The process can take jobs from now on.
func (r *Recorder) Workers(n int) { r.write(Event{Kind: KindWorkers, Count: int64(n)}) }

// TaskOptions are the properties of a task that laws depend on.
type TaskOptions struct {
	MaxCrashes int  // crashes in a row after which a job is dead
	Exclusive  bool // the context of a run ends before the job can start elsewhere
}

// Knows records that the process runs jobs of the task from now on. Record it before Workers where possible.
func (r *Recorder) Knows(task string, o TaskOptions) {
	e := Event{Kind: KindKnows, Subject: task, Count: int64(o.MaxCrashes)}
	if o.Exclusive {
		e.Seq = 1
	}
	r.write(e)
}

// Sample records a gauge of a part of the process, for example its goroutines. The names of the gauges that laws use are
// the constants Gauge….
func (r *Recorder) Sample(gauge, of string, value int64) {
	r.write(Event{Kind: KindSample, Subject: gauge, Object: of, Count: value})
}

// The gauges that laws judge. Record them at times of equal load.
const (
	GaugeGoroutines  = "goroutines"  // of a node
	GaugeMemory      = "memory"      // bytes of heap in use of a node, after a collection
	GaugeConnections = "connections" // of a node to the servers
	GaugeKeys        = "keys"        // keys of the store
	GaugeIdle        = "idle"        // commands of an idle node in 1,000 seconds
	GaugeStall       = "stall"       // nanoseconds, up to the event, in which a process or a server got no processor
	GaugeCanaries    = "canaries"    // keys of an app that no one but a Clear of another app would remove
)

// StallLimit is the shortest stall that is recorded. Processes that share a busy machine have shorter ones all the time.
const StallLimit = 250 * time.Millisecond
