package check

import (
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

type position struct{ epoch, seq uint64 }

// message is a number with its position, and the line that proves it.
type message struct {
	room      string
	at        position
	placed    certain // a Publish that returned, or the first delivery
	delivered certain
	refused   ref
	intent    ref
	sent      time.Duration // when Publish was called
	doubtful  bool          // Publish has failed in doubt
}

// place is the message at a position of a room.
type place struct {
	number uint64
	first  certain
}

type connRoom struct{ conn, room string }

// listener is a connection in a room, as R1 sees it.
type listener struct {
	at    position
	ref   ref
	past  []uint64 // epochs that are over
	heard map[uint64]ref
	last  uint64 // the last message of a room without positions
}

// order is the state of R1.
type order struct {
	w         *world
	messages  map[uint64]*message
	places    map[string]map[position]place
	listeners map[connRoom]*listener
	chains    map[string]*chain
}

// newR1: the order of rooms.
func newR1(w *world) observer {
	o := &order{w, map[uint64]*message{}, map[string]map[position]place{}, map[connRoom]*listener{}, map[string]*chain{}}
	return observer{see: o.see, end: o.end}
}

func (o *order) see(e, intent *history.Event) {
	switch e.Kind {
	case history.KindPublishIntent:
		o.messages[e.Number] = &message{room: e.Subject, intent: refOf(e), sent: e.At}
	case history.KindPublish:
		if intent != nil {
			o.published(e, intent)
		}
	case history.KindDeliver:
		if m := o.known(e); m != nil {
			o.deliver(m, e)
		}
	case history.KindResume:
		if intent != nil && e.Outcome == history.OK {
			if l := o.listeners[connRoom{intent.Object, intent.Subject}]; l != nil {
				l.at = position{intent.Epoch, intent.Seq}
			}
		}
	}
}

func (o *order) published(e, intent *history.Event) {
	m := o.messages[intent.Number]
	if m == nil {
		return
	}
	switch {
	case e.Outcome == history.Refused:
		m.refused = refOf(e)
		if m.delivered.ref.line != 0 {
			o.w.accuse("R1", "a message is delivered whose Publish was refused", m.delivered.ref, refOf(e))
		}
	case e.Outcome == history.Unknown:
		m.doubtful = true
	case e.Outcome == history.OK && e.Epoch != 0:
		at := position{e.Epoch, e.Seq}
		if m.placed.ref.line != 0 && m.at != at {
			o.w.accuse("R1", "a message is delivered at another position than Publish returned", m.delivered.ref, refOf(e))
		}
		m.at, m.placed = at, certainOf(e)
	}
}

// known returns the message of a delivery, or accuses.
func (o *order) known(e *history.Event) *message {
	m := o.messages[e.Number]
	switch {
	case m == nil:
		o.w.accuse("R1", "a message is delivered that was never published", refOf(e))
		return nil
	case m.room != e.Subject:
		o.w.accuse("R1", "a message is delivered in another room than it was published in", m.intent, refOf(e))
		return nil
	case m.refused.line != 0:
		o.w.accuse("R1", "a message is delivered whose Publish was refused", m.refused, refOf(e))
	}
	return m
}

func (o *order) deliver(m *message, e *history.Event) {
	key := connRoom{e.Object, e.Subject}
	l := o.listeners[key]
	if l == nil {
		l = &listener{}
		o.listeners[key] = l
	}
	if e.Epoch == 0 {
		m.delivered = certainOf(e)
		o.unplaced(l, e)
		return
	}
	at := position{e.Epoch, e.Seq}
	if m.placed.ref.line != 0 && m.at != at {
		o.w.accuse("R1", "a message has two positions", m.placed.ref, refOf(e))
	}
	if m.placed.ref.line == 0 {
		m.at, m.placed = at, certainOf(e)
	}
	m.delivered = certainOf(e)
	o.agree(at, e)
	switch {
	case at.epoch == l.at.epoch && at.seq <= l.at.seq:
		o.w.accuse("R1", "a connection receives a position that is not above its last", l.ref, refOf(e))
		return
	case at.epoch != l.at.epoch && slices.Contains(l.past, at.epoch):
		o.w.accuse("R1", "a connection receives an epoch that was over", l.ref, refOf(e))
		return
	case at.epoch != l.at.epoch && l.at.epoch != 0:
		l.past = append(l.past, l.at.epoch)
	}
	l.at, l.ref = at, refOf(e)
}

// agree compares the message with the one that other connections received at this position.
func (o *order) agree(at position, e *history.Event) {
	room := o.places[e.Subject]
	if room == nil {
		room = map[position]place{}
		o.places[e.Subject] = room
	}
	p, ok := room[at]
	switch {
	case !ok:
		room[at] = place{e.Number, certainOf(e)}
	case p.number != e.Number:
		if f := o.lost(e.At, p.first.at, o.messages[p.number].sent, o.messages[e.Number].sent); f != nil {
			o.w.except("R1", "servers lost a delivered message and used its position again", p.first.ref, f.ref, refOf(e))
			return
		}
		o.w.accuse("R1", "two connections receive different messages at one position", p.first.ref, refOf(e))
	}
}

// lost returns a fault that began before until, and in which servers can have lost a message of one of these times. The
// message that was lost may be delivered last: a node that was paused reads it from its socket when it wakes.
func (o *order) lost(until time.Duration, times ...time.Duration) *window {
	for _, i := range o.w.faults.lossy {
		f := &o.w.faults.list[i]
		within := func(at time.Duration) bool { return f.from-lossBefore <= at && at <= f.to }
		if f.from <= until && slices.ContainsFunc(times, within) {
			return f
		}
	}
	return nil
}

// unplaced judges a delivery in a room without positions.
func (o *order) unplaced(l *listener, e *history.Event) {
	if l.heard == nil {
		l.heard = map[uint64]ref{}
	}
	if first, twice := l.heard[e.Number]; twice {
		o.w.accuse("R1", "a connection receives a message twice", first, refOf(e))
		return
	}
	l.heard[e.Number] = refOf(e)
	c := o.chains[e.Subject]
	if c == nil {
		c = &chain{after: map[[2]uint64]ref{}, next: map[uint64][]uint64{}, before: map[uint64]int{}}
		o.chains[e.Subject] = c
	}
	c.add(l.last, e)
	l.last = e.Number
}

func (o *order) end() {
	rooms := make([]string, 0, len(o.chains))
	for room := range o.chains {
		rooms = append(rooms, room)
	}
	slices.Sort(rooms)
	for _, room := range rooms {
		if refs := o.chains[room].cycle(o.ordered); len(refs) > 0 {
			o.w.accuse("R1", "no order of room "+room+" explains the orders of its connections", refs...)
		}
	}
}

// ordered reports whether the message takes part in the order of its room. A node that is cut off delivers its messages to
// its own connections at once, and Publish fails in doubt.
func (o *order) ordered(number uint64) bool {
	m := o.messages[number]
	return m != nil && !m.doubtful
}

// chain is the union of the orders in which the connections of a room received its messages.
type chain struct {
	after  map[[2]uint64]ref
	next   map[uint64][]uint64
	before map[uint64]int // the number of predecessors
}

func (c *chain) add(last uint64, e *history.Event) {
	if _, ok := c.before[e.Number]; !ok {
		c.before[e.Number] = 0
	}
	edge := [2]uint64{last, e.Number}
	if _, ok := c.after[edge]; ok || last == 0 {
		return
	}
	c.after[edge] = refOf(e)
	c.next[last] = append(c.next[last], e.Number)
	c.before[e.Number]++
}

// cycle returns some lines of the messages that no order explains, or none. It looks at the ordered messages only.
func (c *chain) cycle(ordered func(uint64) bool) (refs []ref) {
	for edge := range c.after {
		if !ordered(edge[0]) || !ordered(edge[1]) {
			delete(c.after, edge)
		}
	}
	clear(c.before)
	clear(c.next)
	for edge := range c.after {
		c.next[edge[0]] = append(c.next[edge[0]], edge[1])
		c.before[edge[0]] += 0
		c.before[edge[1]]++
	}
	var free []uint64
	for n, before := range c.before {
		if before == 0 {
			free = append(free, n)
		}
	}
	for len(free) > 0 {
		n := free[len(free)-1]
		free = free[:len(free)-1]
		delete(c.before, n)
		for _, m := range c.next[n] {
			if c.before[m]--; c.before[m] == 0 {
				free = append(free, m)
			}
		}
	}
	var left [][2]uint64
	for edge := range c.after {
		_, a := c.before[edge[0]]
		if _, b := c.before[edge[1]]; a && b {
			left = append(left, edge)
		}
	}
	slices.SortFunc(left, func(a, b [2]uint64) int { return slices.Compare(a[:], b[:]) })
	for _, edge := range left[:min(len(left), 6)] {
		refs = append(refs, c.after[edge])
	}
	return refs
}
