package check

import (
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// run is a run that has started and whose end is not certain.
type run struct {
	fence, inc uint64
	at         time.Duration
	ref        ref
	proc       int32
	ctxEnded   bool
	asked      history.Result // the result that its node wants to store
	askedRef   ref
}

// certain is an effect that an outcome proves. It happened between from, the intent, and at, the outcome.
type certain struct {
	from, at time.Duration
	ref      ref
	proc     int32
}

// acknowledgement is the answer to Enqueue.
type acknowledgement uint8

const (
	pending acknowledgement = iota // or unknown
	acknowledged
	refused
)

// job is a number and all that is known of it.
type job struct {
	number, id uint64
	task       string
	ack        acknowledgement
	asked      certain // the intent
	acked      certain

	starts    int
	maxFence  uint64
	maxRef    ref
	lastStart certain
	crashes   int // before the last start
	runs      []run

	end      history.Result // stored for certain
	endFence uint64
	ended    certain

	wanted      [history.Running + 1]bool // results that some run or call wanted to store
	cancelled   certain                   // a Cancel that succeeded
	cancelState history.Result
	cancelFence uint64
	delayed     bool
}

func (j *job) run(fence uint64) *run {
	for i := range j.runs {
		if j.runs[i].fence == fence {
			return &j.runs[i]
		}
	}
	return nil
}

// another reports whether the id belongs to another job of the same number, which T7 judges. Fences and outcomes belong to
// one id.
func (j *job) another(id uint64) bool { return j.id != 0 && id != j.id }

// jobs indexes the jobs by number and by id.
type jobs struct {
	byNumber map[uint64]*job
	byID     map[uint64]*job
	chunk    []job
}

func newJobs() jobs { return jobs{byNumber: map[uint64]*job{}, byID: map[uint64]*job{}} }

// add returns the job with this number, which it adds if it is not known. Jobs are allocated in chunks.
func (js *jobs) add(number uint64) *job {
	if j := js.byNumber[number]; j != nil {
		return j
	}
	if len(js.chunk) == 0 {
		js.chunk = make([]job, 256)
	}
	j := &js.chunk[0]
	js.chunk = js.chunk[1:]
	j.number = number
	js.byNumber[number] = j
	return j
}

func (js *jobs) identify(j *job, id uint64) {
	if id == 0 || j.id != 0 {
		return
	}
	j.id = id
	if js.byID[id] == nil {
		js.byID[id] = j
	}
}

// all calls f with each job in the order of the numbers, so that two checks of a history report the same.
func (js *jobs) all(f func(*job)) {
	numbers := make([]uint64, 0, len(js.byNumber))
	for n := range js.byNumber {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	for _, n := range numbers {
		f(js.byNumber[n])
	}
}

func certainOf(e *history.Event) certain { return certain{e.At, e.At, refOf(e), e.Proc} }

// doneBy returns the effect of a call. Without its intent, the effect is as old as the outcome.
func doneBy(e, intent *history.Event) certain {
	c := certainOf(e)
	if intent != nil {
		c.from = intent.At
	}
	return c
}

// taken returns the effect that gave out the run of a start: the Take came before it, by less than a lease unless the
// process was stopped.
func taken(e certain) certain {
	e.from = e.at - leaseTime
	return e
}

func (js *jobs) update(w *world, e, intent *history.Event) {
	switch e.Kind {
	case history.KindEnqueueIntent:
		for _, n := range e.Numbers {
			j := js.add(n)
			j.task, j.asked, j.delayed = e.Subject, certainOf(e), e.Time > 0
		}
	case history.KindTickIntent:
		j := js.add(e.Number)
		j.task, j.asked, j.delayed = e.Object, certainOf(e), true
	case history.KindEnqueue, history.KindTick:
		if intent != nil {
			js.acknowledge(e, intent)
		}
	case history.KindStart:
		js.start(w, e)
	case history.KindCtxEnd, history.KindFinishIntent, history.KindFinish:
		js.runEvent(w, e, intent)
	case history.KindCancelIntent:
		js.add(e.Number).wanted[history.Cancelled] = true
	case history.KindCancel:
		js.cancel(e, intent)
	}
}

func (js *jobs) acknowledge(e, intent *history.Event) {
	if intent.Kind == history.KindTickIntent {
		j := js.add(intent.Number)
		switch e.Outcome {
		case history.Won:
			j.ack, j.acked = acknowledged, doneBy(e, intent)
			js.identify(j, e.ID)
		case history.NotWon:
			// The call may have added the job itself, and asked again after a lost answer. T8 judges that a tick has one job.
		case history.Refused:
			j.ack, j.acked = refused, doneBy(e, intent)
		}
		return
	}
	for i, n := range intent.Numbers {
		j := js.add(n)
		switch {
		case e.Outcome == history.OK && i < len(e.IDs) && e.IDs[i] != 0:
			j.ack, j.acked = acknowledged, doneBy(e, intent)
			js.identify(j, e.IDs[i])
		case e.Outcome == history.OK || e.Outcome == history.Refused:
			j.ack, j.acked = refused, doneBy(e, intent)
		}
	}
}

func (js *jobs) start(w *world, e *history.Event) {
	j := js.add(e.Number)
	js.identify(j, e.ID)
	j.task = e.Subject
	j.starts++
	j.lastStart, j.crashes = certainOf(e), int(e.Count)
	if e.Fence > j.maxFence {
		j.maxFence, j.maxRef = e.Fence, refOf(e)
	}
	j.runs = append(j.runs, run{fence: e.Fence, inc: e.Inc, at: e.At, ref: refOf(e), proc: e.Proc})
	w.procs[e.Proc].running++
}

func (js *jobs) runEvent(w *world, e, intent *history.Event) {
	j := js.byID[e.ID]
	if j == nil {
		return
	}
	r := j.run(e.Fence)
	switch e.Kind {
	case history.KindCtxEnd:
		if r != nil {
			r.ctxEnded = true
		}
	case history.KindFinishIntent:
		j.wanted[e.Result] = true
		if r != nil && r.asked == 0 {
			r.asked, r.askedRef = e.Result, refOf(e)
			p := &w.procs[r.proc]
			if p.running--; p.running == p.workers-1 {
				p.freeSince = e.At
			}
		}
	case history.KindFinish:
		js.finish(j, r, e, intent)
	}
}

func (js *jobs) finish(j *job, r *run, e, intent *history.Event) {
	stored := e.Outcome == history.OK || e.Outcome == history.Already
	if stored && e.Result.Ended() && j.end == 0 {
		j.end, j.endFence, j.ended = e.Result, e.Fence, doneBy(e, intent)
	}
	if stored && !e.Result.Ended() && intent != nil && j.cancelState == history.Running && j.cancelled.at < intent.At && j.end == 0 {
		j.end, j.endFence, j.ended = history.Cancelled, e.Fence, doneBy(e, intent)
	}
	if r != nil && (stored || e.Outcome == history.Lost || e.Outcome == history.Absent) {
		*r = j.runs[len(j.runs)-1]
		j.runs = j.runs[:len(j.runs)-1]
	}
}

func (js *jobs) cancel(e, intent *history.Event) {
	if e.Outcome != history.OK {
		return
	}
	j := js.add(e.Number)
	if j.cancelState != 0 {
		return
	}
	j.cancelState, j.cancelFence, j.cancelled = e.Result, e.Fence, doneBy(e, intent)
	if e.Result == history.Cancelled && j.end == 0 {
		j.end, j.endFence, j.ended = history.Cancelled, 0, doneBy(e, intent)
	}
}
