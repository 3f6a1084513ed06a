package local

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/actionhero-go/actionhero/backend"
)

// maxCalls is the maximum number of calls that are handled at a time. Further calls wait.
const maxCalls = 64

// cluster implements [backend.Cluster] for a cluster of one node.
type cluster struct {
	slots   chan struct{} // has a value for each call that is being handled
	running sync.WaitGroup

	mu      sync.Mutex
	open    bool
	self    backend.Node
	handle  func(ctx context.Context, from, method string, body []byte) []byte
	closing context.Context // done once the backend closes
	close   context.CancelFunc
	counts  map[string]int64
}

func newCluster() *cluster {
	return &cluster{slots: make(chan struct{}, maxCalls), counts: map[string]int64{}}
}

func (c *cluster) join(node backend.Node) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.open, c.self = true, node
	c.closing, c.close = context.WithCancel(context.Background())
}

// leave ends the contexts of running handlers and waits for the handlers.
func (c *cluster) leave() {
	c.mu.Lock()
	c.open = false
	c.close()
	c.mu.Unlock()
	c.running.Wait()
}

func (c *cluster) Peers(context.Context) ([]backend.Node, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return nil, backend.ErrClosed
	}
	return []backend.Node{c.self}, nil
}

// Shared returns false, because one process uses the backend.
func (c *cluster) Shared() bool { return false }

// Watch returns at once, because no other node joins or leaves.
func (c *cluster) Watch(func(joined, left []backend.Node)) (stop func()) { return func() {} }

func (c *cluster) Handle(handle func(ctx context.Context, from, method string, body []byte) []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.handle = handle
}

func (c *cluster) Call(ctx context.Context, node, method string, body []byte) ([]byte, error) {
	if err := c.check(node, body); err != nil {
		return nil, err
	}
	answer := make(chan []byte, 1)
	if err := c.start(ctx, ctx, method, body, answer); err != nil {
		return nil, err
	}
	select {
	case a := <-answer:
		return a, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (c *cluster) Notify(ctx context.Context, method string, body []byte) error {
	if err := c.check("", body); err != nil {
		return err
	}
	return c.start(ctx, context.WithoutCancel(ctx), method, body, make(chan []byte, 1))
}

// check returns an error if the body is too long or if node, unless empty, is not this node.
func (c *cluster) check(node string, body []byte) error {
	if len(body) > backend.MaxCallBytes {
		return fmt.Errorf("a call with a body of %d bytes is refused, because at most %d are allowed: %w", len(body), backend.MaxCallBytes, backend.ErrTooLarge)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.open:
		return backend.ErrClosed
	case node != "" && node != c.self.ID:
		return fmt.Errorf("node %.64q: %w", node, backend.ErrNoNode)
	}
	return nil
}

// start calls the handler with ctx in a goroutine once fewer than maxCalls calls are handled, for which it waits until the
// end of wait. The goroutine sends the answer to the channel answer, which has room for it, also if the handler ends the
// goroutine.
func (c *cluster) start(wait, ctx context.Context, method string, body []byte, answer chan<- []byte) error {
	select {
	case c.slots <- struct{}{}:
	case <-wait.Done():
		return wait.Err()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		<-c.slots
		return backend.ErrClosed
	}
	handle, from := c.handle, c.self.ID
	ctx, cancel := context.WithCancel(ctx)
	release := context.AfterFunc(c.closing, cancel)
	free := sync.OnceFunc(func() { <-c.slots })
	c.running.Go(func() {
		var out []byte
		defer func() {
			release()
			cancel()
			free()
			answer <- out
		}()
		if handle != nil {
			out = handle(backend.WithDetach(ctx, free), from, method, body)
		}
	})
	return nil
}

func (c *cluster) Count(_ context.Context, add map[string]int64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return backend.ErrClosed
	}
	for name, n := range add {
		c.counts[name] += n
	}
	return nil
}

func (c *cluster) Counts(context.Context) (map[string]int64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.open {
		return nil, backend.ErrClosed
	}
	return maps.Clone(c.counts), nil
}
