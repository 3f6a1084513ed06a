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
	running int    // goroutines that handle calls
	queue   []task // calls that wait
	bytes   int    // of the bodies in queue
	cancels map[callID]context.CancelFunc
}

// task is a call to handle. Its context ends when the caller waits no longer.
type task struct {
	envelope
	ctx    context.Context
	cancel context.CancelFunc
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
	s, err := h.cluster.core.current()
	if err != nil {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	t := task{envelope: e}
	switch {
	case h.running < maxCalls:
		t.ctx, t.cancel = context.WithCancel(s.life)
		if h.cluster.core.spawn(func(_ context.Context, s *session) { h.run(s, t) }) {
			h.running++
		}
	case len(h.queue) < maxWaiting && h.bytes+len(e.body) <= maxWaitingBytes:
		t.ctx, t.cancel = context.WithCancel(s.life)
		h.queue = append(h.queue, t)
		h.bytes += len(e.body)
	case e.kind == notifyMessage:
		h.cluster.core.config.Log.Warn("a call without an answer is dropped, because too many calls wait", "from", e.from, "method", e.method)
		return
	default:
		h.cluster.core.spawn(func(ctx context.Context, s *session) { h.answer(ctx, s, &e, busy, nil) })
		return
	}
	if e.kind == callMessage { // before the message that cancels the call can come
		h.cancels[callID{e.inc, e.id}] = t.cancel
	}
}

// run handles the call t, and then calls that wait. It stops after a call that was detached, because another goroutine has
// its place.
func (h *handler) run(s *session, t task) {
	for more := true; more; {
		if detached := h.one(s, t); detached {
			return
		}
		t, more = h.next(s.life)
	}
}

// detach gives the place of a call that is being handled to a call that waits.
func (h *handler) detach(s *session) {
	t, ok := h.next(s.life)
	if !ok {
		return
	}
	if !h.cluster.core.spawn(func(_ context.Context, s *session) { h.run(s, t) }) { // the backend closes
		t.cancel()
	}
}

// next returns a call that waits. If there is none, or the backend closes, the goroutine has to end.
func (h *handler) next(life context.Context) (t task, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.queue) == 0 || life.Err() != nil {
		h.running--
		return t, false
	}
	t, h.queue[0] = h.queue[0], task{}
	h.queue = h.queue[1:]
	h.bytes -= len(t.body)
	return t, true
}

// one handles a call. It returns true if the call was detached.
func (h *handler) one(s *session, t task) (detached bool) {
	defer t.cancel()
	h.mu.Lock()
	handle := h.handle
	h.mu.Unlock()
	var body []byte
	if handle != nil && t.ctx.Err() == nil {
		detach := sync.OnceFunc(func() {
			detached = true
			h.detach(s)
		})
		body = handle(backend.WithDetach(t.ctx, detach), t.from, t.method, []byte(t.body))
	}
	if t.kind != callMessage {
		return detached
	}
	h.mu.Lock()
	delete(h.cancels, callID{t.inc, t.id})
	h.mu.Unlock()
	switch {
	case t.ctx.Err() != nil: // the caller waits no longer
	case len(body) > backend.MaxCallBytes:
		h.answer(s.life, s, &t.envelope, tooLarge, nil)
	default:
		h.answer(s.life, s, &t.envelope, answered, body)
	}
	return detached
}

// answer publishes the answer of a call. If that fails, the caller waits until its context ends.
func (h *handler) answer(ctx context.Context, s *session, e *envelope, status uint64, body []byte) {
	k := h.cluster
	to := callChannel(k.core, s, e.inc).channel
	answer := envelope{kind: answerMessage, id: e.id, status: status, inc: k.life.incarnation(), from: k.life.self().ID, body: string(body)}
	if _, err := k.publish(ctx, s, to, &answer, repeatable); err != nil && ctx.Err() == nil {
		k.core.config.Log.Warn("the answer to a call was not sent", "to", e.from, "method", e.method, "error", err.Error())
	}
}

// cancel ends the context of a call. If the call waits, it is not handled.
func (h *handler) cancel(e envelope) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cancel := h.cancels[callID{e.inc, e.id}]; cancel != nil {
		cancel()
	}
}

// drop ends the contexts of the calls of an incarnation that has lapsed.
func (h *handler) drop(inc string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, cancel := range h.cancels {
		if id.inc == inc {
			cancel()
		}
	}
}
