package check

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// logs are the messages of rooms with positions, which a failover loses: a new epoch begins.
type logs struct {
	epoch   uint64
	numbers map[string][]uint64
}

type member struct {
	inc uint64
}

const presenceLease = 6 * time.Second

// conn is a connection of a node in the rooms "r", with positions, and "p", without.
type conn struct {
	name    string
	in      bool // it wants to be in r
	live    bool // it receives
	leaving bool
	joined  bool // Enter has returned
	gap     bool // lost messages while it was not live
	version int
	base    position
	last    position
	buffer  []delivery
	plain   bool // in p
}

type delivery struct {
	room   string
	at     position
	number uint64
}

// inbox keeps what the servers have pushed to a node in order.
type inbox struct {
	queue    []func()
	unsub    bool
	watching bool
	version  int // of the last Watch
	news     []func()
}

func (s *sim) inbox(n *node) *inbox {
	if n.inbox == nil {
		n.inbox = &inbox{}
	}
	return n.inbox
}

func (s *sim) push(do func(n *node)) {
	for _, n := range s.nodes {
		if in := s.inbox(n); !in.unsub && !n.dead {
			in.queue = append(in.queue, func() { do(n) })
			s.on(n, s.now+s.between(100*time.Microsecond, 20*time.Millisecond), func() {
				if len(in.queue) > 0 {
					first := in.queue[0]
					in.queue = in.queue[1:]
					first()
				}
			})
		}
	}
}

func (s *sim) unsubscribe(n *node) {
	in := s.inbox(n)
	in.unsub, in.queue, in.news = true, nil, nil
}

func (s *sim) resubscribe(n *node) {
	if later := max(n.cut, s.down); later > s.now {
		s.on(n, later+time.Millisecond, func() { s.resubscribe(n) })
		return
	}
	s.inbox(n).unsub = false
	for _, c := range n.conns {
		switch {
		case c.live:
			s.emit(n, history.Event{Kind: history.KindGap, Subject: "r", Object: c.name})
		case c.in:
			c.gap = true
		}
		if c.plain {
			s.emit(n, history.Event{Kind: history.KindGap, Subject: "p", Object: c.name})
		}
	}
	s.watch(n)
}

func (s *sim) talk(n *node) {
	if s.log.numbers == nil {
		s.log.epoch, s.log.numbers = 1, map[string][]uint64{}
	}
	for i := range 3 {
		c := &conn{name: fmt.Sprintf("%s-%d", s.procs[n.proc].Name, i), plain: i < 2}
		n.conns = append(n.conns, c)
		if c.plain {
			s.call(n, history.Event{Kind: history.KindEnterIntent, Subject: "p", Object: c.name}, func() history.Event { return history.Event{Outcome: history.OK} }, nil)
		}
		s.enter(n, c)
		s.loop(n, 2*time.Second, 20*time.Second, func() { s.move(n, c) })
	}
	s.watch(n)
	s.loop(n, 50*time.Millisecond, 700*time.Millisecond, func() { s.publish(n) })
	s.loop(n, time.Second, 3*time.Second, func() { s.list(n) })
}

// move lets a connection leave and enter, or break off and resume.
func (s *sim) move(n *node, c *conn) {
	switch {
	case c.leaving:
	case !c.in:
		s.enter(n, c)
	case !c.live || s.now > s.end-TailWindow-10*time.Second:
	case s.chance(40):
		s.leave(n, c)
	default:
		c.live = false
		c.version++
		s.on(n, s.now+s.between(50*time.Millisecond, 2*time.Second), func() { s.resume(n, c) })
	}
}

func (s *sim) enter(n *node, c *conn) {
	c.in = true
	c.version++
	version := c.version
	c.buffer = nil
	var base position
	s.call(n, history.Event{Kind: history.KindEnterIntent, Subject: "r", Object: c.name}, func() history.Event {
		if _, alive := s.store.beat[n.inc]; !alive {
			return history.Event{} // until a pulse has brought the node back, with all its members
		}
		if c.version == version {
			s.enterMember(n, c)
			base = position{s.log.epoch, uint64(len(s.log.numbers["r"]))}
		}
		return history.Event{Outcome: history.OK, Epoch: base.epoch, Seq: base.seq}
	}, func(e history.Event) {
		if e.Outcome != history.OK {
			s.on(n, s.now+100*time.Millisecond, func() { s.enter(n, c) })
			return
		}
		c.base, c.last, c.joined = base, base, true
		s.goLive(n, c)
	})
}

// goLive delivers what came while the connection waited for an answer.
func (s *sim) goLive(n *node, c *conn) {
	c.live = true
	if c.gap {
		c.gap = false
		s.emit(n, history.Event{Kind: history.KindGap, Subject: "r", Object: c.name})
	}
	for _, d := range c.buffer {
		s.deliver(n, c, d)
	}
	c.buffer = nil
}

