package backendtest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/google/go-cmp/cmp"
)

// recorder records the messages that a broker delivers, and counts overlapping deliveries to one room.
type recorder struct {
	mu       sync.Mutex
	messages []backend.Message
	inRoom   map[string]int // the number of running deliveries by room
	overlaps int            // the number of deliveries that began during another delivery to the same room
	grown    chan struct{}  // receives a value after messages has grown
}

// newRecording returns a new backend that is not open, and the recorder of the messages that the backend delivers.
func (t *tester) newRecording() (backend.Backend, *recorder) {
	t.Helper()
	b := t.h.New(t.T)
	l := &recorder{inRoom: make(map[string]int), grown: make(chan struct{}, 1)}
	b.Broker().Subscribe(backend.Subscriber{Deliver: l.deliver})
	return b, l
}

// openRecording returns the broker of a new open backend, and the recorder of the messages that the broker delivers.
func (t *tester) openRecording() (backend.Broker, *recorder) {
	t.Helper()
	b, l := t.newRecording()
	t.mustOpen(b)
	return b.Broker(), l
}

// publish publishes a message. The test fails if that fails.
func (t *tester) publish(b backend.Broker, m backend.Message) backend.Position {
	t.Helper()
	at, err := b.Publish(t.ctx, m)
	t.must(err)
	return at
}

func (l *recorder) deliver(m backend.Message) (after func()) {
	l.mu.Lock()
	if l.inRoom[m.Room]++; l.inRoom[m.Room] > 1 {
		l.overlaps++
	}
	l.messages = append(l.messages, m)
	l.mu.Unlock()
	select {
	case l.grown <- struct{}{}:
	default:
	}
	l.mu.Lock()
	l.inRoom[m.Room]--
	l.mu.Unlock()
	return nil
}

// wait waits until at least n messages were delivered, and returns all delivered messages. After waitLimit the test
// fails.
func (l *recorder) wait(t *tester, n int) []backend.Message {
	t.Helper()
	deadline := time.NewTimer(waitLimit)
	defer deadline.Stop()
	for {
		l.mu.Lock()
		got := slices.Clone(l.messages)
		l.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-l.grown:
		case <-deadline.C:
			t.Fatalf("%d messages were delivered within %v, want %d", len(got), waitLimit, n)
		}
	}
}

