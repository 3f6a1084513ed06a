package redis

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/internal/rules"
)

var (
	moveScript    = newScript("presence_move", repeatable)
	membersScript = newScript("presence_members", repeatable)
)

// moveBatch is the maximum number of changes, or of members, that one script handles.
const moveBatch = 256

// moveLimit is the time for which Move waits for the server.
const moveLimit = time.Second

// presence is the part of a room that has its members. The fields members and ops are the desired state of this node: a
// goroutine, the flight, brings the server to it, and repeats that while the server cannot be reached. One flight at a time
// runs for a room, so the changes of a room reach the server in their order, and many at a time.
type presence struct {
	route   *route            // of the channel; nil until the first member enters
	members map[string]string // details by member
	ops     []op              // changes that the server does not have yet
	flying  bool
	inc     string        // the incarnation with which the members have been entered; empty: none was
	dirty   bool          // the server may have other members of this node than the room
	check   bool          // the position has to be compared
	gapDue  bool          // a member entered while the server could not be reached
	checked time.Time     // when the position was compared last
	census  census        // the last one
	missing missing       // news that may be missing
	empty   time.Time     // when the last member left
	closed  bool          // the backend closes
	failing bool          // the server refuses the members of the room for a reason that lasts
	verify  time.Duration // when, as uptime, no late command can change the members any more; 0: none is on its way
}

// census changes with each member that enters or leaves the room, unless all have left.
type census struct{ entry, members uint64 }

// missing says whether news about members may be missing. They have no numbers, so the census decides.
type missing uint8

const (
	missNone    missing = iota
	missSome            // the channel is not subscribed
	missBounded         // it is subscribed again, so a census from now on counts all that is missing
)

// op is a change of Move.
type op struct {
	backend.Change // without Details, which belong to the caller
	details        string
	isNew          bool // the member was not in the room before
	wait           *moveWait
	i              int // the index in wait.at
}

// moveWait waits for changes.
type moveWait struct {
	done chan struct{} // closed after the last change

	mu        sync.Mutex
	left      int
	abandoned bool // the caller waits no longer
	at        []backend.Position
	err       error
}

func newMoveWait(n, positions int) *moveWait {
	w := &moveWait{done: make(chan struct{}), left: n, at: make([]backend.Position, positions)}
	if n == 0 {
		close(w.done)
	}
	return w
}

// finish notes the end of a change. It returns false if the caller waits no longer.
func (w *moveWait) finish(i int, at backend.Position, err error) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at[i] = at
	if w.err == nil {
		w.err = err
	}
	if w.left--; w.left == 0 {
		close(w.done)
	}
	return !w.abandoned
}

func (w *moveWait) isAbandoned() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.abandoned
}

