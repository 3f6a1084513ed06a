package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// errLapsed means that the members of this incarnation are being removed, so the node needs another one.
var errLapsed = fmt.Errorf("the lease of this node has lapsed: %w", errUnavailable)

// fly brings the server to the desired state of the room. It ends when there is nothing to do.
func (r *room) fly(ctx context.Context, _ *session) {
	var wait backoff
	for {
		r.mu.Lock()
		if ctx.Err() != nil || r.arrived() {
			r.flying = false
			if ctx.Err() != nil {
				r.end(r.ops, backend.Position{}, backend.ErrClosed)
				r.ops = nil
			}
			if len(r.members) == 0 {
				r.empty = time.Now()
			}
			r.mu.Unlock()
			return
		}
		inc := r.broker.life.incarnation()
		repair := r.inc != "" && r.inc != inc || r.dirty && len(r.ops) == 0
		r.mu.Unlock()
		var err error
		if repair {
			err = r.repair(ctx, inc)
		} else {
			err = r.step(ctx, inc)
		}
		switch {
		case err == nil:
			wait = backoff{}
			continue
		case errors.Is(err, errLapsed):
			signal(r.broker.life.beatIt)
		}
		r.away()
		if errors.Is(err, errUnavailable) {
			wait.wait(ctx, ctx)
		} else {
			r.fails(ctx, err)
		}
	}
}

// failPause is the time after which the members of a room are sent again that the server refuses.
const failPause = 5 * time.Second

// fails makes a pause, because the server refuses the members for a reason that lasts, for example a
// foreign value under a key of the room. Other rooms do not wait for this one.
func (r *room) fails(ctx context.Context, err error) {
	r.mu.Lock()
	first := !r.failing && ctx.Err() == nil
	r.failing = true
	r.mu.Unlock()
	if first {
		r.broker.core.config.Log.Warn("the members of a room cannot be stored, so other nodes may see the wrong ones", "room", r.name, "error", err.Error())
	}
	pause(ctx, jitter(failPause))
}

// arrived reports whether the server has the desired state. The caller holds r.mu.
func (r *room) arrived() bool {
	if len(r.ops) > 0 || r.dirty || r.check && len(r.members) > 0 {
		return false
	}
	r.check = false
	if len(r.members) == 0 {
		r.inc = "" // a later member enters with the incarnation of that time
	}
	return r.inc == "" || r.inc == r.broker.life.incarnation()
}

// away keeps only the changes for which a caller waits. The others are part of the desired state, which repair brings to
// the server.
func (r *room) away() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = slices.DeleteFunc(r.ops, func(o op) bool {
		if !o.wait.isAbandoned() {
			return false
		}
		r.dirty = true
		r.gapDue = r.gapDue || !o.Leave
		return true
	})
}

// step makes the next changes, or only compares the position.
func (r *room) step(ctx context.Context, inc string) error {
	r.mu.Lock()
	n := min(len(r.ops), moveBatch)
	ops := slices.Clone(r.ops[:n])
	subscribed := len(r.members) == 0 && !slices.ContainsFunc(ops, func(o op) bool { return !o.Leave })
	r.mu.Unlock()
	if !subscribed {
		if err := r.subscribe(ctx); err != nil {
			return err
		}
	}
	if n == 0 {
		r.broker.slots <- struct{}{}
		defer func() { <-r.broker.slots }()
	}
	known := r.snapshot(n)
	state, err := r.runMove(ctx, inc, ops, false)
	switch {
	case errors.Is(err, backend.ErrFull):
		err = r.refused(ctx, inc, ops, err)
	case err == nil || !errors.Is(err, errUnavailable):
		r.stepped(inc, ops, known, state, err)
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.check = r.check || known.check
	return err
}

// snapshot is what this node knows of a room when it asks the server.
type snapshot struct {
	last    backend.Position
	bounded bool // see missing
	check   bool // the position has to be compared
	members int  // at the server, if it is right; -1: this node does not know it
}

// snapshot returns what this node knows when it sends n changes. From then on, messages may be missed again.
func (r *room) snapshot(n int) snapshot {
	r.mu.Lock()
	defer r.mu.Unlock()
	known := snapshot{last: r.last, bounded: r.missing == missBounded, check: r.check, members: -1}
	if len(r.ops) == n {
		known.members = len(r.members)
	}
	r.check = false
	return known
}

// stepped notes the state of the room after the changes, or the error with which the server has refused them.
func (r *room) stepped(inc string, ops []op, known snapshot, state roomState, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ops = slices.Delete(r.ops, 0, len(ops))
	if err != nil { // a part of the changes may have been made
		r.dirty = true
		r.end(ops, backend.Position{}, err)
		return
	}
	r.inc, r.failing, r.checked = inc, false, time.Now()
	r.dirty = r.dirty || known.members >= 0 && state.own != known.members
	r.follow(known, state)
	r.end(ops, state.at, nil)
}

// follow compares the messages and members of this node with the state of the room at the server. The caller holds r.mu.
func (r *room) follow(known snapshot, state roomState) {
	r.compare(known.last, state.at)
	r.counted(state.census, known.bounded)
}

// refused makes those changes that a full memory permits, and ends the others with the error full.
func (r *room) refused(ctx context.Context, inc string, ops []op, full error) error {
	leaves := slices.DeleteFunc(slices.Clone(ops), func(o op) bool { return !o.Leave })
	if len(leaves) > 0 {
		if _, err := r.runMove(ctx, inc, leaves, false); err != nil {
			return err
		}
	}
	r.mu.Lock()
	r.ops = slices.Delete(r.ops, 0, len(ops))
	r.end(leaves, backend.Position{}, nil)
	r.end(slices.DeleteFunc(ops, func(o op) bool { return o.Leave }), backend.Position{}, full)
	dirty := r.dirty
	r.mu.Unlock()
	if dirty {
		pause(ctx, time.Second)
	}
	return nil
}

// subscribe waits until the channel of the room is subscribed.
func (r *room) subscribe(ctx context.Context) error {
	r.mu.Lock()
	if r.route == nil {
		r.route = r.broker.router.listen(r.broker.core.channel(r.session, roomKind, r.partition, r.name), r.partition, r)
	}
	ready := r.route.ready
	r.mu.Unlock()
	timer := time.NewTimer(r.broker.core.config.Timeout)
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-timer.C:
	case <-ctx.Done():
	}
	return fmt.Errorf("the channel of a room is not subscribed: %w", errUnavailable)
}