// wantExactly waits until as many messages as in want were delivered, and then publishes a last message in the same
// room. The test fails unless exactly the messages in want and the last message were delivered, in this order.
func (l *recorder) wantExactly(t *tester, b backend.Broker, want []backend.Message) {
	t.Helper()
	l.wait(t, len(want))
	room := ""
	if len(want) > 0 {
		room = want[0].Room
	}
	last := backend.Message{Room: room, Body: []byte(`"the last message"`)}
	t.enter(b, room, "the last member")
	t.publish(b, last)
	got := l.wait(t, len(want)+1)
	if diff := cmp.Diff(format(append(slices.Clone(want), last)), format(got)); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

// format returns a readable text for each message, to compare messages in a test.
func format(messages []backend.Message) []string {
	list := make([]string, len(messages))
	for i, m := range messages {
		list[i] = fmt.Sprintf("%q in %q: %s", m.From, m.Room, m.Body)
	}
	return list
}

func orderOfMessages(t *tester) {
	b, l := t.openRecording()
	t.enter(b, "room", "member")
	var want []backend.Message
	for i := range 200 {
		m := backend.Message{Room: "room", From: "someone", Body: fmt.Appendf(nil, `{"message":%d}`, i)}
		want = append(want, m)
		t.publish(b, m)
	}
	l.wantExactly(t, b, want)
}

// publishConcurrently publishes messages from several goroutines. It checks that the messages of each publisher keep
// their order, that no message is lost or duplicated, and that the messages of a room are delivered one at a time.
func publishConcurrently(t *tester) {
	b, l := t.openRecording()
	const publishers, rooms, each = 8, 3, 60
	for i := range rooms {
		t.enter(b, fmt.Sprint("room ", i), "member")
	}
	var wg sync.WaitGroup
	for p := range publishers {
		wg.Go(func() {
			for i := range each {
				m := backend.Message{Room: fmt.Sprint("room ", i%rooms), From: fmt.Sprint(p), Body: fmt.Append(nil, i)}
				if _, err := b.Publish(t.ctx, m); err != nil {
					t.Errorf("Publish: %v", err)
				}
			}
		})
	}
	wg.Wait()
	got := make(map[string][]string) // by publisher and room
	for _, m := range l.wait(t, publishers*each) {
		got[m.From+" in "+m.Room] = append(got[m.From+" in "+m.Room], string(m.Body))
	}
	want := make(map[string][]string)
	for p := range publishers {
		for i := range each {
			key := fmt.Sprintf("%d in room %d", p, i%rooms)
			want[key] = append(want[key], fmt.Sprint(i))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("messages by publisher and room (-want +got):\n%s", diff)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.overlaps > 0 {
		t.Errorf("%d deliveries began during another one to the same room", l.overlaps)
	}
}

func oddMessages(t *tester) {
	b, l := t.openRecording()
	bodies := []string{`null`, `""`, `"\u0000\ud83d\ude80"`, `"日本 👩‍🚀"`, ` [ 1 , {"a":null} ] `, `1e400`}
	n := 0
	t.enter(b, "room", "member")
	for _, name := range oddNames {
		t.enter(b, name, "member")
		var want []backend.Message
		for _, body := range bodies {
			want = append(want, backend.Message{Room: name, From: name, Body: []byte(body)})
		}
		for _, m := range want {
			t.publish(b, m)
		}
		got := l.wait(t, n+len(want))[n:]
		if diff := cmp.Diff(format(want), format(got)); diff != "" {
			t.Errorf("messages in room %.40q (-want +got):\n%.2000s", name, diff)
		}
		n += len(want)
	}
	big := backend.Message{Room: "room", Body: []byte(`"` + strings.Repeat("x", 1<<20) + `"`)}
	t.publish(b, big)
	if got := l.wait(t, n+1)[n]; !bytes.Equal(got.Body, big.Body) {
		t.Errorf("a message of %d bytes came back different, with %d bytes", len(big.Body), len(got.Body))
	}
}

func noSubscriber(t *tester) {
	b := t.open().Broker()
	t.publish(b, backend.Message{Room: "room", Body: []byte("1")})
}

func roomTooLong(t *tester) {
	b, l := t.openRecording()
	long := strings.Repeat("r", backend.MaxKeyBytes+1)
	_, err := b.Publish(t.ctx, backend.Message{Room: long, Body: []byte("1")})
	t.wantError("Publish", err, backend.ErrKeyTooLong)
	t.wantError("Join of a long room name", enter(t.ctx, b, long, "member"), backend.ErrKeyTooLong)
	t.wantError("Join of a long member id", enter(t.ctx, b, "room", long), backend.ErrKeyTooLong)
	t.wantMembers(b, long)
	t.wantMembers(b, "room")
	l.wantExactly(t, b, nil)
}

// callsFromDelivery checks that a subscriber may call Join, Leave and Members during a delivery, and Publish in the
// function that is called after the delivery.
func callsFromDelivery(t *tester) {
	nb := t.h.New(t.T)
	b := nb.Broker()
	counted := make(chan int, 1)
	after := make(chan struct{})
	b.Subscribe(backend.Subscriber{Deliver: func(m backend.Message) func() {
		if m.Room != "room" {
			close(after)
			return nil
		}
		err := enter(t.ctx, b, m.Room, "second")
		if err == nil {
			err = leave(t.ctx, b, m.Room, "first")
		}
		_, total, err2 := b.Members(t.ctx, m.Room, 10)
		if err != nil || err2 != nil {
			t.Errorf("within a delivery: %v, %v", err, err2)
		}
		counted <- total
		return func() { t.publish(b, backend.Message{Room: "other", Body: []byte("2")}) }
	}})
	t.mustOpen(nb)
	t.enter(b, "room", "first")
	t.enter(b, "other", "first")
	t.publish(b, backend.Message{Room: "room", Body: []byte("1")})
	select {
	case n := <-counted:
		if n != 1 {
			t.Errorf("within a delivery the room had %d members, want 1", n)
		}
	case <-time.After(waitLimit):
		t.Fatalf("a delivery that joins and leaves rooms did not end within %v", waitLimit)
	}
	select {
	case <-after:
	case <-time.After(waitLimit):
		t.Fatalf("a message that was published after a delivery was not delivered within %v", waitLimit)
	}
	t.wantMembers(b, "room", "second")
}
