// Package backend defines the interfaces between an API and the storage of its shared state.
//
// An API stores everything that other nodes of its cluster must see in a [Backend]: cached entries and locks ([Store]),
// messages and members of rooms ([Broker]), and jobs ([Queue]). The backend also decides whether there is a cluster.
// Package backend/local keeps everything in one process and jobs on disk if configured; it needs no server. With a
// backend that connects to a server, all nodes that use the same server are one cluster. Code above this package cannot
// tell backends apart, because all of them pass the same suite, backend/backendtest.
//
// Begin reading at [Backend], then at the part you need. Users of actionHero call none of this directly.
//
// # Stability
//
// The interfaces here are a seam for adapters, not an API. They gain methods as the module grows (the list of peers is
// the next one). A change to them is not a breaking change of the module, so a backend outside this module has to be
// updated with it.
//
// # What every backend guarantees
//
//   - All methods may be called from any number of goroutines concurrently.
//   - A backend works between Open and Close, and can be opened again after Close. At any other time its methods fail
//     with [ErrClosed].
//   - The content of the [Store], locks included, outlives Close and Open in the same process. The members of rooms do
//     not: a member stands for a connection, and a node that closes has no connections left. The members of a node that
//     died are removed too, a little later.
//   - A store never evicts an entry, a counter or a lock to make room for another. If it has no room, the call fails with
//     [ErrFull].
//   - A lock has one owner at a time, by the store's clock, and each owner gets a larger fence than the one before.
//   - A call on the [Queue] that returns without an error is durable. Jobs outlive Close and Open; runs do not: a run that
//     had not ended by Close is a crash. A job is never fetched before it is due.
//   - Times have millisecond precision. An entry never expires early.
//   - Keys, rooms and members are arbitrary bytes, including the empty string, up to [MaxKeyBytes].
//   - Errors that a caller can act upon are the variables of this package, wrapped in a sentence that says what to do.
//
// A context bounds the time that a call waits for a server. A backend that never waits ignores it.
package backend
