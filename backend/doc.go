// Package backend is the seam between an API and the place where its shared state lives.
//
// An API keeps nothing of its own that other nodes of its cluster must see: what is cached, what is said in rooms, who is
// in them and which jobs are to be done goes through a [Backend]. Which one it is decides whether there is a cluster at
// all. Package backend/local keeps everything in one process, jobs on disk if asked, and needs nothing else; a backend
// that talks to a server makes every node that uses the same server one cluster. Nothing above the seam can tell them
// apart, because all of them pass the same suite, backend/backendtest.
//
// # What every backend guarantees
//
//   - Its methods may be called from any number of goroutines at once.
//   - It works between Open and Close, and can be opened again after Close. At any other time its methods fail with
//     [ErrClosed].
//   - What is in the [Store], locks included, outlives Close and Open in the same process. Who is in which room does not: a member is
//     there because a connection is, and a node that closes has no connections left. The same holds, a little later,
//     for the members of a node that died.
//   - A store never loses an entry, a counter or a lock before its time to make room for another. If there is no room, it
//     says so with [ErrFull].
//   - A lock has one owner at a time, by the store's clock, and each owner has a larger fence than the one before.
//   - What a call on the [Queue] says it has kept is kept. What is in the queue outlives Close and Open; runs do not:
//     those that had not ended by Close are crashes. A job whose time has not come is never handed out.
//   - Times have the precision of a millisecond. An entry never expires early.
//   - Keys, rooms and members are any bytes at all, none included, up to [MaxKeyBytes].
//   - Errors that a caller can act upon are the variables of this package, wrapped in a sentence that says what to do.
//
// Contexts bound the waiting for a server; a backend that has nothing to wait for does not look at them.
//
// The interfaces here will gain methods as the house gains parts (the list of peers is the next one), so a backend kept
// outside this module has to follow.
package backend
