package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
)

// A call is a message to the channel of an incarnation, and so is its answer. A message is published once, so a call is
// delivered at most once. If it has no receiver, no node has it.

// The kinds of messages between nodes.
const (
	callMessage   = 'c'
	notifyMessage = 'n'
	answerMessage = 'a'
	cancelMessage = 'x'
)

// The results of a call, in the message that answers it.
const (
	answered = 0
	busy     = 1 // the node has too many calls that wait
	tooLarge = 2 // the answer is longer than backend.MaxCallBytes
)

// noReceiver is the time for which a node may be without its channel, while it connects again.
const noReceiver = 500 * time.Millisecond

// envelope is a message between nodes.
type envelope struct {
	kind   byte
	id     uint64 // of the call; random
	status uint64 // of an answer
	inc    string // the incarnation of the sender
	from   string // the id of the sender
	method string
	body   string
}

func (e *envelope) encode() string {
	b := binary.AppendUvarint([]byte{e.kind}, e.id)
	b = binary.AppendUvarint(b, e.status)
	for _, text := range []string{e.inc, e.from, e.method} {
		b = binary.AppendUvarint(b, uint64(len(text)))
		b = append(b, text...)
	}
	return string(append(b, e.body...))
}

// decodeEnvelope returns false for a message that is not complete.
func decodeEnvelope(payload string) (e envelope, ok bool) {
	if payload == "" {
		return e, false
	}
	rest, ok := payload[1:], true
	number := func() uint64 {
		n, size := binary.Uvarint([]byte(rest[:min(len(rest), binary.MaxVarintLen64)]))
		if size <= 0 {
			ok = false
			return 0
		}
		rest = rest[size:]
		return n
	}
	text := func() string {
		n := number()
		if n > uint64(len(rest)) {
			ok = false
			return ""
		}
		t := rest[:n]
		rest = rest[n:]
		return t
	}
	e.kind, e.id, e.status = payload[0], number(), number()
	e.inc, e.from, e.method = text(), text(), text()
	e.body = rest
	return e, ok
}

// calls has the calls of this node to others.
type calls struct {
	cluster *cluster
	handler handler

	mu      sync.Mutex
	pending map[uint64]*call
}

// call is a call that waits for its answer.
type call struct {
	inc  string        // the incarnation that was called
	done chan envelope // receives the answer
	gone chan struct{} // closed when no answer will come
	err  error         // why; set before gone is closed
}

func (c *calls) init(k *cluster) {
	c.cluster = k
	c.handler.cluster = k
}

func (c *calls) start() {
	c.mu.Lock()
	c.pending = make(map[uint64]*call)
	c.mu.Unlock()
	c.handler.start()
}

// message gets the messages of the channels for calls.
func (c *calls) message(payload string) {
	e, ok := decodeEnvelope(payload)
	if !ok {
		return
	}
	switch e.kind {
	case callMessage, notifyMessage:
		c.handler.add(e)
	case cancelMessage:
		c.handler.cancel(e)
	case answerMessage:
		c.mu.Lock()
		waiting := c.pending[e.id]
		delete(c.pending, e.id)
		c.mu.Unlock()
		if waiting != nil {
			waiting.done <- e
		}
	}
}

var (
	errCalledGone   = fmt.Errorf("the node has left the cluster before it has answered: %w", backend.ErrUnavailable)
	errAnswerMissed = fmt.Errorf("this node was cut off, and may have missed the answer of the node: %w", backend.ErrUnavailable)
)

// resumed ends all calls, because their answers may have been missed.
func (c *calls) resumed() {
	c.end(errAnswerMissed, func(string) bool { return true })
}

func (c *calls) interrupted() {}

// drop ends the calls of nodes that are not live any more. This node lives, whether or not it has its lease.
func (c *calls) drop(list *peerList) {
	own := c.cluster.life.incarnation()
	c.end(errCalledGone, func(inc string) bool { return inc != own && !list.has(inc) })
}

// end ends the calls of the incarnations for which choose returns true, with the error err.
func (c *calls) end(err error, choose func(inc string) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, waiting := range c.pending {
		if choose(waiting.inc) {
			waiting.err = err
			close(waiting.gone)
			delete(c.pending, id)
		}
	}
}

func (c *calls) add(id uint64, waiting *call) {
	c.mu.Lock()
	c.pending[id] = waiting
	c.mu.Unlock()
	c.drop(c.cluster.list.Load()) // the node may have gone meanwhile
}

