// Package check judges the recorded history of a cluster: laws of tasks (T1–T10), rooms (R1–R4), locks and cache (S1),
// apps that share servers (A1) and growth (G1). [Laws] lists them.
//
// [Run] reads the history three times: for the faults, for the laws, and for the lines that prove violations. It keeps
// an index of jobs, messages and memberships, and references to lines instead of events.
//
// # Certainty
//
// A violation is reported only if no order of effects explains the events. An effect lies between intent and outcome;
// after an outcome unknown, at any later time or never. Where a promise has an exception, the case is counted under its
// reason in [Report.Exceptions] with its lines.
//
// If processes or servers got no processor for more than 5 % of the run, faults of the plan not included, times prove
// nothing: a law that bounds a time then counts its cases as exceptions. All other laws are judged: no job is lost or
// ends twice, no fence falls, no value is wrong.
//
// # Blind spots
//
// These changes of a history break no law that the remaining lines could prove:
//
//   - the outcome of a call is replaced by unknown, or removed: the effect may have happened,
//   - the first start of a job whose run has stored its outcome is removed: a start may be lost with the line in hand,
//   - the last deliveries to a connection that left, got a gap or ended within [TailWindow],
//   - a delivery is moved between two connections' lines without changing the order of any connection,
//   - times move by less than the slack of a law,
//   - a gap, a fault or an unknown outcome is added: each of them only excuses.
package check
