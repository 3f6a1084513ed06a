//go:build unix

package redis

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// A node that has lost its lease, but reaches the server, goes on publishing and calling. It is not called until it
// has joined again. Then everything is as before.
func TestANodeWithoutItsLease(t *testing.T) {
	t.Parallel()
	server, prefix := redistest.Redis.Shared(t), redistest.Prefix()
	config := Config{URL: "redis://" + server.Addr, Prefix: prefix, Log: quiet}
	echo := func(_ context.Context, from, _ string, _ []byte) []byte { return []byte("echo to " + from) }
	open := func(config Config, id string) (*Backend, *roomLog) {
		b, l := openNamed(t, config, id, echo)
		enterRoom(t, b, "room", "member of "+id)
		return b, l
	}
	a, heardA := open(config, "a")
	b, heardB := open(config, "b")
	lapsed := a.life.incarnation()
	if _, err := asInt(b.core.run(t.Context(), leaveNodesScript, b.life.key[:], lapsed, "a", "lapsed")); err != nil {
		t.Fatal(err)
	}
	// Another process has the id for a time, so the node does not join again at once.
	thief, holds := newInc(), "1000000000"
	if reply, err := asWords(b.core.run(t.Context(), joinScript, b.life.key[:], thief, "a", encodeNode(backend.Node{ID: "a"}), holds, "")); err != nil || reply[0] != "ok" {
		t.Fatal(reply, err)
	}
	basics.Eventually(t, "the other node sees that the node has gone", func() bool {
		if _, err := b.Cluster().Peers(t.Context()); err != nil {
			return false
		}
		list := b.cluster.list.Load()
		return !list.has(lapsed) && list.has(thief)
	})

	basics.Eventually(t, "without its lease, the node lists itself and the other", func() bool { // the list may be a second old
		peers, err := a.Cluster().Peers(t.Context())
		return err == nil && len(peers) == 2 && peers[0].ID == "a"
	})
	if _, err := b.Cluster().Call(t.Context(), "a", "echo", nil); !errors.Is(err, backend.ErrNoNode) {
		t.Errorf("a call of the node without a lease: %v", err)
	}
	for _, to := range []string{"a", "b"} {
		if answer, err := a.Cluster().Call(t.Context(), to, "echo", nil); err != nil || string(answer) != "echo to a" {
			t.Errorf("the node without a lease calls %s: %q, %v", to, answer, err)
		}
	}
	say(t, a, "room", "one")
	basics.Eventually(t, "the other node hears it", func() bool { return slices.Contains(heardB.heard("room"), "one") })

	if _, err := asInt(b.core.run(t.Context(), leaveNodesScript, b.life.key[:], thief, "a", "clean")); err != nil {
		t.Fatal(err)
	}
	basics.Eventually(t, "the node joins again", func() bool {
		return a.life.incarnation() != lapsed
	})
	basics.Eventually(t, "its members have entered again", func() bool { return a.Health() == nil && memberCount(t, b, "room") == 2 })
	basics.Eventually(t, "the node is called again", func() bool {
		answer, err := b.Cluster().Call(t.Context(), "a", "echo", nil)
		return err == nil && string(answer) == "echo to b"
	})
	say(t, b, "room", "two")
	basics.Eventually(t, "the node hears again", func() bool { return slices.Contains(heardA.heard("room"), "two") })
}
