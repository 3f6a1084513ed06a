package redis

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

// The kinds of the keys and of the channel of a room. All of a room are in the partition of its name.
const (
	memberKind   = "pm"   // details of the members
	orderKind    = "po"   // order of the members
	headKind     = "pc"   // numbers of members by incarnation
	positionKind = "pp"   // position of the last message
	deadKind     = "px"   // incarnations that are being removed, for each partition
	roomsKind    = "pr"   // rooms of an incarnation, for each partition
	roomKind     = "room" // the channel
)

var (
	publishScript = newScript("publish", once)
	epochScript   = newScript("epoch", repeatable)
)

// broker implements [backend.Broker]. It knows the rooms that have members on this node, and is subscribed to their
// channels.
type broker struct {
	core       *core
	life       *life
	router     *router
	cluster    *cluster
	subscriber atomic.Pointer[backend.Subscriber]
	cleaning   chan struct{} // receives a value when there are nodes whose members have to be removed
	slots      chan struct{} // has a value for each repair of a room that is running

	mu    sync.RWMutex
	open  bool
	rooms map[string]*room // rooms with members on this node, and those of the last seconds
	peak  int              // the largest number of rooms since the map was built
}

// maxRepairs is the number of rooms that are checked or entered again at a time.
const maxRepairs = 64

func newBroker(c *core, l *life, r *router) *broker {
	b := &broker{core: c, life: l, router: r, cleaning: make(chan struct{}, 1), slots: make(chan struct{}, maxRepairs)}
	b.subscriber.Store(&backend.Subscriber{})
	return b
}

func (b *broker) start() {
	b.mu.Lock()
	b.open, b.rooms, b.peak = true, make(map[string]*room), 0
	b.mu.Unlock()
	b.core.spawn(b.tend)
	b.core.spawn(b.clean)
}

func (b *broker) Subscribe(s backend.Subscriber) { b.subscriber.Store(&s) }

// newEpoch returns a random epoch. Its 52 bits are exact in a number of Lua.
func newEpoch() uint64 { return 1<<51 | rand.Uint64()>>13 }

// impatient is the time limit of a Publish while the server does not answer heartbeats.
const impatient = 500 * time.Millisecond

func (b *broker) Publish(ctx context.Context, m backend.Message) (at backend.Position, err error) {
	if err := rules.CheckName("room", m.Room); err != nil {
		return at, err
	}
	s, err := b.cluster.session()
	if err != nil {
		return at, err
	}
	limit := b.core.config.Timeout
	if b.life.silence() > nodeLease {
		limit = min(limit, impatient)
	}
	p, tag, r := partition(m.Room), rand.Uint32()|1, b.find(m.Room)
	r.sends(tag)
	reply, err := asWords(b.core.runWithin(ctx, limit, publishScript, []string{b.core.key(positionKind, p, m.Room), b.core.key(headKind, p, m.Room)},
		strconv.FormatUint(newEpoch(), 10), strconv.FormatUint(uint64(tag), 10), s.publishCommand(), b.core.channel(s, roomKind, p, m.Room), encodeSaid(m)))
	heard := r.sent(tag)
	switch {
	case errors.Is(err, errUnavailable):
		if r != nil && !heard {
			r.deliverLocally(m, tag, b.silent(), errors.Is(err, errUnknown))
		}
		return at, err
	case err != nil || reply[0] == "none":
		return at, err
	case len(reply) != 3:
		return at, errReply
	}
	at.Tag = tag
	var err1, err2 error
	at.Epoch, err1 = strconv.ParseUint(reply[1], 10, 64)
	at.Seq, err2 = strconv.ParseUint(reply[2], 10, 64)
	return at, errors.Join(err1, err2)
}

// encodeSaid returns the part of a message that the publisher makes: the length of the sender's id, the id and the body.
func encodeSaid(m backend.Message) string {
	return strconv.Itoa(len(m.From)) + ":" + m.From + string(m.Body)
}

var errMessage = errors.New("the message of a room is damaged, or a later version has published it")

// said is a message as it was published.
type said struct {
	at   backend.Position
	prev uint32 // the tag of the message before
	from string
	body string
}

