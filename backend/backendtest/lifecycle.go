package backendtest

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// wantClosed checks that all methods of the store, the broker and the queue of the backend b fail with ErrClosed.
func (t *tester) wantClosed(b backend.Backend) {
	t.Helper()
	t.wantStoreClosed(b.Store())
	r := b.Broker()
	_, err := r.Publish(t.ctx, backend.Message{Room: "room", Body: []byte("1")})
	t.wantError("Publish", err, backend.ErrClosed)
	t.wantError("Join", enter(t.ctx, r, "room", "a"), backend.ErrClosed)
	t.wantError("Leave", leave(t.ctx, r, "room", "a"), backend.ErrClosed)
	_, _, err = r.Members(t.ctx, "room", 1)
	t.wantError("Members", err, backend.ErrClosed)
	t.wantQueueClosed(b.Queue())
}

func (t *tester) wantQueueClosed(q backend.Queue) {
	t.Helper()
	_, err := q.Enqueue(t.ctx, backend.NewJob{Task: "a"})
	t.wantError("Enqueue", err, backend.ErrClosed)
	_, err = q.Fetch(t.ctx, backend.FetchRequest{Node: "n", Queues: []string{"default"}, Max: 1})
	t.wantError("Fetch", err, backend.ErrClosed)
	_, err = q.Finish(t.ctx, backend.Outcome{Run: backend.Run{ID: 1, Fence: 1}, State: backend.Completed})
	t.wantError("Finish", err, backend.ErrClosed)
	t.wantError("Drain", q.Drain(t.ctx, backend.Run{ID: 1, Fence: 1}), backend.ErrClosed)
	_, err = q.Get(t.ctx, 1)
	t.wantError("Get", err, backend.ErrClosed)
	_, err = q.List(t.ctx, backend.JobFilter{})
	t.wantError("List", err, backend.ErrClosed)
	_, err = q.Stats(t.ctx)
	t.wantError("Stats", err, backend.ErrClosed)
	_, err = q.Retry(t.ctx, 1)
	t.wantError("Retry", err, backend.ErrClosed)
	_, err = q.Cancel(t.ctx, 1)
	t.wantError("Cancel", err, backend.ErrClosed)
	t.wantError("Delete", q.Delete(t.ctx, 1), backend.ErrClosed)
	_, err = q.EnqueueScheduled(t.ctx, "a", time.Now(), backend.NewJob{Task: "a"})
	t.wantError("EnqueueScheduled", err, backend.ErrClosed)
	_, err = q.LastRuns(t.ctx)
	t.wantError("LastRuns", err, backend.ErrClosed)
}

func closed(t *tester) {
	b := t.h.New(t.T)
	t.wantClosed(b)
	t.mustOpen(b)
	t.set(b.Store(), "a", "1", 0)
	t.mustClose(b)
	t.wantClosed(b)
}

// reopen checks that entries, their expiry and the subscribed callback outlive Close, and that the members of rooms do
// not.
func reopen(t *tester) {
	b, l := t.newRecording()
	t.mustOpen(b)
	s, r := b.Store(), b.Broker()
	t.set(s, "a", "kept", 0)
	t.set(s, "b", "kept for long", time.Hour)
	t.set(s, "c", "kept, then deleted", time.Hour)
	short := t.setExpiring(s, "short", 5*time.Millisecond)
	longer := t.setExpiring(s, "longer", 400*time.Millisecond)
	t.enter(r, "room", "a")
	for range 3 {
		t.mustClose(b)
		time.Sleep(10 * time.Millisecond)
		if err := b.Open(t.ctx, testNode); err != nil {
			t.Fatalf("Open after Close: %v", err)
		}
	}
	t.waitUntilGone(s, short)
	t.wantValue(s, "a", "kept")
	t.wantValue(s, "b", "kept for long")
	t.wantDelete(s, "c", true)
	t.wantMembers(r, "room")
	t.enter(r, "room", "b")
	t.wantMembers(r, "room", "b")
	t.waitUntilGone(s, longer)
	t.wantLen(s, 2)
	l.wantExactly(t, r, nil)
}

// closeEndsDeliveries closes the backend while messages are published. No delivery may begin or run after Close.
func closeEndsDeliveries(t *tester) {
	b, l := t.newRecording()
	t.mustOpen(b)
	var wg sync.WaitGroup
	for p := range 4 {
		m := backend.Message{Room: fmt.Sprint("room ", p), Body: []byte("1")}
		t.enter(b.Broker(), m.Room, "member")
		wg.Go(func() {
			for {
				_, err := b.Broker().Publish(t.ctx, m)
				if errors.Is(err, backend.ErrClosed) {
					return
				}
				if err != nil && !errors.Is(err, backend.ErrUnavailable) { // the message may have been published
					t.Errorf("Publish: %v", err)
					return
				}
			}
		})
	}
	l.wait(t, 100)
	t.mustClose(b)
	l.mu.Lock()
	n := len(l.messages)
	for room, under := range l.inRoom {
		if under > 0 {
			t.Errorf("Close returned during a delivery to %q", room)
		}
	}
	l.mu.Unlock()
	wg.Wait()
	if got := len(l.wait(t, n)); got != n {
		t.Errorf("%d messages were delivered after Close", got-n)
	}
}

func openTwice(t *tester) {
	b := t.h.New(t.T)
	t.mustClose(b) // not open: does nothing
	t.mustOpen(b)
	if err := b.Open(t.ctx, testNode); err == nil {
		t.Error("Open of an open backend succeeds, want an error")
	}
	t.set(b.Store(), "a", "still open", 0)
	t.wantValue(b.Store(), "a", "still open")
	t.mustClose(b)
	t.mustClose(b)
}

func partsStaySame(t *tester) {
	b := t.h.New(t.T)
	s, r, q := b.Store(), b.Broker(), b.Queue()
	t.mustOpen(b)
	if b.Store() != s || b.Broker() != r || b.Queue() != q {
		t.Error("Store, Broker or Queue returns another value after Open")
	}
	t.set(s, "a", "1", 0)
	t.wantValue(b.Store(), "a", "1")
}
