package history

import "time"

// EnqueueCall is an Enqueue without its outcome yet.
type EnqueueCall struct{ call }

// EnqueueIntent records that jobs of one task with these numbers are to be enqueued. The argument delay is the time
// until they are due.
func (r *Recorder) EnqueueIntent(task string, delay time.Duration, numbers ...uint64) EnqueueCall {
	return EnqueueCall{r.begin(Event{Kind: KindEnqueueIntent, Subject: task, Time: int64(delay), Numbers: numbers})}
}

// Done records the ids, in the order of the numbers. The id is 0 where a job with the same unique key existed and no job
// was added. If ids is shorter than the numbers, the rest was refused.
func (c EnqueueCall) Done(ids ...uint64) { c.end(Event{Outcome: OK, IDs: ids}) }

// Run says which run an event is about.
type Run struct {
	Number    uint64 // from the params
	ID, Fence uint64
	Task      string
	Attempt   int // from 1
	Crashes   int
	Inc       uint64 // the incarnation that fetched the run; 0: the current one
}

// Start records that the task has begun to run.
func (r *Recorder) Start(run Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	current := r.inc
	if run.Inc != 0 {
		r.inc = run.Inc
	}
	r.writeLocked(Event{Kind: KindStart, Number: run.Number, ID: run.ID, Fence: run.Fence, Subject: run.Task, Seq: uint64(run.Attempt), Count: int64(run.Crashes)})
	r.inc = current
}

// CtxEnd records that the context of a run has ended, with its cause. It is recorded before anything else that the task
// does after that.
func (r *Recorder) CtxEnd(id, fence uint64, cause string) {
	r.write(Event{Kind: KindCtxEnd, ID: id, Fence: fence, Object: cause})
}

// FinishCall is a Finish without its outcome yet.
type FinishCall struct {
	call
	id, fence uint64
	result    Result
}

// FinishIntent records that the result of a run is to be stored. Each repeat of the call is an intent of its own.
func (r *Recorder) FinishIntent(id, fence uint64, result Result) FinishCall {
	e := Event{Kind: KindFinishIntent, ID: id, Fence: fence, Result: result}
	return FinishCall{r.begin(e), id, fence, result}
}

// Done records the answer: OK, Already, Lost or Absent.
func (c FinishCall) Done(o Outcome) { c.finished(Event{Outcome: o}) }

// Refused records that the call failed with an error that promises that nothing happened.
func (c FinishCall) Refused(err error) { c.finished(Event{Outcome: Refused, Object: textOf(err)}) }

// Unknown records that the result may or may not be stored, now or later.
func (c FinishCall) Unknown(err error) { c.finished(Event{Outcome: Unknown, Object: textOf(err)}) }

func (c FinishCall) finished(e Event) {
	e.ID, e.Fence, e.Result = c.id, c.fence, c.result
	c.end(e)
}

// CancelCall is a Cancel without its outcome yet.
type CancelCall struct {
	call
	job, id uint64
}

// CancelIntent records that the job is to be cancelled.
func (r *Recorder) CancelIntent(number, id uint64) CancelCall {
	return CancelCall{r.begin(Event{Kind: KindCancelIntent, Number: number, ID: id}), number, id}
}

// Done records the state that Cancel returned. If the state is Running, fence is the fence of the run, which may go on.
func (c CancelCall) Done(state Result, fence uint64) {
	c.end(Event{Outcome: OK, Number: c.job, ID: c.id, Result: state, Fence: fence})
}

// TickCall is an EnqueueScheduled without its outcome yet.
type TickCall struct{ call }

// TickIntent records that a job with this number is to be enqueued for the time at of the schedule.
func (r *Recorder) TickIntent(schedule, task string, at time.Time, number uint64) TickCall {
	return TickCall{r.begin(Event{Kind: KindTickIntent, Subject: schedule, Object: task, Time: at.UnixNano(), Number: number})}
}

// Won records that this call enqueued the job of the tick. The id may be 0 if it is not known.
func (c TickCall) Won(id uint64) { c.end(Event{Outcome: Won, ID: id}) }

// NotWon records that the tick was enqueued before.
func (c TickCall) NotWon() { c.end(Event{Outcome: NotWon}) }