// parseSaid reads a message in the form of the script publish, after the letter m.
func parseSaid(payload string) (m said, err error) {
	var fields [4]uint64
	for i := range fields {
		text, rest, ok := strings.Cut(payload, " ")
		if fields[i], err = strconv.ParseUint(text, 10, 64); err != nil || !ok {
			return m, errMessage
		}
		payload = rest
	}
	length, rest, ok := strings.Cut(payload, ":")
	n, err := strconv.Atoi(length)
	if err != nil || !ok || n < 0 || n > len(rest) {
		return m, errMessage
	}
	m.at = backend.Position{Epoch: fields[0], Seq: fields[1], Tag: uint32(fields[3])}
	m.prev, m.from, m.body = uint32(fields[2]), rest[:n], rest[n:]
	return m, nil
}

// silentAfterBeat is the age of the last heartbeat from which on the server counts as silent.
const silentAfterBeat = beatInterval + 500*time.Millisecond

// silent reports whether heartbeats are not answered.
func (b *broker) silent() bool { return b.life.silence() > silentAfterBeat }

func (b *broker) find(name string) *room {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.rooms[name]
}

// room returns the room with this name, which it creates if there is none.
func (b *broker) room(name string) (*room, error) {
	b.mu.RLock()
	found, open := b.rooms[name], b.open
	b.mu.RUnlock()
	if !open {
		return nil, backend.ErrClosed
	}
	if found != nil {
		return found, nil
	}
	s, err := b.core.current()
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return nil, backend.ErrClosed
	}
	r := b.rooms[name]
	if r == nil {
		r = newRoom(b, s, strings.Clone(name))
		b.rooms[r.name] = r
		b.peak = max(b.peak, len(b.rooms))
	}
	return r, nil
}

// list returns all rooms of this node.
func (b *broker) list() []*room {
	b.mu.RLock()
	defer b.mu.RUnlock()
	list := make([]*room, 0, len(b.rooms))
	for _, r := range b.rooms {
		list = append(list, r)
	}
	return list
}

const (
	keepRoom      = 5 * time.Second  // how long a room stays subscribed after its last member has left
	checkInterval = 25 * time.Second // how long a room may be without a message until its position is checked
	smallRooms    = 1024             // up to this number of rooms, the map of rooms keeps its memory
)

// tend drops rooms without members, and checks the rooms in which it is quiet.
func (b *broker) tend(ctx context.Context, _ *session) {
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		for _, r := range b.list() {
			if r.tend(now) {
				b.drop(r)
			}
		}
	}
}

// drop removes a room, unless a member has entered it meanwhile.
func (b *broker) drop(r *room) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isIdle(time.Now()) {
		return
	}
	r.gone = true
	if r.route != nil {
		b.router.forget(r.route)
	}
	delete(b.rooms, r.name)
	if b.peak > smallRooms && len(b.rooms)*4 < b.peak { // a map of Go never shrinks
		rooms := make(map[string]*room, len(b.rooms))
		maps.Copy(rooms, b.rooms)
		b.rooms, b.peak = rooms, len(rooms)
	}
}

// stop makes all members of this node leave. It returns whether the server has no member of this node any more.
func (b *broker) stop(ctx context.Context) (clean bool) {
	b.mu.Lock()
	b.open = false
	b.mu.Unlock()
	waits := make([]*moveWait, 0)
	for _, r := range b.list() {
		if w := r.leaveAll(); w != nil {
			waits = append(waits, w)
		}
	}
	clean = true
	for _, w := range waits {
		select {
		case <-w.done:
			clean = clean && w.err == nil
		case <-ctx.Done():
			return false
		}
	}
	return clean && !b.life.unsure.Load()
}

// renewEpoch gives a room another epoch, because numbers of messages were used twice.
func (b *broker) renewEpoch(r *room, old uint64) {
	b.core.spawn(func(ctx context.Context, _ *session) {
		var wait backoff
		for {
			_, err := asInt(b.core.run(ctx, epochScript, []string{r.keys[5]}, strconv.FormatUint(old, 10), strconv.FormatUint(newEpoch(), 10)))
			if !errors.Is(err, errUnavailable) || !wait.wait(ctx, ctx) {
				return
			}
		}
	})
}
