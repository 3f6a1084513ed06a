package redis

import (
	"slices"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// room is a room that has members on this node. The messages of its channel pass through chain, which finds the missing
// ones, into a queue. A goroutine delivers the queue while it is not empty.
type room struct {
	broker    *broker
	session   *session
	name      string
	partition int
	keys      [6]string // see presence_move; keys[1] depends on the incarnation

	mu   sync.Mutex
	gone bool // it was removed from the broker

	// Messages.
	queue     []delivery
	bytes     int  // of the messages in queue
	working   bool // a goroutine delivers the queue
	known     bool // last is set
	last      backend.Position
	settled   bool   // last came with a message; false: the server was asked, and earlier messages may arrive later
	tainted   uint64 // the epoch in which numbers were used twice
	tags      recent // of the last messages
	own       ownMessages
	held      []string // messages that came before last was known
	heldBytes int
	heldFull  bool // some did not fit
	heard     time.Time
	suspected [2]suspect // see compare

	presence
}

// delivery is an entry of the queue: a message, or a gap.
type delivery struct {
	message backend.Message
	gap     bool
}

// maxQueue and maxQueueBytes bound the messages of a room that wait for their delivery. Further ones are dropped, and a
// gap is delivered in their place.
const maxQueue, maxQueueBytes = 1024, 16 << 20

// recent has the last tags of messages.
type recent struct {
	tags [32]uint32
	next int
}

func (r *recent) add(tag uint32) {
	r.tags[r.next%len(r.tags)] = tag
	r.next++
}

func (r *recent) has(tag uint32) bool { return tag != 0 && slices.Contains(r.tags[:], tag) }

func newRoom(b *broker, s *session, name string) *room {
	p := partition(name)
	r := &room{broker: b, session: s, name: name, partition: p, heard: time.Now()}
	r.keys = [6]string{b.core.key(deadKind, p, ""), "", b.core.key(memberKind, p, name), b.core.key(orderKind, p, name), b.core.key(headKind, p, name), b.core.key(positionKind, p, name)}
	r.members = make(map[string]string)
	return r
}

// message gets the messages of the channel.
func (r *room) message(payload string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known {
		r.accept(payload)
		return
	}
	if len(r.held) >= maxQueue || r.heldBytes+len(payload) > maxQueueBytes {
		r.heldFull = true
		return
	}
	r.held = append(r.held, payload)
	r.heldBytes += len(payload)
}

// accept judges a message and queues it. The caller holds r.mu.
func (r *room) accept(payload string) {
	if payload == "" {
		return
	}
	switch payload[0] {
	case '+':
		r.hearNews()
		r.push(delivery{message: backend.Message{Room: r.name, From: payload[1:], Kind: backend.Entered}})
	case '-':
		r.hearNews()
		r.push(delivery{message: backend.Message{Room: r.name, From: payload[1:], Kind: backend.Left}})
	case 'm':
		m, err := parseSaid(payload[1:])
		if err != nil {
			r.push(delivery{gap: true})
			return
		}
		r.heard = time.Now()
		r.chain(m)
	}
}

// hearNews delivers a gap before the first news after an interruption, because earlier ones may be missing. The caller
// holds r.mu.
func (r *room) hearNews() {
	if r.missing != missNone {
		r.push(delivery{gap: true})
		r.missing = missNone
	}
}

// chain compares a message with the last one. A message follows if its number is the next one and it names the tag of the
// last one. The caller holds r.mu.
func (r *room) chain(m said) {
	delivered := r.own.hears(m.at.Tag)
	follows := m.at.Seq == r.last.Seq+1 && m.prev == r.last.Tag && (m.at.Epoch == r.last.Epoch || m.prev != 0)
	switch {
	case follows: // also with a new epoch, which renewEpoch has made
	case m.at.Epoch != r.last.Epoch || m.at.Seq > r.last.Seq+1:
		r.push(delivery{gap: true})
	case m.at.Seq <= r.last.Seq && (!r.settled || r.tags.has(m.at.Tag)):
		return // it is older than the position
	default:
		r.taint()
	}
	r.last, r.settled = m.at, true
	r.tags.add(m.at.Tag)
	if delivered {
		r.push(delivery{gap: true})
		return
	}
	at := m.at
	if at.Epoch == r.tainted {
		at = backend.Position{}
	}
	r.push(delivery{message: backend.Message{Room: r.name, From: m.from, Body: []byte(m.body), At: at}})
}

// taint notes that a failover has used numbers of the epoch twice. Until the room has another epoch, its messages have no
// positions. The caller holds r.mu.
func (r *room) taint() {
	r.push(delivery{gap: true})
	if r.tainted != r.last.Epoch {
		r.tainted = r.last.Epoch
		r.broker.renewEpoch(r, r.last.Epoch)
	}
}

// suspicion is the time in which a message may arrive that the position of the server counts already.
const suspicion = time.Second

// compare compares the position at the server with the last message of this node. The argument before is the last message
// when the server was asked. The caller holds r.mu.
func (r *room) compare(before, at backend.Position) {
	switch {
	case at.Epoch == 0:
	case !r.known:
		r.begin(at)
	case at.Epoch != r.last.Epoch && before.Epoch != r.last.Epoch: // a message with a new epoch came meanwhile
	case at.Epoch != r.last.Epoch && at.Seq == r.last.Seq && at.Tag == r.last.Tag && at.Tag != 0:
		r.last.Epoch = at.Epoch
	case at.Epoch != r.last.Epoch:
		r.push(delivery{gap: true})
		r.last, r.settled = at, false
	case at.Seq < before.Seq, at.Seq == r.last.Seq && at.Tag != r.last.Tag:
		r.taint()
		r.last, r.settled = at, false
	case at.Seq > r.last.Seq && r.isMissing(r.suspected[0].at):
		r.suspected[1] = suspect{at, time.Now()}
	case at.Seq > r.last.Seq:
		r.suspected = [2]suspect{{at, time.Now()}}
	}
}

// suspect is a position that the server had at a time, and that this node had not.
type suspect struct {
	at    backend.Position
	since time.Time
}

// isMissing reports whether the message at this position has not arrived. The caller holds r.mu.
func (r *room) isMissing(at backend.Position) bool {
	return at.Seq != 0 && r.last.Epoch == at.Epoch && r.last.Seq < at.Seq
}

// begin sets the position behind which this node gets the messages. The caller holds r.mu.
func (r *room) begin(at backend.Position) {
	held := r.held
	r.known, r.last, r.settled, r.held, r.heldBytes = true, at, false, nil, 0
	for _, payload := range held {
		r.accept(payload)
	}
	if r.heldFull {
		r.push(delivery{gap: true})
		r.heldFull = false
	}
}

// resolve tells a gap if a message that the server has counted has not arrived. The caller holds r.mu.
func (r *room) resolve(now time.Time) {
	for r.suspected[0].at.Seq != 0 && now.Sub(r.suspected[0].since) >= suspicion {
		if first := r.suspected[0].at; r.isMissing(first) {
			r.push(delivery{gap: true})
			r.last, r.settled = first, false
		}
		r.suspected = [2]suspect{r.suspected[1]} // a message may have been missed later than the first one
	}
}

// push queues a delivery. The caller holds r.mu.
func (r *room) push(d delivery) {
	if n := len(r.queue); n > 0 {
		if d.gap && r.queue[n-1].gap {
			return
		}
		if !d.gap && (n >= maxQueue || r.bytes+len(d.message.Body) > maxQueueBytes) {
			if d = (delivery{gap: true}); r.queue[n-1].gap {
				return
			}
		}
	}
	r.queue = append(r.queue, d)
	r.bytes += len(d.message.Body)
	if !r.working {
		r.working = r.broker.core.spawn(r.work)
	}
}