// wait waits until all changes have ended. It returns false if ctx ends before.
func (w *moveWait) wait(ctx context.Context) bool {
	select {
	case <-w.done:
		return true
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.abandoned = w.left > 0
	return !w.abandoned
}

func (b *broker) Move(ctx context.Context, changes ...backend.Change) (moved backend.Moved, err error) {
	entering := make(map[string]bool)
	for i := range changes {
		if err := rules.CheckChange(&changes[i]); err != nil {
			return backend.Moved{}, err
		}
		if !changes[i].Leave {
			entering[changes[i].Room] = true
		}
	}
	s, err := b.core.current()
	if err != nil {
		return backend.Moved{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, moveLimit)
	defer cancel()
	defer context.AfterFunc(s.life, cancel)()
	// Members enter rooms before they leave others, so that a room that refuses them changes nothing.
	moved.At = make([]backend.Position, len(changes))
	for _, enters := range []bool{true, false} {
		done, err := b.moveSome(ctx, changes, moved.At, func(c *backend.Change) bool { return entering[c.Room] == enters })
		if s.life.Err() != nil {
			return backend.Moved{}, backend.ErrClosed
		}
		if err != nil {
			b.undo(done)
			return backend.Moved{}, err
		}
	}
	return moved, nil
}

// moveSome makes the changes for which choose returns true, and sets their positions. If that fails, it returns the members
// that have entered.
func (b *broker) moveSome(ctx context.Context, changes []backend.Change, at []backend.Position, choose func(*backend.Change) bool) (entered []backend.Change, err error) {
	n := 0
	for i := range changes {
		if choose(&changes[i]) {
			n++
		}
	}
	w := newMoveWait(n, len(changes))
	byRoom, order := make(map[string][]op), make([]string, 0, 1)
	for i := range changes {
		if c := &changes[i]; choose(c) {
			if byRoom[c.Room] == nil {
				order = append(order, c.Room)
			}
			byRoom[c.Room] = append(byRoom[c.Room], op{Change: *c, wait: w, i: i})
		}
	}
	for _, name := range order {
		b.add(name, byRoom[name])
	}
	if !w.wait(ctx) {
		return nil, nil
	}
	if w.err == nil {
		for i := range changes {
			if choose(&changes[i]) && !changes[i].Leave {
				at[i] = w.at[i]
			}
		}
		return nil, nil
	}
	for i := range changes {
		if choose(&changes[i]) && !changes[i].Leave && w.at[i].Epoch != 0 {
			entered = append(entered, changes[i])
		}
	}
	return entered, w.err
}

// undo makes members leave the rooms that they have entered in a Move that failed.
func (b *broker) undo(entered []backend.Change) {
	for _, c := range entered {
		c.Leave = true
		b.add(c.Room, []op{{Change: c, wait: newMoveWait(1, 1)}})
	}
}

// add queues changes of one room.
func (b *broker) add(name string, ops []op) {
	for {
		r, err := b.room(name)
		if err != nil {
			for i := range ops {
				ops[i].wait.finish(ops[i].i, backend.Position{}, err)
			}
			return
		}
		if r.add(ops) {
			return
		}
	}
}

// add queues changes. It returns false if the broker has dropped the room.
func (r *room) add(ops []op) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return false
	}
	for _, o := range ops {
		if r.closed && !o.Leave {
			o.wait.finish(o.i, backend.Position{}, backend.ErrClosed)
			continue
		}
		_, was := r.members[o.Member]
		switch {
		case !o.Leave:
			o.isNew = !was
			o.details = string(o.Details)
			r.members[o.Member] = o.details
		case was:
			delete(r.members, o.Member)
		default:
			o.wait.finish(o.i, backend.Position{}, nil)
			continue
		}
		o.Details = nil
		r.ops = append(r.ops, o)
	}
	r.touched()
	return true
}

// touched starts the flight if there is something to do. The caller holds r.mu.
func (r *room) touched() {
	if len(r.members) == 0 {
		r.empty = time.Now()
	}
	if r.flying || len(r.ops) == 0 && !r.check && !r.dirty {
		return
	}
	if r.flying = r.broker.core.spawn(r.fly); !r.flying {
		r.end(r.ops, backend.Position{}, backend.ErrClosed)
		r.ops = nil
	}
}

// leaveAll makes all members of this node leave, and refuses others. It returns nil if there are none.
func (r *room) leaveAll() *moveWait {
	r.mu.Lock()
	members := maps.Clone(r.members)
	r.closed = true
	if r.dirty { // the server may have more of them
		r.broker.life.unsure.Store(true)
	}
	r.mu.Unlock()
	if len(members) == 0 {
		return nil
	}
	w, i := newMoveWait(len(members), len(members)), 0
	ops := make([]op, 0, len(members))
	for member := range members {
		ops = append(ops, op{Change: backend.Change{Room: r.name, Member: member, Leave: true}, wait: w, i: i})
		i++
	}
	if !r.add(ops) {
		return nil
	}
	return w
}

// interrupted notes that news may be missing from now on.
func (r *room) interrupted() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.missing = missSome
}