func (c *calls) remove(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

func checkCall(body []byte) error {
	if len(body) > backend.MaxCallBytes {
		return fmt.Errorf("a call with a body of %d bytes is refused, because at most %d are allowed: %w", len(body), backend.MaxCallBytes, backend.ErrTooLarge)
	}
	return nil
}

func (k *cluster) Handle(handle func(ctx context.Context, from, method string, body []byte) []byte) {
	k.calls.handler.set(handle)
}

func (k *cluster) Call(ctx context.Context, node, method string, body []byte) ([]byte, error) {
	if err := checkCall(body); err != nil {
		return nil, err
	}
	s, err := k.session()
	if err != nil {
		return nil, err
	}
	if node == k.life.self().ID {
		return k.callOnce(ctx, s, k.life.incarnation(), node, method, body)
	}
	list := k.list.Load()
	for called := ""; ; {
		to, ok := list.find(node)
		if ok && to.inc != called {
			answer, err := k.callOnce(ctx, s, to.inc, node, method, body)
			if called != "" || !errors.Is(err, backend.ErrNoNode) {
				return answer, err
			}
			called = to.inc // it may have another incarnation by now
		} else if called != "" {
			return nil, errNoNode(node)
		} else {
			called = "none"
		}
		if err := k.read(ctx); err != nil {
			return nil, err
		}
		list = k.list.Load()
	}
}

// callOnce calls an incarnation of a node.
func (k *cluster) callOnce(ctx context.Context, s *session, inc, node, method string, body []byte) (answer []byte, err error) {
	e := envelope{kind: callMessage, id: rand.Uint64(), inc: k.life.incarnation(), from: k.life.self().ID, method: method, body: string(body)}
	waiting := &call{inc: inc, done: make(chan envelope, 1), gone: make(chan struct{})}
	k.calls.add(e.id, waiting)
	defer k.calls.remove(e.id)
	channel := callChannel(k.core, s, inc).channel
	defer func() {
		if ended(ctx) != nil || errors.Is(err, errAnswerMissed) { // the answer would have no reader
			k.core.spawn(func(ctx context.Context, s *session) {
				e.kind, e.method, e.body = cancelMessage, "", ""
				_, _ = k.publish(ctx, s, channel, &e, repeatable)
			})
		}
	}()
	if err = k.sendCall(ctx, s, channel, &e, node); err != nil {
		return nil, err
	}
	select {
	case answer := <-waiting.done:
		return answer.result(node)
	case <-waiting.gone:
		return nil, fmt.Errorf("node %.64q: %w", node, waiting.err)
	case <-s.life.Done():
		return nil, backend.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// result returns the result of a call from its answer.
func (e *envelope) result(node string) ([]byte, error) {
	switch e.status {
	case answered:
		return []byte(e.body), nil
	case tooLarge:
		return nil, fmt.Errorf("the answer of node %.64q is longer than %d bytes: %w", node, backend.MaxCallBytes, backend.ErrTooLarge)
	}
	return nil, fmt.Errorf("node %.64q has too many calls: %w", node, backend.ErrUnavailable)
}

func errNoNode(node string) error { return fmt.Errorf("node %.64q: %w", node, backend.ErrNoNode) }

// sendCall publishes a call. A message without a receiver had no effect, so it is sent again for a short time, in which
// the node may subscribe.
func (k *cluster) sendCall(ctx context.Context, s *session, channel string, e *envelope, node string) error {
	for end, wait := time.Now().Add(noReceiver), (backoff{}); ; {
		n, err := k.publish(ctx, s, channel, e, once)
		if err != nil || n > 0 {
			return err
		}
		if !wait.wait(ctx, s.life) {
			return ctx.Err()
		}
		if time.Now().After(end) {
			return errNoNode(node)
		}
	}
}

// publish publishes a message, and returns the number of receivers. Only a message that may arrive twice is repeatable.
func (k *cluster) publish(ctx context.Context, s *session, channel string, e *envelope, mode mode) (int64, error) {
	message := e.encode()
	return asInt(k.core.do(ctx, mode, func(rueidis.Builder) rueidis.Completed { return s.publish(channel, message) }))
}

func (k *cluster) Notify(ctx context.Context, method string, body []byte) error {
	if err := checkCall(body); err != nil {
		return err
	}
	s, err := k.session()
	if err != nil {
		return err
	}
	e := envelope{kind: notifyMessage, inc: k.life.incarnation(), from: k.life.self().ID, method: method, body: string(body)}
	_, err = k.publish(ctx, s, notifyChannel(k.core, s).channel, &e, once)
	return err
}
