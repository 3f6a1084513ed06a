package actionhero_test

import (
	"context"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// late is a client that reports each message of a room that is not marked with the name of the room although the client
// has another current room, or is in the room no more.
type late struct {
	t    testing.TB
	left sync.Map // the names of the rooms that are not the current one any more
	n    atomic.Int64
}

func (l *late) Deliver(m *actionhero.RoomMessage) bool {
	if _, left := l.left.Load(m.Room); left && !transport.NamesRoom(m) {
		l.t.Errorf("a message of the room %s came after it was left", m.Room)
	}
	l.n.Add(1)
	return false
}

func (l *late) Flush()       {}
func (l *late) Close(string) {}

// After a client has moved or left, it reads no more messages of the old room that look like messages of the new one.
func TestLeavingARoomIsABarrier(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1})
	for range 1000 {
		c, _ := connect(t, api, "a")
		defer transport.Of(api).Disconnect(c)
	}
	var speakers sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		speakers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
					if err := api.Rooms.Broadcast(context.Background(), "a", 1); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	for i := range 200 {
		client := &late{t: t}
		c := transport.Of(api).Connect("test", netip.AddrPort{}, client)
		steps(t, api.Rooms.Move(t.Context(), c, "a"))
		heard := client.n.Load()
		for client.n.Load() == heard { // a broadcast is under way
			runtime.Gosched()
		}
		switch i % 3 {
		case 0: // it leaves by moving
			steps(t, api.Rooms.Move(t.Context(), c, "b"))
			client.left.Store("a", true)
		case 1: // it stays as a listener
			steps(t, api.Rooms.Join(t.Context(), c, "a"), api.Rooms.Move(t.Context(), c, "b"))
			client.left.Store("a", true)
		case 2: // it leaves a room that is not its current one
			steps(t, api.Rooms.Join(t.Context(), c, "a"), api.Rooms.Move(t.Context(), c, "b"), api.Rooms.Leave(t.Context(), c, "a"))
			client.left.Store("a", true)
		}
		defer transport.Of(api).Disconnect(c)
	}
	close(done)
	speakers.Wait()
}

// However many clients enter at once, each member reads a bounded number of notices, and reads them again when it is calm.
func TestManyJoinsCauseABoundedNumberOfNotices(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := newAPI(t, actionhero.Config{AnnounceRate: 20})
		ann, annGets := connect(t, api, "den")
		defer transport.Of(api).Disconnect(ann)
		enter := func(n int) {
			for range n {
				c, _ := connect(t, api, "den")
				defer transport.Of(api).Disconnect(c)
			}
		}
		enter(400)
		if n := len(annGets.take()); n > 20 || n < 19 { // her own entry has used one
			t.Errorf("she read %d notices of 400 joins and 400 leaves at once, want 19", n)
		}
		time.Sleep(time.Minute)
		enter(3)
		if got := annGets.take(); len(got) != 6 {
			t.Errorf("a minute later she read %s", fmt.Sprint(got))
		}
	})
}