// repair makes the members that the server has for this node those of the room, whatever it had before.
func (r *room) repair(ctx context.Context, inc string) error {
	select {
	case r.broker.slots <- struct{}{}:
		defer func() { <-r.broker.slots }()
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	members := make([]op, 0, len(r.members))
	for id, details := range r.members {
		members = append(members, op{Change: backend.Change{Room: r.name, Member: id}, details: details})
	}
	exact, again := len(r.ops) == 0, r.inc != "" && r.inc != inc
	known := snapshot{last: r.last, bounded: r.missing == missBounded}
	r.dirty = false // changes that fail from here on set it again
	r.mu.Unlock()
	state, err := r.enterAll(ctx, inc, members, exact, again)
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case errors.Is(err, backend.ErrFull):
		r.dirty = true
		return fmt.Errorf("members cannot enter: %w: %w", err, errUnavailable)
	case err != nil:
		r.dirty = true
		return err
	}
	r.inc, r.failing = inc, false
	r.dirty = r.dirty || !exact
	r.follow(known, state)
	if r.gapDue {
		r.push(delivery{gap: true})
		r.gapDue = false
	}
	return nil
}

// enterAll enters the members. If exact, it makes all others of this incarnation leave. If again, the members were at the
// server before.
func (r *room) enterAll(ctx context.Context, inc string, members []op, exact, again bool) (state roomState, err error) {
	if len(members) > 0 {
		if err := r.subscribe(ctx); err != nil {
			return state, err
		}
	}
	for first := true; first || len(members) > 0; first = false {
		n := min(len(members), moveBatch)
		if state, err = r.runMove(ctx, inc, members[:n], again); err != nil {
			return state, err
		}
		members = members[n:]
	}
	r.mu.Lock()
	surplus := exact && state.own != len(r.members)
	r.mu.Unlock()
	if surplus {
		err = r.removeSurplus(ctx, inc)
	}
	return state, err
}

// removeSurplus makes the members of this incarnation leave that are not in the room on this node.
func (r *room) removeSurplus(ctx context.Context, inc string) error {
	for after := "0"; ; {
		page, err := r.broker.page(ctx, r.name, after, moveBatch)
		if err != nil {
			return err
		}
		var leave []op
		r.mu.Lock()
		for _, m := range page.members {
			if _, ok := r.members[m.id]; m.inc == inc && !ok {
				leave = append(leave, op{Change: backend.Change{Room: r.name, Member: m.id, Leave: true}})
			}
		}
		r.mu.Unlock()
		if len(leave) > 0 {
			if _, err := r.runMove(ctx, inc, leave, false); err != nil {
				return err
			}
		}
		if len(page.members) < moveBatch {
			return nil
		}
		after = page.next
	}
}

// reenter enters all members of this node with the incarnation inc. It returns false if the node has another incarnation
// by now, or the backend closes.
func (b *broker) reenter(ctx context.Context, inc string) bool {
	rooms := b.list()
	for len(rooms) > 0 {
		rooms = slices.DeleteFunc(rooms, func(r *room) bool { return r.hasEntered(inc) })
		if ctx.Err() != nil || b.life.incarnation() != inc {
			return false
		}
		if len(rooms) > 0 {
			pause(ctx, 10*time.Millisecond)
		}
	}
	return true
}

// hasEntered reports whether the members of the room have been entered with the incarnation inc. If they have not, it
// starts the flight.
func (r *room) hasEntered(inc string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.members) == 0 || r.failing || r.inc == inc && !r.dirty {
		return true
	}
	r.check = true
	r.touched()
	return false
}
