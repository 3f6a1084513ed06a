package backendtest

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero/backend"
)

// nodesCall checks calls in both directions, and what the death of a node and the end of a context do to them.
func nodesCall(t *tester) {
	list := t.h.Cluster(t.T, 3)
	ended, orphaned, begun, notified := make(chan struct{}), make(chan struct{}), make(chan struct{}, 2), make(chan string, 3)
	for i, n := range list {
		n.Cluster().Handle(func(ctx context.Context, from, method string, body []byte) []byte {
			switch method {
			case "notify":
				notified <- fmt.Sprintf("%c %s %s", 'a'+i, from, body)
			case "wait":
				begun <- struct{}{}
				<-ctx.Done()
				close(ended)
			case "orphan":
				begun <- struct{}{}
				<-ctx.Done()
				close(orphaned)
			case "hang":
				begun <- struct{}{}
				<-ctx.Done()
			}
			return fmt.Appendf(nil, "%c answers %s: %s", 'a'+i, from, body)
		})
	}
	nodes := []*clusterNode{t.openNode(list[0], "a"), t.openNode(list[1], "b"), t.openNode(list[2], "c")}
	for _, from := range nodes {
		for _, to := range nodes {
			answer, err := from.Cluster().Call(t.ctx, to.id, "echo", []byte("hi"))
			if want := to.id + " answers " + from.id + ": hi"; err != nil || string(answer) != want {
				t.Errorf("Call = %q, %v, want %q", answer, err, want)
			}
		}
	}
	_, err := nodes[0].Cluster().Call(t.ctx, "d", "echo", nil)
	t.wantError("Call of an unknown node", err, backend.ErrNoNode)
	t.must(nodes[1].Cluster().Notify(t.ctx, "notify", []byte("x")))
	var got []string
	for range nodes {
		got = append(got, <-notified)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"a b x", "b b x", "c b x"}, got); diff != "" {
		t.Errorf("notifications (-want +got):\n%s", diff)
	}
	ctx, cancel := context.WithCancel(t.ctx)
	go func() { <-begun; cancel() }()
	if _, err := nodes[0].Cluster().Call(ctx, "b", "wait", nil); ctx.Err() == nil || err == nil {
		t.Errorf("a call that is cancelled returns %v", err)
	}
	t.await("the end of the handler's context", ended)
	failed := make(chan error, 1)
	go func() {
		_, err := nodes[0].Cluster().Call(t.ctx, "c", "hang", nil)
		failed <- err
	}()
	<-begun
	go func() { _, _ = nodes[2].Cluster().Call(t.ctx, "a", "orphan", nil) }()
	<-begun
	missed := make(chan error, 1)
	go func() {
		_, err := nodes[1].Cluster().Call(t.ctx, "a", "hang", nil)
		missed <- err
	}()
	<-begun
	nodes[1].Cut()
	nodes[1].Heal()
	t.wantError("Call of a node that is cut off while it waits", <-missed, backend.ErrUnavailable)
	nodes[2].Kill()
	t.await("the end of the context of a call of a node that has died", orphaned)
	t.wantError("Call of a node that dies", <-failed, backend.ErrUnavailable)
	_, err = nodes[0].Cluster().Call(t.ctx, "c", "echo", nil)
	t.wantError("Call of a dead node", err, backend.ErrNoNode)
}
