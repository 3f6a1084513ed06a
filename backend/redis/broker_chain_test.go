package redis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// chainRoom returns a room of a backend that is not open, so its queue keeps all deliveries.
func chainRoom() *room {
	b := New(Config{Log: quiet})
	r := newRoom(b.broker, &session{}, "room")
	r.route = &route{}
	return r
}

// position returns the position of message s with the tag t in epoch e.
func position(e, s uint64, t uint32) backend.Position {
	return backend.Position{Epoch: e, Seq: s, Tag: t}
}

// wire is a message with the position at behind the message with the tag prev, as it is published.
func wire(at backend.Position, prev uint32) string {
	return fmt.Sprintf("m%d %d %d %d 1:abody", at.Epoch, at.Seq, prev, at.Tag)
}

// queued returns the queue as text: the numbers of messages, 0 for one without a position, and ! for a gap.
func (r *room) queued() string {
	var list []string
	for _, d := range r.queue {
		if d.gap {
			list = append(list, "!")
		} else {
			list = append(list, fmt.Sprint(d.message.At.Seq))
		}
	}
	return strings.Join(list, " ")
}

func TestEachMissingMessageIsReported(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		messages []string
		want     string
	}{
		"in order":          {[]string{wire(position(7, 101, 6), 5), wire(position(7, 102, 9), 6)}, "101 102"},
		"one is missing":    {[]string{wire(position(7, 101, 6), 5), wire(position(7, 103, 9), 8)}, "101 ! 103"},
		"the first missing": {[]string{wire(position(7, 102, 9), 6)}, "! 102"},
		"older ones":        {[]string{wire(position(7, 99, 3), 2), wire(position(7, 100, 5), 3), wire(position(7, 101, 6), 5)}, "101"},
		"twice":             {[]string{wire(position(7, 101, 6), 5), wire(position(7, 101, 6), 5), wire(position(7, 102, 7), 6)}, "101 102"},
		"another epoch":     {[]string{wire(position(8, 1, 6), 0), wire(position(8, 2, 7), 6)}, "! 1 2"},
		"a renewed epoch":   {[]string{wire(position(9, 101, 6), 5)}, "101"},
		// A replica that had message 99 only has become the master.
		"numbers used twice":                       {[]string{wire(position(7, 101, 6), 5), wire(position(7, 100, 8), 4), wire(position(7, 101, 9), 8)}, "101 ! 0 0"},
		"another message with next":                {[]string{wire(position(7, 101, 6), 4)}, "! 0"},
		"numbers used twice and renewed":           {[]string{wire(position(7, 101, 6), 5), wire(position(7, 101, 8), 4), wire(position(9, 102, 9), 8)}, "101 ! 0 102"},
		"another epoch of a room without messages": {[]string{wire(position(8, 1, 6), 0)}, "! 1"},
		"damaged": {[]string{"m1 2", wire(position(7, 101, 6), 5)}, "! 101"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, from := chainRoom(), position(7, 100, 5)
			r.message(test.messages[0]) // it waits until the position is known
			if len(r.queue) > 0 {
				t.Fatal("a message is delivered before the position is known")
			}
			if strings.Contains(name, "without messages") {
				from = position(7, 0, 0)
			}
			r.begin(from)
			for _, m := range test.messages[1:] {
				r.message(m)
			}
			if got := r.queued(); got != test.want {
				t.Errorf("delivered: %q, want %q", got, test.want)
			}
		})
	}
}

func TestTheCheckOfThePositionFindsGaps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		at     backend.Position // at the server
		during []string         // messages that arrive while the server answers
		after  []string         // messages that arrive a little later
		want   string
	}{
		"nothing missing":          {position(7, 100, 5), nil, nil, ""},
		"missing":                  {position(7, 103, 8), nil, nil, "!"},
		"on their way":             {position(7, 101, 6), nil, []string{wire(position(7, 101, 6), 5)}, "101"},
		"newer than the answer":    {position(7, 100, 5), []string{wire(position(7, 101, 6), 5)}, nil, "101"},
		"another epoch":            {position(8, 3, 6), nil, nil, "!"},
		"a renewed epoch":          {position(8, 100, 5), nil, []string{wire(position(8, 101, 6), 5)}, "101"},
		"the server went back":     {position(7, 99, 4), nil, nil, "!"},
		"another message":          {position(7, 100, 6), nil, nil, "!"},
		"room without any message": {backend.Position{}, nil, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := chainRoom()
			r.begin(position(7, 99, 4))
			r.message(wire(position(7, 100, 5), 4))
			r.queue = nil
			before := r.last
			for _, m := range test.during {
				r.message(m)
			}
			r.compare(before, test.at)
			for _, m := range test.after {
				r.message(m)
			}
			r.resolve(time.Now().Add(2 * suspicion))
			if got := r.queued(); got != test.want {
				t.Errorf("delivered: %q, want %q", got, test.want)
			}
		})
	}
}

