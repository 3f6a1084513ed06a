package backend

import "context"

// MaxCallBytes is the maximum length of the body of a call between nodes, and of its answer, in bytes.
const MaxCallBytes = 256 << 10

// Cluster knows the live nodes that use the same storage, and carries calls between them.
//
// A node is live from Open to Close. If a node dies or is paused, the others see it as gone within 10 s. A node that was
// paused joins again without a call.
type Cluster interface {
	// Shared reports whether other nodes can join. It is false for an embedded backend.
	Shared() bool
	// Peers returns the live nodes, this node included, sorted by id. The list may be a second old.
	Peers(ctx context.Context) ([]Node, error)
	// Watch adds the callback f, which the backend calls after nodes have joined or left, this node excluded. The calls
	// come one at a time. Right after Open, the nodes that are live already count as joined. If a node restarts under
	// its old id, it leaves and joins. Watch may be called before Open, and the callback stays through Close and Open
	// until stop is called. The callback must not block.
	Watch(f func(joined, left []Node)) (stop func())

	// Handle sets the function that answers calls of other nodes and of this node. Call Handle before Open. A second
	// call replaces the function. The argument from is the id of the calling node. The context ends when the caller no
	// longer waits, when its node leaves the cluster, or when the backend closes. The backend calls handle in a goroutine
	// of its own for each call, and handles at most 64 calls at a time; further calls wait. A call counts no longer after
	// [Detach]. The function handle must not panic.
	Handle(handle func(ctx context.Context, from, method string, body []byte) (answer []byte))
	// Call sends a call to the node with the given id, and returns its answer. A call is delivered at most once, and
	// Call never repeats it. Call fails with [ErrNoNode] if no live node has the id; the call then had no effect. It
	// fails with [ErrUnavailable] if the node leaves the cluster before it has answered, or if the answer may have been
	// missed because this node was cut off, and with the error of ctx; the call may then have had an effect. It fails with [ErrTooLarge] above [MaxCallBytes].
	Call(ctx context.Context, node, method string, body []byte) (answer []byte, err error)
	// Notify sends a call without an answer to all live nodes, this node included. Each node that is connected gets it
	// at most once. Two calls may arrive in another order than they were sent.
	Notify(ctx context.Context, method string, body []byte) error

	// Count adds the numbers to counters that the whole cluster shares, by name. The counters outlive their nodes.
	Count(ctx context.Context, add map[string]int64) error
	// Counts returns all counters that have a value.
	Counts(ctx context.Context) (map[string]int64, error)
}

type detachKey struct{}

// Detach says that the handler of a call waits for a long time. The call then no longer counts among the calls that a node
// handles at a time. ctx is the context of the handler, in whose goroutine Detach must be called. A second Detach does nothing.
func Detach(ctx context.Context) {
	if detach, ok := ctx.Value(detachKey{}).(func()); ok {
		detach()
	}
}

// WithDetach returns the context for the handler of a call. [Detach] calls the function detach, each time. Only backends
// call WithDetach.
func WithDetach(ctx context.Context, detach func()) context.Context {
	return context.WithValue(ctx, detachKey{}, detach)
}
