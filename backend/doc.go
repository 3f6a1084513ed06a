// Package backend defines the interfaces between an API and the storage of its shared state.
//
// An API stores everything that other nodes of its cluster must see in a [Backend]: cached entries and locks ([Store]),
// messages and members of rooms ([Broker]), and jobs ([Queue]). The nodes that share a backend's storage are a cluster
// ([Cluster]).
// Package backend/local needs no server: it keeps all state in the memory of one process, and jobs on disk if
// configured. With a backend that connects to a server, all nodes that use the same server are one cluster. Code above
// this package cannot tell backends apart, because every backend passes the same test suite, backend/backendtest.
//
// Begin reading at [Backend], then at the interface you need. Users of actionHero call none of this directly.
//
// # Stability
//
// The interfaces of this package are meant for backends, not for apps. They gain methods as the module grows. A change
// to the interfaces is not a breaking change of the module, so a
// backend outside this module has to be updated with the module.
//
// # What every backend guarantees
//
//   - All methods may be called from any number of goroutines concurrently.
//   - A backend can be used between Open and Close, and can be opened again after Close. At any other time its methods
//     fail with [ErrClosed]. A call that Close interrupts fails with [ErrUnavailable] instead if its change may have
//     happened.
//   - The content of the [Store], locks included, outlives Close and Open in the same process. The members of rooms do
//     not: a member stands for a connection, and a node that closes has no connections left. If a node dies, the
//     backend removes the members of that node a little later.
//   - A store never evicts an entry, a counter or a lock to make room for another. If the store has no room, the call
//     that adds one fails with [ErrFull].
//   - A lock has one owner at a time, by the store's clock. Each owner gets a fence, a number that is larger than the
//     fence of the previous owner.
//   - A call on the [Queue] that returns without an error is durable. Jobs outlive Close and Open. A run, which is one
//     execution of a job, does not: if a run has not ended when the queue closes, that run counts as a crash, unless the
//     worker has called Drain. A job is never fetched before it is due.
//   - Times have millisecond precision. An entry never expires early.
//   - Keys, room names and member ids are arbitrary bytes, including the empty string, up to [MaxKeyBytes].
//   - Errors that a caller can act upon are the variables of this package, wrapped in a sentence that says what to do.
//
// The context of a call bounds the time for which the call waits for a server. If the context ends first, the error wraps
// the error of the context, and usually [ErrUnavailable] too: a change may have happened, unless the text says otherwise.
// Only the end of the caller's context does that. A backend with a server has time limits of its own, too, whose errors
// wrap ErrUnavailable but not the error of a context. [Broker.Move] instead succeeds on its node and goes on. A backend
// that never waits ignores the context.
package backend