// TestALocalMessageIsDeliveredOnce loses the answers to many messages of one room, which the server has published before,
// or publishes later.
func TestALocalMessageIsDeliveredOnce(t *testing.T) {
	t.Parallel()
	const n = 500
	for _, test := range []struct {
		name         string
		local, heard int // the order of the two
	}{{"the messages come first", 1, 0}, {"the messages come later", 0, 1}} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := chainRoom()
			r.begin(position(7, 0, 0))
			for tag := range uint32(n) {
				r.sends(tag + 1)
			}
			for step := range 2 {
				for i := range uint32(n) {
					if step == test.heard {
						r.message(wire(position(7, uint64(i)+1, i+1), i))
					} else if !r.sent(i + 1) {
						r.deliverLocally(backend.Message{Room: "room"}, i+1, true, true)
					}
				}
			}
			said := 0
			for _, d := range r.queue {
				if !d.gap {
					said++
				}
			}
			if said != n {
				t.Errorf("%d messages are delivered, want %d", said, n)
			}
			if len(r.own.sending)+len(r.own.local) > 0 {
				t.Errorf("%d and %d tags are left", len(r.own.sending), len(r.own.local))
			}
		})
	}
}

// If Publish fails while the node hears the server, for example because the caller has gone, the subscription brings the
// message, with its position.
func TestAMessageIsDeliveredLocallyOnlyIfTheNodeIsCutOff(t *testing.T) {
	t.Parallel()
	r := chainRoom()
	r.begin(position(7, 100, 5))
	r.deliverLocally(backend.Message{Room: "room"}, 6, false, true)
	r.message(wire(position(7, 101, 6), 5))
	r.interrupted()
	r.deliverLocally(backend.Message{Room: "room"}, 7, false, true)
	if got := r.queued(); got != "101 0" {
		t.Errorf("delivered: %q, want \"101 0\"", got)
	}
}

func TestASlowSubscriberGetsAGapAndBoundedMemory(t *testing.T) {
	t.Parallel()
	r := chainRoom()
	r.begin(position(7, 0, 0))
	for i := range uint32(3 * maxQueue) {
		r.message(wire(position(7, uint64(i)+1, i+1), i))
	}
	if n := len(r.queue); n != maxQueue+1 || !r.queue[n-1].gap {
		t.Errorf("%d deliveries are queued, want %d messages and a gap", n, maxQueue)
	}
	r.queue, r.bytes = nil, 0
	for i := range uint32(3 * maxQueue) {
		r.message(wire(position(8, uint64(i)+1, i+1), i) + strings.Repeat("x", maxQueueBytes/10))
	}
	if n := len(r.queue); n > 20 || !r.queue[n-1].gap {
		t.Errorf("%d large deliveries are queued", n)
	}
}

// TestALateMessageHidesNoMissingOne asks the server while a message is on its way, and again after another one was missed.
func TestALateMessageHidesNoMissingOne(t *testing.T) {
	t.Parallel()
	for name, late := range map[string]bool{"the first one comes late": true, "the first one is missing, too": false} {
		r := chainRoom()
		r.begin(position(7, 0, 0))
		r.compare(r.last, position(7, 1, 1))
		want := "!"
		if late {
			r.message(wire(position(7, 1, 1), 0))
			want = "1 !"
		}
		r.compare(r.last, position(7, 2, 2))
		r.resolve(time.Now().Add(2 * suspicion))
		if got := r.queued(); got != want || r.last.Seq != 2 {
			t.Errorf("%s: delivered %q up to %d, want %q up to 2", name, got, r.last.Seq, want)
		}
	}
}