func (s *sim) deliver(n *node, c *conn, d delivery) {
	if d.room == "p" {
		if c.plain {
			s.emit(n, history.Event{Kind: history.KindDeliver, Subject: "p", Object: c.name, Number: d.number})
		}
		return
	}
	switch {
	case !c.in:
	case !c.live:
		c.buffer = append(c.buffer, d)
	case d.at.epoch > c.base.epoch || d.at.epoch == c.base.epoch && d.at.seq > c.base.seq:
		c.last = d.at
		s.emit(n, history.Event{Kind: history.KindDeliver, Subject: "r", Object: c.name, Epoch: d.at.epoch, Seq: d.at.seq, Number: d.number})
	}
}

func (s *sim) leave(n *node, c *conn) {
	c.in, c.live, c.joined, c.leaving = false, false, false, true
	c.version++
	version := c.version
	s.call(n, history.Event{Kind: history.KindLeaveIntent, Subject: "r", Object: c.name}, func() history.Event {
		if m, ok := s.store.members[c.name]; ok && c.version == version && m.inc == n.inc {
			s.removeMember(c.name)
		}
		return history.Event{Outcome: history.OK}
	}, func(e history.Event) {
		if e.Outcome != history.OK {
			s.on(n, s.now+100*time.Millisecond, func() { s.leave(n, c) })
			return
		}
		c.leaving = false
	})
}

func (s *sim) resume(n *node, c *conn) {
	if !c.in || c.live {
		return
	}
	from, version := c.last, c.version
	c.buffer, c.gap = nil, false
	var missed []uint64
	ok := false
	s.call(n, history.Event{Kind: history.KindResumeIntent, Subject: "r", Object: c.name, Epoch: from.epoch, Seq: from.seq}, func() history.Event {
		all := s.log.numbers["r"]
		if ok = from.epoch == s.log.epoch && !s.inbox(n).unsub; !ok {
			return history.Event{Outcome: history.NotRecovered}
		}
		missed = slices.Clone(all[from.seq:])
		return history.Event{Outcome: history.OK, Count: int64(len(missed))}
	}, func(e history.Event) {
		if e.Outcome == history.Unknown || c.version != version {
			s.on(n, s.now+100*time.Millisecond, func() { s.resume(n, c) })
			return
		}
		c.live = true
		if ok {
			c.base = from
			for i, number := range missed {
				s.deliver(n, c, delivery{"r", position{from.epoch, from.seq + uint64(i) + 1}, number})
			}
			c.base = c.last
		}
		s.goLive(n, c)
	})
}

func (s *sim) publish(n *node) {
	room := []string{"r", "r", "p"}[s.rng.IntN(3)]
	number := s.next()
	var at position
	sent := false
	s.call(n, history.Event{Kind: history.KindPublishIntent, Subject: room, Number: number}, func() history.Event {
		if !sent {
			sent = true
			if room == "r" {
				s.log.numbers["r"] = append(s.log.numbers["r"], number)
				at = position{s.log.epoch, uint64(len(s.log.numbers["r"]))}
			}
			s.push(func(n *node) {
				for _, c := range n.conns {
					s.deliver(n, c, delivery{room, at, number})
				}
			})
		}
		return history.Event{Outcome: history.OK, Epoch: at.epoch, Seq: at.seq}
	}, nil)
}

func (s *sim) enterMember(n *node, c *conn) {
	st := s.store
	if _, there := st.members[c.name]; !there {
		s.tell(c.name, 1)
	}
	st.members[c.name] = member{n.inc}
}

func (s *sim) removeMember(name string) {
	delete(s.store.members, name)
	s.tell(name, -1)
}

// tell pushes news. A node that reads the list keeps them until it has it.
func (s *sim) tell(name string, count int64) {
	s.push(func(n *node) {
		show := func() {
			s.emit(n, history.Event{Kind: history.KindNews, Subject: "r", Object: name, Count: count})
		}
		if in := s.inbox(n); in.watching {
			in.news = append(in.news, show)
		} else {
			show()
		}
	})
}

// enterAll enters all members of a node again, in the store's time of the call.
func (s *sim) enterAll(n *node) {
	s.call(n, history.Event{}, func() history.Event {
		if _, alive := s.store.beat[n.inc]; !alive {
			return history.Event{}
		}
		for _, c := range n.conns {
			if c.in && c.joined {
				s.enterMember(n, c)
			} else if m, ok := s.store.members[c.name]; ok && !c.in && m.inc == n.inc {
				s.removeMember(c.name)
			}
		}
		return history.Event{Outcome: history.OK}
	}, func(e history.Event) {
		if e.Outcome != history.OK {
			s.enterAll(n)
		}
	})
}

// clean removes the members of nodes whose presence has lapsed.
func (s *sim) clean() {
	st := s.store
	for _, inc := range sortedKeys(st.beat) {
		if st.clock-st.beat[inc] <= int64(presenceLease) {
			continue
		}
		delete(st.beat, inc)
		for _, name := range sortedKeys(st.members) {
			if st.members[name].inc == inc {
				s.removeMember(name)
			}
		}
	}
}

