package history

// Kind is the kind of an event. The names are those of the file format; an intent ends with a question mark.
type Kind uint8

// The kinds of events. The comment lists the fields in use next to At, Inc, Proc and Line, and Call for pairs.
const (
	_             Kind = iota
	KindProcess        // first line of a file: Subject name, ID pid, Seq index, Number app
	KindInc            // the node drew the incarnation Inc
	KindLeaseLost      // the node learned that the lease of Inc is lost
	KindPulse          // a pulse of Inc succeeded: Time when it was sent
	KindBye            // the process stops in order, and holds no run and no member any more
	KindWorkers        // Count runs at a time
	KindKnows          // Subject task, Count MaxCrashes, Seq 1 if Exclusive

	KindEnqueueIntent // Subject task, Time the delay, Numbers
	KindEnqueue       // Outcome, IDs in the order of Numbers; a job that existed already has the id 0
	KindStart         // Number, ID, Fence, Subject task, Count crashes, Seq attempt
	KindCtxEnd        // ID, Fence, Object cause
	KindFinishIntent  // ID, Fence, Result
	KindFinish        // ID, Fence, Result, Outcome: OK, Already, Lost, Absent, Unknown
	KindCancelIntent  // Number, ID
	KindCancel        // Number, ID, Outcome, Result the state after: Running or Cancelled; Fence of the run
	KindTickIntent    // Subject schedule, Time at in Unix nanoseconds, Number, Object task
	KindTick          // Outcome: Won, NotWon, Unknown, Refused; ID

	KindPublishIntent // Subject room, Number
	KindPublish       // Outcome, Epoch, Seq
	KindDeliver       // Subject room, Object connection, Epoch, Seq, Number
	KindGap           // Subject room, Object connection
	KindResumeIntent  // Subject room, Object connection, Epoch, Seq
	KindResume        // Outcome: OK with Count messages, or NotRecovered
	KindEnterIntent   // Subject room, Object member
	KindEnter         // Outcome, Epoch, Seq; Count 1 if the member may have entered later
	KindLeaveIntent   // Subject room, Object member
	KindLeave         // Outcome
	KindWatch         // Subject room, Names: the list from which the process folds news; Count -1: it folds none until the next list
	KindNews          // Subject room, Object member, Count +1 or −1
	KindMembersIntent // Subject room
	KindMembers       // Outcome, Names, Count total

	KindLockIntent    // Subject key, Time ttl
	KindLock          // Outcome: OK with Fence, Refused, Unknown
	KindUnlockIntent  // Subject key, Fence
	KindUnlock        // Outcome
	KindSetIntent     // Subject key, Number
	KindSet           // Outcome
	KindLoad          // Subject key, Number: a loader begins to read the source, and its value will be Number
	KindInvalidIntent // Subject key, empty for all keys
	KindInvalid       // Outcome
	KindGetIntent     // Subject key
	KindGet           // Outcome: OK with Number, Absent, Refused, Unknown

	KindFaultBegin // Call, Subject fault kind, Object target, Count 1 if lossy, Time the step of a clock
	KindFaultEnd   // Call
	KindClock      // Time: Redis' wall clock minus CLOCK_MONOTONIC
	KindSample     // Subject gauge, Object of which part, Count
	kinds
)

var kindNames = [kinds]string{
	"", "process", "inc", "lease-lost", "pulse", "bye", "workers", "knows",
	"enq?", "enq", "start", "ctx-end", "fin?", "fin", "cancel?", "cancel", "tick?", "tick",
	"pub?", "pub", "deliver", "gap", "resume?", "resume", "enter?", "enter", "leave?", "leave", "watch", "news", "members?", "members",
	"lock?", "lock", "unlock?", "unlock", "set?", "set", "load", "inv?", "inv", "get?", "get",
	"fault", "heal", "clock", "sample",
}

func (k Kind) String() string { return nameOf(kindNames[:], int(k)) }

// Intent reports whether an outcome follows the event.
func (k Kind) Intent() bool { return k < kinds && k > 0 && kindNames[k][len(kindNames[k])-1] == '?' }

// Answers returns the kind of the intent to which an event of kind k is the outcome, or 0.
func (k Kind) Answers() Kind {
	if k > 0 && (k - 1).Intent() {
		return k - 1
	}
	return 0
}

// Outcome is the answer to a call.
type Outcome uint8

// The outcomes. Only [Unknown] leaves it open whether the call had its effect.
const (
	_            Outcome = iota
	OK                   // done
	Refused              // an error that promises that nothing happened
	Unknown              // an error that promises nothing
	Already              // finish: an earlier call of the same run was stored
	Lost                 // finish: the run was lost before
	Absent               // there is no job, entry or lock
	Won                  // tick: this call enqueued the job
	NotWon               // tick: another call did
	NotRecovered         // resume: recovered is false
	outcomes
)

var outcomeNames = [outcomes]string{"", "ok", "refused", "unknown", "already", "lost", "absent", "won", "not", "false"}

func (o Outcome) String() string { return nameOf(outcomeNames[:], int(o)) }

// Result is the end of a run, or the state of a job.
type Result uint8

// The results of runs and the states of jobs.
const (
	_         Result = iota
	Completed        // the job has ended well
	Retry            // the run failed and the job runs again
	Requeued         // the run ended without a result and the job is due again: a stop, a snooze
	Dead             // the job has ended after its last attempt, or by too many crashes
	Cancelled        // the job was cancelled
	Waiting          // state: not running, not ended
	Running          // state: running
	results
)

var resultNames = [results]string{"", "completed", "retry", "requeued", "dead", "cancelled", "waiting", "running"}

func (r Result) String() string { return nameOf(resultNames[:], int(r)) }

// Ended reports whether a job with this result never runs again.
func (r Result) Ended() bool { return r == Completed || r == Dead || r == Cancelled }

func nameOf(names []string, i int) string {
	if i < 0 || i >= len(names) {
		return "invalid"
	}
	return names[i]
}