// counted compares the census with the last one. The argument bounded says whether all that is missing had happened when
// the server was asked. The caller holds r.mu.
func (r *room) counted(now census, bounded bool) {
	switch {
	case r.missing == missNone:
		r.census = now
	case r.missing == missBounded && bounded:
		if now != r.census {
			r.push(delivery{gap: true})
		}
		r.census, r.missing = now, missNone
	}
}

// resumed compares position and census, because messages may have been missed.
func (r *room) resumed() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.missing != missNone {
		r.missing = missBounded
	}
	if len(r.members) > 0 {
		r.check = true
		r.touched()
	} else {
		r.known, r.missing = false, missNone // the next member begins anew
	}
}

// tend is called every second. It reports whether the room can be dropped.
func (r *room) tend(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.resolve(now)
	r.verifyMembers()
	if len(r.members) == 0 {
		return r.isIdle(now)
	}
	if last := later(r.heard, r.checked); now.Sub(last) > checkInterval {
		r.check, r.checked = true, now
		r.touched()
	}
	return false
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// isIdle reports whether the room has had no member for some time. The caller holds r.mu.
func (r *room) isIdle(now time.Time) bool {
	return len(r.members) == 0 && !r.flying && len(r.ops) == 0 && r.verify == 0 && now.Sub(r.empty) >= keepRoom
}

// end ends changes. The caller holds r.mu.
func (r *room) end(ops []op, at backend.Position, err error) {
	for i := range ops {
		o := &ops[i]
		if err != nil && !o.Leave && !errors.Is(err, backend.ErrClosed) {
			r.revert(o)
		}
		position := at
		if o.Leave {
			position = backend.Position{}
		}
		if !o.wait.finish(o.i, position, err) && !o.Leave && err == nil {
			r.push(delivery{gap: true}) // the caller had no position
		}
	}
}

// revert removes a member that the server has refused. If the caller of Move waits no longer, it counts on the member, so
// the flight tries again. The caller holds r.mu.
func (r *room) revert(o *op) {
	switch {
	case o.wait.isAbandoned():
		r.dirty, r.gapDue = true, true
	case o.isNew:
		i := slices.IndexFunc(r.ops, func(later op) bool { return later.Member == o.Member })
		if i < 0 {
			delete(r.members, o.Member)
		} else if !r.ops[i].Leave { // this change decides now whether the member is there
			r.ops[i].isNew = true
		}
	}
}

// roomState is the state of a room at the server.
type roomState struct {
	at     backend.Position
	own    int // members of the incarnation
	census census
}

// runMove runs the script of the room with the changes. It returns the state after them. If again,
// the members were at the server before.
func (r *room) runMove(ctx context.Context, inc string, ops []op, again bool) (roomState, error) {
	b := r.broker
	keys := r.keys
	keys[1] = b.core.key(roomsKind, r.partition, inc)
	args := make([]string, 0, 7+3*len(ops))
	args = append(args, inc, r.name, strconv.Itoa(b.subscriber.Load().NewsLimit), r.session.publishCommand(),
		b.core.channel(r.session, roomKind, r.partition, r.name), strconv.FormatUint(newEpoch(), 10))
	for i := range ops {
		sign := "+"
		if ops[i].Leave {
			sign = "-"
		}
		args = append(args, sign, ops[i].Member, ops[i].details)
	}
	mode := ""
	if again {
		mode = "again"
	}
	reply, err := asWords(b.core.runNoting(ctx, r.isUnsure, moveScript, keys[:], append(args, mode)...))
	switch {
	case err != nil:
		return roomState{}, err
	case reply[0] == "dead":
		return roomState{}, errLapsed
	case len(reply) != 7:
		return roomState{}, errReply
	}
	var n [6]uint64
	for i := range n {
		if n[i], err = strconv.ParseUint(reply[i+1], 10, 64); err != nil {
			return roomState{}, err
		}
	}
	return roomState{backend.Position{Epoch: n[0], Seq: n[1], Tag: uint32(n[2])}, int(n[3]), census{n[4], n[5]}}, nil
}