func (s *sim) listed() (names []string) {
	for _, name := range sortedKeys(s.store.members) {
		if _, alive := s.store.beat[s.store.members[name].inc]; alive {
			names = append(names, name)
		}
	}
	return names
}

func (s *sim) watch(n *node) {
	in := s.inbox(n)
	in.watching = true
	in.version++
	version := in.version
	var names []string
	s.call(n, history.Event{}, func() history.Event {
		names = s.listed()
		return history.Event{Outcome: history.OK}
	}, func(e history.Event) {
		switch {
		case in.version != version:
			return
		case e.Outcome != history.OK:
			s.watch(n)
			return
		}
		in.watching = false
		s.emit(n, history.Event{Kind: history.KindWatch, Subject: "r", Names: names})
		for _, show := range in.news {
			show()
		}
		in.news = nil
	})
}

func (s *sim) list(n *node) {
	s.call(n, history.Event{Kind: history.KindMembersIntent, Subject: "r"}, func() history.Event {
		names := s.listed()
		return history.Event{Outcome: history.OK, Names: names, Count: int64(len(names))}
	}, nil)
}

type lock struct {
	fence uint64
	token uint64 // fences may come again after a failover
	end   int64
}

// keep uses locks and the cache.
func (s *sim) keep(n *node) {
	s.loop(n, 200*time.Millisecond, 900*time.Millisecond, func() { s.lock(n) })
	s.loop(n, 100*time.Millisecond, 600*time.Millisecond, func() { s.cache(n) })
}

func (s *sim) lock(n *node) {
	key, ttl := fmt.Sprint("k", s.rng.IntN(2)), s.between(500*time.Millisecond, 3*time.Second)
	var mine uint64
	token := s.next()
	s.call(n, history.Event{Kind: history.KindLockIntent, Subject: key, Time: int64(ttl)}, func() history.Event {
		wall := int64(s.now + s.offset)
		l := s.store.locks[key]
		if mine == 0 && l.end > wall {
			return history.Event{Outcome: history.Refused}
		}
		if mine == 0 {
			mine = max(l.fence+1, uint64(wall)/1000)
			s.store.locks[key] = lock{mine, token, wall + int64(ttl)}
		}
		return history.Event{Outcome: history.OK, Fence: mine}
	}, func(e history.Event) {
		if e.Outcome == history.OK {
			s.on(n, s.now+s.between(0, 2*ttl), func() { s.unlock(n, key, mine, token) })
		}
	})
}

func (s *sim) unlock(n *node, key string, fence, token uint64) {
	s.call(n, history.Event{Kind: history.KindUnlockIntent, Subject: key, Fence: fence}, func() history.Event {
		if l := s.store.locks[key]; l.token == token {
			s.store.locks[key] = lock{fence: fence}
			return history.Event{Outcome: history.OK}
		}
		return history.Event{Outcome: history.Absent}
	}, nil)
}

func (s *sim) cache(n *node) {
	key := fmt.Sprint("c", s.rng.IntN(3))
	switch s.rng.IntN(6) {
	case 0:
		number := s.next()
		s.call(n, history.Event{Kind: history.KindSetIntent, Subject: key, Number: number}, func() history.Event {
			s.store.cache[key] = number
			delete(s.store.tokens, key)
			return history.Event{Outcome: history.OK}
		}, nil)
	case 1:
		clearAll := s.chance(20)
		subject := key
		if clearAll {
			subject = ""
		}
		s.call(n, history.Event{Kind: history.KindInvalidIntent, Subject: subject}, func() history.Event {
			for _, k := range sortedKeys(s.store.cache) {
				if strings.HasPrefix(k, subject) {
					delete(s.store.cache, k)
				}
			}
			for _, k := range sortedKeys(s.store.tokens) {
				if strings.HasPrefix(k, subject) {
					delete(s.store.tokens, k)
				}
			}
			return history.Event{Outcome: history.OK}
		}, nil)
	default:
		s.get(n, key)
	}
}

// get reads, and loads after a miss if it gets the token.
func (s *sim) get(n *node, key string) {
	token := s.next()
	s.call(n, history.Event{Kind: history.KindGetIntent, Subject: key}, func() history.Event {
		if number, ok := s.store.cache[key]; ok {
			return history.Event{Outcome: history.OK, Number: number}
		}
		s.store.tokens[key] = token
		return history.Event{Outcome: history.Absent}
	}, func(e history.Event) {
		if e.Outcome != history.Absent {
			return
		}
		number := s.next()
		s.emit(n, history.Event{Kind: history.KindLoad, Subject: key, Number: number})
		s.on(n, s.now+s.between(0, 300*time.Millisecond), func() {
			s.call(n, history.Event{}, func() history.Event {
				if s.store.tokens[key] == token {
					s.store.cache[key] = number
					delete(s.store.tokens, key)
				}
				return history.Event{Outcome: history.OK}
			}, nil)
		})
	})
}
