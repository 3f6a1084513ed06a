package backendtest

import (
	"fmt"
	"strings"
	"sync"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero/backend"
)

// positions checks that the messages of a room are numbered, from the position that a member gets when it enters.
func positions(t *tester) {
	b, l := t.openRecording()
	moved, err := b.Move(t.ctx, backend.Change{Room: "room", Member: "first"}, backend.Change{Room: "room", Member: "nobody", Leave: true})
	t.must(err)
	if len(moved.At) != 2 || moved.At[0].Epoch == 0 || moved.At[1] != (backend.Position{}) {
		t.Fatalf("Move returns the positions %v", moved.At)
	}
	last := moved.At[0]
	for i := range 5 {
		at := t.publish(b, backend.Message{Room: "room", Body: []byte("1")})
		if at.Epoch != last.Epoch || at.Seq != last.Seq+1 {
			t.Errorf("the message behind %v has the position %v", last, at)
		}
		if got := l.wait(t, i+1)[i].At; got != at {
			t.Errorf("a message is delivered with the position %v, want %v", got, at)
		}
		last = at
	}
	moved, err = b.Move(t.ctx, backend.Change{Room: "room", Member: "second"})
	if t.must(err); moved.At[0].Epoch != last.Epoch || moved.At[0].Seq != last.Seq {
		t.Errorf("a member enters at %v, want %v", moved.At[0], last)
	}
}

// newsRecorder records the news of rooms.
type newsRecorder struct {
	mu   sync.Mutex
	news []string
	last chan struct{} // closed with the first message
}

func (r *newsRecorder) deliver(m backend.Message) func() {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case m.Kind == backend.Entered:
		r.news = append(r.news, "+"+m.From+" "+m.Room)
	case m.Kind == backend.Left:
		r.news = append(r.news, "-"+m.From+" "+m.Room)
	default:
		close(r.last)
	}
	if m.Kind != backend.Said && (m.At != backend.Position{} || m.Body != nil) {
		r.news = append(r.news, fmt.Sprintf("news with a body or a position: %+v", m))
	}
	return nil
}

// move calls Move, and delivers the news as the caller of Move has to.
func (t *tester) move(b backend.Broker, changes ...backend.Change) {
	t.Helper()
	moved, err := b.Move(t.ctx, changes...)
	t.must(err)
	if moved.News != nil {
		moved.News()
	}
}

// news checks that members hear who enters and leaves a room, in the order of the changes, and that a room above the
// limit has no news.
func news(t *tester) {
	nb := t.h.New(t.T)
	b := nb.Broker()
	r := &newsRecorder{last: make(chan struct{})}
	b.Subscribe(backend.Subscriber{Deliver: r.deliver, NewsLimit: 3})
	t.mustOpen(nb)
	enter := func(member string) backend.Change { return backend.Change{Room: "room", Member: member} }
	leave := func(member string) backend.Change { return backend.Change{Room: "room", Member: member, Leave: true} }
	t.move(b, enter("a"))
	t.move(b, enter("a")) // no news: it is there
	t.move(b, enter("b"), enter("c"))
	t.move(b, enter("d")) // the fourth member is above the limit
	t.move(b, leave("b"))
	t.move(b, leave("b")) // no news: it has gone
	t.move(b, leave("c"), enter("e"), leave("a"))
	t.publish(b, backend.Message{Room: "room", Body: []byte("1")})
	t.await("the last message", r.last)
	r.mu.Lock()
	defer r.mu.Unlock()
	want := []string{"+a room", "+b room", "+c room", "-b room", "-c room", "+e room", "-a room"}
	if diff := cmp.Diff(want, r.news); diff != "" {
		t.Errorf("news (-want +got):\n%s", diff)
	}
}

func memberDetails(t *tester) {
	b := t.open().Broker()
	enter := func(details string) error {
		_, err := b.Move(t.ctx, backend.Change{Room: "room", Member: "a", Details: []byte(details)})
		return err
	}
	for _, details := range []string{`{"n":1}`, `{"name":"日本"}`, ``} {
		buffer := []byte(details)
		_, err := b.Move(t.ctx, backend.Change{Room: "room", Member: "a", Details: buffer})
		t.must(err)
		clear(buffer)
		members, _, err := b.Members(t.ctx, "room", 5)
		t.must(err)
		want := []backend.Member{{ID: "a", Node: testNode.ID, Details: []byte(details)}}
		if len(members) != 1 || members[0].ID != "a" || members[0].Node != want[0].Node || string(members[0].Details) != details {
			t.Errorf("Members = %+v, want %+v", members, want)
		}
	}
	t.must(enter(`"` + strings.Repeat("x", backend.MaxDetailsBytes-2) + `"`))
	t.wantError("Move with long details", enter(`"`+strings.Repeat("x", backend.MaxDetailsBytes-1)+`"`), backend.ErrTooLarge)
}

// moveMany moves more members in one call than a backend can handle in one step.
func moveMany(t *tester) {
	b := t.open().Broker()
	const n = 700
	var enter, leave []backend.Change
	for i := range n {
		member := fmt.Sprint("member ", i)
		for _, room := range []string{"a", "b", fmt.Sprint("room ", i)} {
			enter = append(enter, backend.Change{Room: room, Member: member})
			if room != "a" || i%2 == 0 {
				leave = append(leave, backend.Change{Room: room, Member: member, Leave: true})
			}
		}
	}
	want := func(want map[string]int) {
		t.Helper()
		for room, n := range want {
			t.eventually(fmt.Sprintf("room %s has %d members", room, n), func() bool { // a Move that takes long returns before its end
				_, total, err := b.Members(t.ctx, room, 0)
				return err == nil && total == n
			})
		}
	}
	t.move(b, enter...)
	want(map[string]int{"a": n, "b": n, "room 3": 1})
	t.move(b, leave...)
	want(map[string]int{"a": n / 2, "b": 0, "room 3": 0})
}
