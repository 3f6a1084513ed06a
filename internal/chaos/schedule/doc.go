// Package schedule plans the faults of a chaos run from a seed.
//
// A [Plan] has phases: first each kind of fault alone, then pairs of faults that overlap, then mixed ones, with at most
// Options.Overlap at a time. All faults are healed before the quiet phase at the end, in which the laws about lists and
// last messages can be judged. The same seed and options give the same plan.
//
// The controller walks over [Plan.Timeline] and records each begin and end. It chooses the real target when a fault
// begins: the plan names nodes and servers by their indexes. The end of a kill in the plan is the time at which the node
// is started again, under a new process name; in the history it is the time at which the process is dead.
package schedule
