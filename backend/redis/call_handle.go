package redis

import (
	"context"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// maxCalls is the maximum number of calls that are handled at a time. maxWaiting and maxWaitingBytes bound the calls that
// wait; further ones are refused.
const (
	maxCalls        = 64
	maxWaiting      = 1024
	maxWaitingBytes = 32 << 20
)

// handler answers calls of other nodes and of this node.
type handler struct {
	cluster *cluster

	mu      sync.Mutex
	handle  func(ctx context.Context, from, method string, body []byte) []byte
	running int        // goroutines that handle calls
	queue   []envelope // calls that wait
	bytes   int        // of the bodies in queue
	cancels map[callID]context.CancelFunc
}

// callID identifies a call for the node that handles it.
type callID struct {
	inc string
	id  uint64
}

func (h *handler) set(handle func(ctx context.Context, from, method string, body []byte) []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.handle = handle
}

func (h *handler) start() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running, h.queue, h.bytes, h.cancels = 0, nil, 0, make(map[callID]context.CancelFunc)
}

// add handles a call in a goroutine of its own, or queues it.
func (h *handler) add(e envelope) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.running < maxCalls:
		h.running++
		if !h.cluster.core.spawn(func(ctx context.Context, s *session) { h.run(ctx, s, e) }) {
			h.running--
		}
	case len(h.queue) < maxWaiting && h.bytes+len(e.body) <= maxWaitingBytes:
		h.queue = append(h.queue, e)
		h.bytes += len(e.body)
	case e.kind == notifyMessage:
		h.cluster.core.config.Log.Warn("a call without an answer is dropped, because too many calls wait", "from", e.from, "method", e.method)
	default:
		h.cluster.core.spawn(func(ctx context.Context, s *session) { h.answer(ctx, s, &e, busy, nil) })
	}
}

// run handles the call e, and then calls that wait.
func (h *handler) run(ctx context.Context, s *session, e envelope) {
	for more := true; more; e, more = h.next(ctx) {
		h.one(ctx, s, e)
	}
}

// next returns a call that waits. If there is none, or the backend closes, the goroutine has to end.
func (h *handler) next(ctx context.Context) (e envelope, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 || ctx.Err() != nil {
		h.running--
		return e, false
	}
	e, h.queue[0] = h.queue[0], envelope{}
	h.queue = h.queue[1:]
	h.bytes -= len(e.body)
	return e, true
}

func (h *handler) one(ctx context.Context, s *session, e envelope) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	id := callID{e.inc, e.id}
	h.mu.Lock()
	handle := h.handle
	if e.kind == callMessage {
		h.cancels[id] = cancel
	}
	h.mu.Unlock()
	var body []byte
	if handle != nil {
		body = handle(ctx, e.from, e.method, []byte(e.body))
	}
	if e.kind != callMessage {
		return
	}
	h.mu.Lock()
	delete(h.cancels, id)
	h.mu.Unlock()
	if ctx.Err() != nil { // the caller waits no longer
		return
	}
	if len(body) > backend.MaxCallBytes {
		h.answer(ctx, s, &e, tooLarge, nil)
		return
	}
	h.answer(ctx, s, &e, answered, body)
}

// answer publishes the answer of a call. If that fails, the caller waits until its context ends.
func (h *handler) answer(ctx context.Context, s *session, e *envelope, status uint64, body []byte) {
	k := h.cluster
	to := callChannel(k.core, s, e.inc).channel
	answer := envelope{kind: answerMessage, id: e.id, status: status, inc: k.life.incarnation(), from: k.life.self.ID, body: string(body)}
	if _, err := k.publish(ctx, s, to, &answer); err != nil && ctx.Err() == nil {
		k.core.config.Log.Warn("the answer to a call was not sent", "to", e.from, "method", e.method, "error", err.Error())
	}
}

// cancel ends the context of a call, or drops the call if it waits.
func (h *handler) cancel(e envelope) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cancel := h.cancels[callID{e.inc, e.id}]; cancel != nil {
		cancel()
		return
	}
	for i := range h.queue {
		if q := &h.queue[i]; q.id == e.id && q.inc == e.inc {
			h.bytes -= len(q.body)
			h.queue = append(h.queue[:i], h.queue[i+1:]...)
			return
		}
	}
}
