package backendtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero/backend"
)

// await fails the test if done is not closed within waitLimit.
func (t *tester) await(what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(waitLimit):
		t.Fatalf("%s did not come within %v", what, waitLimit)
	}
}

func peersOfOneNode(t *tester) {
	b := t.h.New(t.T)
	b.Cluster().Watch(func(joined, left []backend.Node) {
		t.Errorf("without other nodes, %v joined and %v left", joined, left)
	})
	if b.Health() == nil {
		t.Error("a backend that is not open is healthy")
	}
	t.mustOpen(b)
	t.eventually("the backend is healthy", func() bool { return b.Health() == nil })
	for range 2 {
		peers, err := b.Cluster().Peers(t.ctx)
		t.must(err)
		if diff := cmp.Diff([]backend.Node{testNode}, peers); diff != "" {
			t.Errorf("peers (-want +got):\n%s", diff)
		}
		t.mustClose(b)
		if b.Health() == nil {
			t.Error("a closed backend is healthy")
		}
		t.must(b.Open(t.ctx, testNode))
	}
}

func callsToItself(t *tester) {
	b := t.h.New(t.T)
	c := b.Cluster()
	notified, lingering := make(chan struct{}), make(chan struct{})
	c.Handle(func(ctx context.Context, from, method string, body []byte) []byte {
		switch method {
		case "echo":
			return fmt.Appendf(nil, "%s: %s", from, body)
		case "notify":
			close(notified)
		case "wait":
			<-ctx.Done()
		case "linger":
			backend.Detach(ctx)
			backend.Detach(ctx)
			lingering <- struct{}{}
			<-ctx.Done()
		}
		return nil
	})
	t.mustOpen(b)
	answer, err := c.Call(t.ctx, testNode.ID, "echo", []byte("hi"))
	if err != nil || string(answer) != testNode.ID+": hi" {
		t.Errorf("Call = %q, %v", answer, err)
	}
	big := bytes.Repeat([]byte("x"), backend.MaxCallBytes-64)
	if answer, err = c.Call(t.ctx, testNode.ID, "echo", big); err != nil || len(answer) < len(big) {
		t.Errorf("Call with %d bytes = %d bytes, %v", len(big), len(answer), err)
	}
	_, err = c.Call(t.ctx, testNode.ID, "echo", make([]byte, backend.MaxCallBytes+1))
	t.wantError("Call with a long body", err, backend.ErrTooLarge)
	t.wantError("Notify with a long body", c.Notify(t.ctx, "notify", make([]byte, backend.MaxCallBytes+1)), backend.ErrTooLarge)
	_, err = c.Call(t.ctx, "no such node", "echo", nil)
	t.wantError("Call of an unknown node", err, backend.ErrNoNode)
	t.must(c.Notify(t.ctx, "notify", nil))
	t.await("a notification", notified)
	ctx, cancel := context.WithTimeout(t.ctx, 20*time.Millisecond)
	defer cancel()
	if _, err := c.Call(ctx, testNode.ID, "wait", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a call that takes too long fails with %v", err)
	}
	var wg sync.WaitGroup
	ctx, cancel = context.WithCancel(t.ctx)
	defer cancel()
	for range 150 { // more than may be handled at a time
		wg.Go(func() {
			if _, err := c.Call(ctx, testNode.ID, "linger", nil); ctx.Err() == nil {
				t.Errorf("a detached call ends: %v", err)
			}
		})
	}
	for range 150 {
		<-lingering
	}
	for i := range 200 {
		wg.Go(func() {
			want := fmt.Sprint(testNode.ID, ": ", i)
			if answer, err := c.Call(t.ctx, testNode.ID, "echo", fmt.Append(nil, i)); err != nil || string(answer) != want {
				t.Errorf("Call = %q, %v, want %q", answer, err, want)
			}
			if i == 199 {
				cancel()
			}
		})
	}
	wg.Wait()
}

func clusterCounts(t *tester) {
	c := t.open().Cluster()
	t.must(c.Count(t.ctx, map[string]int64{"a": 2, "b": 5}))
	t.must(c.Count(t.ctx, map[string]int64{"a": 3, "b": -1}))
	t.must(c.Count(t.ctx, nil))
	counts, err := c.Counts(t.ctx)
	t.must(err)
	if diff := cmp.Diff(map[string]int64{"a": 5, "b": 4}, counts); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
}
