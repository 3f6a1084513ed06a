//go:build linux

package run

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// rooms are the rooms of all clients. The first is the default room.
var rooms = []string{"defaultRoom", "hall", "attic"}

const newsLimit = 1000

// textOf returns the text of the message with this number, and numberOf the number in a text that contains it.
func textOf(number uint64) string { return "<" + formatNumber(number) + ">" }

func formatNumber(number uint64) string { return strconv.FormatUint(number, 10) }

func numberOf(text string) (uint64, bool) {
	_, rest, ok := strings.Cut(text, "<")
	digits, _, closed := strings.Cut(rest, ">")
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, ok && closed && err == nil
}

// recordedBroker records messages and members. The node itself sits in each room as a member of its own: the listener.
type recordedBroker struct {
	backend.Broker
	node *node

	mu    sync.Mutex
	rooms map[string]*fold
}

// fold is the list of a room that the news of this node add up to.
type fold struct {
	mu     sync.Mutex
	synced bool // the history has a list, to which news are added
	begun  int  // counts the beginnings
	news   []news

	in    bool // the history has the listener in the room
	early []backend.Message
}

type news struct {
	member string
	joined bool
}

func (b *recordedBroker) listener() string { return "listener-" + b.node.config.Name }

func (b *recordedBroker) fold(room string) *fold {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := b.rooms[room]
	if f == nil {
		f = &fold{}
		b.rooms[room] = f
	}
	return f
}

func (b *recordedBroker) Publish(ctx context.Context, m backend.Message) (backend.Position, error) {
	number, ok := numberOf(string(m.Body))
	if !ok {
		return b.Broker.Publish(ctx, m)
	}
	c := b.node.rec.PublishIntent(m.Room, number)
	at, err := b.Broker.Publish(ctx, m)
	if err != nil {
		recordError(c, err)
	} else {
		c.Done(at.Epoch, at.Seq)
	}
	return at, err
}

func (b *recordedBroker) Move(ctx context.Context, changes ...backend.Change) (backend.Moved, error) {
	ends := make([]func(at backend.Position), len(changes))
	calls := make([]failed, len(changes))
	for i, c := range changes {
		if c.Leave {
			call := b.node.rec.LeaveIntent(c.Room, c.Member)
			calls[i], ends[i] = call, func(backend.Position) { call.Done() }
		} else {
			call := b.node.rec.EnterIntent(c.Room, c.Member)
			calls[i], ends[i] = call, func(at backend.Position) { call.DoneAtLeast(at.Epoch, at.Seq) }
		}
	}
	moved, err := b.Broker.Move(ctx, changes...)
	for i := range changes {
		if err != nil {
			recordError(calls[i], err)
		} else {
			ends[i](moved.At[i])
		}
	}
	return moved, err
}

func (b *recordedBroker) Subscribe(s backend.Subscriber) {
	deliver, gap := s.Deliver, s.Gap
	s.Deliver = func(m backend.Message) func() {
		switch m.Kind {
		case backend.Entered, backend.Left:
			b.heardNews(m.Room, news{m.From, m.Kind == backend.Entered})
		case backend.Said:
			b.heard(m)
		}
		return deliver(m)
	}
	s.Gap = func(room string) {
		b.node.rec.Gap(room, b.listener())
		b.begin(room)
		gap(room)
	}
	b.Broker.Subscribe(s)
}

// heard records a message for the listener. Messages that come before its Enter is recorded wait for that.
func (b *recordedBroker) heard(m backend.Message) {
	f := b.fold(m.Room)
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.in {
		f.early = append(f.early, m)
		return
	}
	b.deliver(m)
}

func (b *recordedBroker) deliver(m backend.Message) {
	if number, ok := numberOf(string(m.Body)); ok {
		b.node.rec.Deliver(m.Room, b.listener(), m.At.Epoch, m.At.Seq, number)
	}
}

// enter makes the listener enter a room.
func (b *recordedBroker) enter(ctx context.Context, room string) {
	c := b.node.rec.EnterIntent(room, b.listener())
	moved, err := b.Broker.Move(ctx, backend.Change{Room: room, Member: b.listener()})
	f := b.fold(room)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		recordError(c, err)
		return
	}
	at := moved.At[0]
	c.Done(at.Epoch, at.Seq)
	for _, m := range f.early {
		if at.Epoch != 0 && m.At.Epoch == at.Epoch && m.At.Seq > at.Seq {
			b.deliver(m)
		}
	}
	f.in, f.early = true, nil
}

func (b *recordedBroker) heardNews(room string, n news) {
	f := b.fold(room)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.synced {
		b.node.rec.News(room, n.member, n.joined)
	} else {
		f.news = append(f.news, n)
	}
}

// begin makes the list begin anew, because news may be missing.
func (b *recordedBroker) begin(room string) {
	f := b.fold(room)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.synced, f.news = false, nil
	f.begun++
	b.node.rec.Unwatch(room)
}

// settleIn enters the rooms, and keeps the lists until ctx ends.
func (b *recordedBroker) settleIn(ctx context.Context) {
	for _, room := range rooms {
		b.enter(ctx, room)
		b.begin(room)
	}
	for i := 0; wait(ctx, 200*time.Millisecond); i++ {
		for _, room := range rooms {
			b.watch(ctx, room)
		}
		if i%5 == 0 {
			b.members(ctx, rooms[i/5%len(rooms)])
		}
	}
}

// watch begins a list if it has to begin. News that come while the list is read are newer than the list.
func (b *recordedBroker) watch(ctx context.Context, room string) {
	f := b.fold(room)
	f.mu.Lock()
	synced, begun := f.synced, f.begun
	f.news = nil
	f.mu.Unlock()
	if synced {
		return
	}
	list, _, err := b.list(ctx, room)
	if err != nil {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if begun != f.begun {
		return
	}
	for _, n := range f.news {
		list = slices.DeleteFunc(list, func(m string) bool { return m == n.member })
		if n.joined {
			list = append(list, n.member)
		}
	}
	b.node.rec.Watch(room, list)
	f.synced, f.news = true, nil
}

func (b *recordedBroker) list(ctx context.Context, room string) (list []string, total int, err error) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	members, total, err := b.Broker.Members(ctx, room, 10_000)
	for _, m := range members {
		list = append(list, m.ID)
	}
	return list, total, err
}

// members records the list of a room.
func (b *recordedBroker) members(ctx context.Context, room string) {
	c := b.node.rec.MembersIntent(room)
	list, total, err := b.list(ctx, room)
	if err != nil {
		recordError(c, err)
		return
	}
	c.Done(list, total)
}

// leave ends the membership of the listener.
func (b *recordedBroker) leave() {
	for _, room := range rooms {
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
		_, _ = b.Move(ctx, backend.Change{Room: room, Member: b.listener(), Leave: true})
		cancel()
	}
}

var _ failed = history.PublishCall{}
