// Package history records the events of a cluster under chaos, and reads them again. Package check judges them.
//
// Each process writes one file, its own, through a [Recorder]. Each event is one line. A line is written with one
// write(2) before the recording method returns, so a SIGKILL loses at most the line in hand. [Open] merges the files of
// a folder by time and accepts an unfinished last line.
//
// # Time
//
// The time of an event is CLOCK_MONOTONIC of the machine, which all its processes share and no step of a wall clock
// moves. So all processes of a run are on one machine. The recorder takes the time under its lock, so the lines of a
// file are in the order of their times.
//
// # Intent and outcome
//
// A call that can fail in doubt has two events: its intent, written before the call, and its outcome, written after it.
// The effect happens between the two. If the outcome is [Unknown] or missing, the effect happens at any time after the
// intent, or never. A refusal ([Refused]) means that nothing happened.
//
// # Numbers
//
// The payload of each job, message and cached value is its number, from [Recorder.Number]. A number is never used twice
// in a run, and contains the app that made it. The checker follows numbers, and does not trust the ids of the store.
//
// # Where to record
//
//   - Start and CtxEnd: in the task, first thing and when its context ends.
//   - Pulse, Inc, LeaseLost: in the backend's hooks. Take [Recorder.Now] before a pulse is sent, and pass it on success.
//   - FinishIntent, EnqueueIntent, CancelIntent, TickIntent, PublishIntent, lock and cache calls: around the call of
//     the backend.
//   - EnterIntent, LeaveIntent: in the process that holds the connection. The outcome is recorded before the connection
//     receives a message of the room.
//   - Deliver, Gap, ResumeIntent: all of one connection in one process, in the order in which the connection sees them.
//   - FaultBegin and its End, Clock: in the controller. Begin is recorded before the fault is made, End after it is
//     healed.
package history
