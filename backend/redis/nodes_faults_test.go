//go:build unix

package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// roomLog records the messages and gaps of a backend.
type roomLog struct {
	mu   sync.Mutex
	said []backend.Message
	gaps map[string]int
}

// openListening returns an open backend, and the record of its messages.
func openListening(t *testing.T, config Config) (*Backend, *roomLog) {
	t.Helper()
	return openNamed(t, config, rand.Text(), nil)
}

// openNamed works like openListening. The node has the id, and answers calls with the function handle.
func openNamed(t *testing.T, config Config, id string, handle func(ctx context.Context, from, method string, body []byte) []byte) (*Backend, *roomLog) {
	t.Helper()
	b, l := newBackend(config), &roomLog{gaps: map[string]int{}}
	b.Cluster().Handle(handle)
	b.Broker().Subscribe(backend.Subscriber{NewsLimit: 10,
		Deliver: func(m backend.Message) func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if m.Kind == backend.Said {
				l.said = append(l.said, m)
			}
			return nil
		},
		Gap: func(room string) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.gaps[room]++
		}})
	if err := b.Open(t.Context(), backend.Node{ID: id}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return b, l
}

func (l *roomLog) heard(room string) (list []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.said {
		if m.Room == room {
			list = append(list, string(m.Body))
		}
	}
	return list
}

func (l *roomLog) gap(room string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaps[room]
}

func enterRoom(t *testing.T, b *Backend, room, member string) {
	t.Helper()
	if _, err := b.Broker().Move(t.Context(), backend.Change{Room: room, Member: member}); err != nil {
		t.Fatal(err)
	}
}

func say(t *testing.T, b *Backend, room, text string) {
	t.Helper()
	basics.Eventually(t, "a message is published", func() bool {
		_, err := b.Broker().Publish(t.Context(), backend.Message{Room: room, Body: []byte(text)})
		return err == nil
	})
}

func memberCount(t *testing.T, b *Backend, room string) int {
	_, total, err := b.Broker().Members(t.Context(), room, 0)
	if err != nil && !errors.Is(err, backend.ErrUnavailable) {
		t.Fatal(err)
	}
	if err != nil {
		return -1
	}
	return total
}

// TestNodesOutliveARestartOfTheServer restarts a server that stores nothing on disk, so all presence is lost.
func TestNodesOutliveARestartOfTheServer(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		config := at(server)
		config.Prefix = redistest.Prefix()
		a, heardA := openListening(t, config)
		b, heardB := openListening(t, config)
		enterRoom(t, a, "room", "x")
		for i := range 300 {
			enterRoom(t, b, "room", fmt.Sprint("y", i))
		}
		say(t, a, "room", "1")
		server.Kill(t)
		basics.Eventually(t, "both nodes know that the server is away", func() bool { return a.Health() != nil && b.Health() != nil })
		server.Restart(t)
		basics.Eventually(t, "all members have entered again", func() bool { return memberCount(t, a, "room") == 301 && memberCount(t, b, "room") == 301 })
		basics.Eventually(t, "both nodes are healthy", func() bool { return a.Health() == nil && b.Health() == nil })
		basics.Eventually(t, "both nodes report the gap", func() bool { return heardA.gap("room") > 0 && heardB.gap("room") > 0 })
		say(t, b, "room", "2")
		for _, l := range []*roomLog{heardA, heardB} {
			basics.Eventually(t, "messages arrive again", func() bool {
				got := l.heard("room")
				return len(got) > 0 && got[len(got)-1] == "2"
			})
		}
		if peers, err := a.Cluster().Peers(t.Context()); err != nil || len(peers) < 1 {
			t.Errorf("%d peers, %v: the node itself is one", len(peers), err)
		}
		basics.Eventually(t, "both nodes are peers again", func() bool { // the list may be a second old
			peers, err := a.Cluster().Peers(t.Context())
			return err == nil && len(peers) == 2
		})
	})
}

// TestAMovedSlotKeepsItsSubscriptions moves the slot of a room to another master and back.
func TestAMovedSlotKeepsItsSubscriptions(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		c := f.StartCluster(t, 3, redistest.Options{})
		config := Config{Cluster: c.Addrs(), Prefix: redistest.Prefix()}
		a, heardA := openListening(t, config)
		b, heardB := openListening(t, config)
		for i := range 20 {
			enterRoom(t, a, fmt.Sprint("room ", i), "x")
			enterRoom(t, b, fmt.Sprint("room ", i), "y")
		}
		slotOf := slot(tags()[partition("room 3")])
		n := 0
		for range 3 {
			gapsA, gapsB := heardA.gap("room 3"), heardB.gap("room 3")
			c.MoveSlot(t, slotOf, (c.Owner(t, slotOf)+1)%3)
			n++
			say(t, a, "room 3", fmt.Sprint(n))
			for l, gaps := range map[*roomLog]int{heardA: gapsA, heardB: gapsB} {
				basics.Eventually(t, "the message arrives, or a gap is reported", func() bool {
					return slices.Contains(l.heard("room 3"), fmt.Sprint(n)) || l.gap("room 3") > gaps
				})
			}
			basics.Eventually(t, "the feeds are at the new place", func() bool {
				return a.Health() == nil && b.Health() == nil && isSubscribed(a, "room 3") && isSubscribed(b, "room 3")
			})
			n++
			say(t, b, "room 3", fmt.Sprint(n))
			for _, l := range []*roomLog{heardA, heardB} {
				basics.Eventually(t, "messages arrive again", func() bool { return slices.Contains(l.heard("room 3"), fmt.Sprint(n)) })
			}
		}
		if got := memberCount(t, a, "room 3"); got != 2 {
			t.Errorf("the room has %d members, want 2", got)
		}
		if heardA.gap("room 4") > 0 && partition("room 4") != partition("room 3") {
			t.Error("a room whose slot did not move has a gap")
		}
	})
}

func isSubscribed(b *Backend, name string) bool {
	b.router.mu.RLock()
	defer b.router.mu.RUnlock()
	r := b.broker.find(name)
	return r != nil && r.route != nil && r.route.feed != nil
}

// TestAFailoverIsNoticed promotes a replica while members are there.
func TestAFailoverIsNoticed(t *testing.T) {
	t.Parallel()
	set := redistest.Redis.StartSentinels(t, redistest.Options{})
	config := Config{Sentinels: set.Addrs(), MasterName: redistest.MasterName, Prefix: redistest.Prefix()}
	a, heardA := openListening(t, config)
	b, heardB := openListening(t, config)
	enterRoom(t, a, "room", "x")
	enterRoom(t, b, "room", "y")
	say(t, a, "room", "1")
	set.Failover(t)
	basics.Eventually(t, "the members are there", func() bool { return memberCount(t, a, "room") == 2 && memberCount(t, b, "room") == 2 })
	basics.Eventually(t, "both nodes are healthy", func() bool { return a.Health() == nil && b.Health() == nil })
	say(t, b, "room", "2")
	for _, l := range []*roomLog{heardA, heardB} {
		basics.Eventually(t, "messages arrive again", func() bool { return slices.Contains(l.heard("room"), "2") || l.gap("room") > 0 })
	}
	say(t, a, "room", "3")
	for _, l := range []*roomLog{heardA, heardB} {
		basics.Eventually(t, "messages arrive again", func() bool { return slices.Contains(l.heard("room"), "3") })
	}
}

// TestALostSubscriptionIsMadeAgain closes only the connections with subscriptions.
func TestALostSubscriptionIsMadeAgain(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		a, heard := openListening(t, at(server))
		for i := range 600 {
			enterRoom(t, a, fmt.Sprint("room ", i), "x")
		}
		for n := range 3 {
			gaps := heard.gap("room 7")
			server.Do(t, "CLIENT", "KILL", "TYPE", "pubsub")
			say(t, a, "room 7", fmt.Sprint(n)) // it may be missed
			basics.Eventually(t, "the message arrives, or a gap is reported", func() bool {
				return slices.Contains(heard.heard("room 7"), fmt.Sprint(n)) || heard.gap("room 7") > gaps
			})
			basics.Eventually(t, "all channels are subscribed", func() bool { return a.Health() == nil && isSubscribed(a, "room 599") && isSubscribed(a, "room 0") })
			for _, room := range []string{"room 0", "room 599"} {
				say(t, a, room, fmt.Sprint(n))
				basics.Eventually(t, "messages arrive again", func() bool { return slices.Contains(heard.heard(room), fmt.Sprint(n)) })
			}
		}
		if heard.gap("room 0")+heard.gap("room 100") > 0 {
			t.Error("a gap is reported where nothing is missing")
		}
	})
}

// TestAFullServerRefusesMembersButLetsThemLeave fills the memory of the server.
func TestAFullServerRefusesMembersButLetsThemLeave(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Start(t, redistest.Options{})
		a, _ := openListening(t, at(server))
		enterRoom(t, a, "room", "x")
		enterRoom(t, a, "room", "y")
		server.Do(t, "CONFIG", "SET", "maxmemory", "1")
		_, err := a.Broker().Move(t.Context(), backend.Change{Room: "other", Member: "x"}, backend.Change{Room: "room", Member: "x", Leave: true})
		if !errors.Is(err, backend.ErrFull) {
			t.Errorf("Move of a full server = %v, want ErrFull", err)
		}
		if n := memberCount(t, a, "room"); n != 2 {
			t.Errorf("after a Move that failed the room has %d members, want 2", n)
		}
		if _, err := a.Broker().Move(t.Context(), backend.Change{Room: "room", Member: "x", Leave: true}); err != nil {
			t.Errorf("to leave a room of a full server fails: %v", err)
		}
		if n := memberCount(t, a, "room"); n != 1 {
			t.Errorf("the room has %d members, want 1", n)
		}
		say(t, a, "room", "1")
		deadline := time.Now().Add(nodeLease + 2*time.Second)
		basics.Eventually(t, "heartbeats pass for longer than a lease", func() bool {
			return a.life.healthy() != nil || time.Now().After(deadline)
		})
		if err := a.Health(); err != nil {
			t.Errorf("a full server makes the node unhealthy: %v", err)
		}
		server.Do(t, "CONFIG", "SET", "maxmemory", "0")
		enterRoom(t, a, "other", "x")
	})
}
