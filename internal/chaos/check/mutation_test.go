package check

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// mutant changes one correct history so that it breaks a law for certain. It returns false if the history has no place
// for the change.
type mutant struct {
	name  string
	laws  []string // one of them has to be broken
	apply func(m *mutable) bool
}

// mutable is a history that a mutant may change, with its dump.
type mutable struct {
	rng    *rand.Rand
	procs  []history.Process
	events []history.Event
	dump   *history.Dump
	faults *faults
}

// pick returns the index of a random event that ok accepts, or −1.
func (m *mutable) pick(ok func(i int, e *history.Event) bool) int {
	from := m.rng.IntN(len(m.events))
	for k := range m.events {
		i := (from + k) % len(m.events)
		if ok(i, &m.events[i]) {
			return i
		}
	}
	return -1
}

// after returns the index of the next event that ok accepts, or −1.
func (m *mutable) after(i int, ok func(e *history.Event) bool) int {
	for k := i + 1; k < len(m.events); k++ {
		if ok(&m.events[k]) {
			return k
		}
	}
	return -1
}

func (m *mutable) before(i int, ok func(e *history.Event) bool) int {
	for k := i - 1; k >= 0; k-- {
		if ok(&m.events[k]) {
			return k
		}
	}
	return -1
}

func (m *mutable) insert(i int, e history.Event) {
	m.events = slices.Insert(m.events, i, e)
}

func (m *mutable) intent(i int) *history.Event {
	o := m.events[i]
	k := m.before(i, func(e *history.Event) bool {
		return e.Proc == o.Proc && e.Call == o.Call && e.Kind == o.Kind.Answers()
	})
	return &m.events[k]
}

// calm reports whether no fault touches the time from 25 s before to 15 s after.
func (m *mutable) calm(at time.Duration) bool {
	for i := range m.faults.list {
		if m.faults.list[i].overlaps(at-25*time.Second, at+15*time.Second) {
			return false
		}
	}
	return true
}

func (m *mutable) livingNode(not int32, at time.Duration) int32 {
	for i := len(m.procs) - 1; i > 0; i-- {
		p := int32(i)
		first := slices.IndexFunc(m.events, func(e history.Event) bool { return e.Proc == p })
		last := m.before(len(m.events), func(e *history.Event) bool { return e.Proc == p && e.Kind != history.KindBye })
		if p != not && first >= 0 && m.events[first].At < at && m.events[last].At > at {
			return p
		}
	}
	return -1
}

func isEnd(e *history.Event) bool {
	return e.Kind == history.KindFinish && (e.Outcome == history.OK || e.Outcome == history.Already) && e.Result == history.Completed
}

var mutants = []mutant{
	{"a completed job is not in the store and its end was not recorded", []string{"T1"}, func(m *mutable) bool {
		i := m.pick(func(i int, e *history.Event) bool {
			return isEnd(e) && m.calm(e.At) && m.before(i, func(o *history.Event) bool {
				return o.Kind == history.KindEnqueue && o.Outcome == history.OK && slices.Contains(o.IDs, e.ID)
			}) >= 0
		})
		if i < 0 {
			return false
		}
		id := m.events[i].ID
		m.events = slices.DeleteFunc(m.events, func(e history.Event) bool {
			return e.ID == id && (e.Kind == history.KindFinish || e.Kind == history.KindFinishIntent || e.Kind == history.KindCancelIntent || e.Kind == history.KindCancel)
		})
		for s := range m.dump.Shards {
			m.dump.Shards[s].Jobs = slices.DeleteFunc(m.dump.Shards[s].Jobs, func(j history.Job) bool { return j.ID == id })
		}
		return true
	}},
	{"a completed job starts again", []string{"T2"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool { return isEnd(e) && m.calm(e.At) })
		if i < 0 {
			return false
		}
		start := m.before(i, func(e *history.Event) bool {
			return e.Kind == history.KindStart && e.ID == m.events[i].ID && e.Fence == m.events[i].Fence
		})
		again := m.events[start]
		again.Fence++
		again.At = m.events[i].At + 1
		m.insert(i+1, again)
		return true
	}},
	{"a start is doubled", []string{"T3"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool { return e.Kind == history.KindStart })
		m.insert(i+1, m.events[i])
		return true
	}},
	{"a fence is lower", []string{"T3"}, func(m *mutable) bool {
		i := m.pick(func(i int, e *history.Event) bool {
			return e.Kind == history.KindStart && m.calm(e.At) && m.before(i, func(o *history.Event) bool { return o.Kind == history.KindStart && o.ID == e.ID }) >= 0
		})
		if i < 0 {
			return false
		}
		m.events[i].Fence = 1
		return true
	}},
	{"a live run starts elsewhere", []string{"T4", "T5"}, func(m *mutable) bool {
		i := m.pick(func(i int, e *history.Event) bool {
			end := m.after(i, func(o *history.Event) bool {
				return o.Kind == history.KindFinishIntent && o.ID == e.ID && o.Fence == e.Fence
			})
			return e.Kind == history.KindStart && m.calm(e.At) && end > 0 && m.events[end].At > e.At+20*time.Millisecond && m.livingNode(e.Proc, e.At) > 0
		})
		if i < 0 {
			return false
		}
		again := m.events[i]
		again.Fence++
		again.Proc, again.Inc = m.livingNode(again.Proc, again.At), 1
		again.At++
		m.insert(i+1, again)
		return true
	}},
	{"a run is lost without a fault", []string{"T5"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool {
			return e.Kind == history.KindFinish && e.Outcome == history.OK && m.calm(e.At)
		})
		if i < 0 {
			return false
		}
		m.events[i].Outcome = history.Lost
		return true
	}},
	{"a job crashed without a fault", []string{"T5"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool {
			return e.Kind == history.KindStart && e.Count == 0 && e.At < 2500*time.Millisecond
		})
		if i < 0 {
			return false
		}
		m.events[i].Count = 1
		return true
	}},
	{"orphans never start again", []string{"T6", "T1"}, func(m *mutable) bool {
		for _, f := range m.faults.list {
			if f.Kind != history.FaultKill {
				continue
			}
			for i := range m.events {
				e := &m.events[i]
				if e.Kind != history.KindStart || e.Proc != f.proc {
					continue
				}
				next := m.after(i, func(o *history.Event) bool { return o.Kind == history.KindStart && o.Number == e.Number })
				if next < 0 || m.events[next].At < f.to || m.after(i, func(o *history.Event) bool {
					return o.ID == e.ID && o.Kind == history.KindFinishIntent && o.Fence == e.Fence
				}) > 0 {
					continue
				}
				number, id, from := e.Number, e.ID, e.At
				m.events = slices.DeleteFunc(m.events, func(o history.Event) bool {
					return o.At > from && (o.Number == number || o.ID == id) && o.Kind != history.KindEnqueue
				})
				for s := range m.dump.Shards {
					m.dump.Shards[s].Jobs = slices.DeleteFunc(m.dump.Shards[s].Jobs, func(j history.Job) bool { return j.ID == id })
				}
				return true
			}
		}
		return false
	}},
	{"a job starts under another id", []string{"T7"}, func(m *mutable) bool {
		i := m.pick(func(i int, e *history.Event) bool {
			if e.Kind != history.KindStart || m.before(i, func(o *history.Event) bool { return o.Kind == history.KindStart && o.ID == e.ID }) < 0 {
				return false
			}
			asked := m.before(i, func(o *history.Event) bool {
				return o.Kind == history.KindEnqueueIntent && slices.Contains(o.Numbers, e.Number)
			})
			return asked >= 0 && m.faults.forgets(m.events[asked].At, e.At) == nil // else its node may have sent it again
		})
		if i < 0 {
			return false
		}
		m.events[i].ID += 1 << 40
		return true
	}},
	{"a number was never enqueued", []string{"T7"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool { return e.Kind == history.KindStart })
		m.events[i].Number += 1 << 30
		return true
	}},
	{"a tick is won twice", []string{"T8"}, func(m *mutable) bool {
		i := m.pick(func(i int, e *history.Event) bool {
			return e.Kind == history.KindTick && e.Outcome == history.NotWon && m.calm(e.At) && m.before(i, func(o *history.Event) bool {
				return o.Kind == history.KindTick && o.Outcome == history.Won && m.calm(o.At)
			}) > 0
		})
		if i < 0 {
			return false
		}
		key := m.intent(i).Time
		won := slices.ContainsFunc(m.events, func(o history.Event) bool {
			return o.Kind == history.KindTickIntent && o.Time == key && slices.ContainsFunc(m.events, func(a history.Event) bool {
				return a.Kind == history.KindTick && a.Call == o.Call && a.Proc == o.Proc && a.Outcome == history.Won
			})
		})
		m.events[i].Outcome = history.Won
		m.events[i].ID = 1 << 50
		return won
	}},
	{"a cancelled job starts", []string{"T9"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool {
			return e.Kind == history.KindCancel && e.Outcome == history.OK && e.Result == history.Cancelled && m.calm(e.At)
		})
		if i < 0 {
			return false
		}
		m.insert(i+1, history.Event{At: m.events[i].At, Proc: m.events[i].Proc, Inc: m.events[i].Inc, Kind: history.KindStart, Number: m.events[i].Number, ID: m.events[i].ID, Fence: 1 << 60, Subject: "mail"})
		return true
	}},
	{"a node starts a task that it does not know", []string{"T9"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool { return e.Kind == history.KindStart })
		m.events[i].Subject = "other"
		return true
	}},
	{"a delivery is doubled", []string{"R1"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool { return e.Kind == history.KindDeliver })
		m.insert(i+1, m.events[i])
		return true
	}},
	{"two deliveries are swapped", []string{"R1", "R2"}, func(m *mutable) bool {
		i, k := m.two("r")
		if i < 0 {
			return false
		}
		a, b := &m.events[i], &m.events[k]
		a.Number, b.Number, a.Seq, b.Seq, a.Epoch, b.Epoch = b.Number, a.Number, b.Seq, a.Seq, b.Epoch, a.Epoch
		return true
	}},
	{"two deliveries of a room without positions are swapped", []string{"R1"}, func(m *mutable) bool {
		i, k := m.two("p")
		if i < 0 || !m.heardInOrder(i, k) {
			return false
		}
		m.events[i].Number, m.events[k].Number = m.events[k].Number, m.events[i].Number
		return true
	}},
	{"connections hear different messages", []string{"R1"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool { return e.Kind == history.KindDeliver && e.Subject == "r" })
		k := m.after(i, func(e *history.Event) bool { return e.Kind == history.KindPublishIntent && e.Subject == "r" })
		if k < 0 {
			return false
		}
		m.events[i].Number = m.events[k].Number
		return true
	}},
	{"a delivery between two others is missing", []string{"R2"}, func(m *mutable) bool {
		i, k := m.two("r")
		if i < 0 {
			return false
		}
		next := m.after(k, func(e *history.Event) bool { return m.sameConn(e, k) || m.breaks(e, k) })
		if next < 0 || m.events[next].Kind != history.KindDeliver {
			return false
		}
		m.events = slices.Delete(m.events, k, k+1)
		return true
	}},
	{"a list lacks a member", []string{"R3"}, func(m *mutable) bool {
		i := m.quietList()
		if i < 0 {
			return false
		}
		m.events[i].Names = m.events[i].Names[1:]
		m.events[i].Count--
		return true
	}},
	{"a total is wrong", []string{"R3"}, func(m *mutable) bool {
		i := m.quietList()
		if i < 0 {
			return false
		}
		m.events[i].Count++
		return true
	}},
	{"a list has a stranger", []string{"R3"}, func(m *mutable) bool {
		i := m.quietList()
		if i < 0 {
			return false
		}
		m.events[i].Names = append(slices.Clone(m.events[i].Names), "stranger")
		m.events[i].Count++
		return true
	}},
	{"news are doubled", []string{"R3"}, func(m *mutable) bool {
		i := m.pick(func(i int, e *history.Event) bool {
			w := m.before(i, func(o *history.Event) bool { return o.Kind == history.KindWatch && o.Proc == e.Proc })
			return e.Kind == history.KindNews && w >= 0 && m.events[w].At < e.At-watchSlack
		})
		if i < 0 {
			return false
		}
		m.insert(i+1, m.events[i])
		return true
	}},
	{"the fence of a lock is lower", []string{"S1"}, func(m *mutable) bool {
		i := m.pick(func(i int, e *history.Event) bool {
			return e.Kind == history.KindLock && e.Outcome == history.OK && m.calm(e.At) && m.before(i, func(o *history.Event) bool {
				return o.Kind == history.KindLock && o.Outcome == history.OK && o.At < m.intent(i).At && m.calm(o.At) && m.sameKey(o, i)
			}) >= 0
		})
		if i < 0 {
			return false
		}
		m.events[i].Fence = 1
		return true
	}},
	{"a lock has two holders", []string{"S1"}, func(m *mutable) bool {
		i := m.pick(func(i int, e *history.Event) bool {
			return e.Kind == history.KindLock && e.Outcome == history.OK && m.calm(e.At) && m.intent(i).Time > int64(time.Second)
		})
		if i < 0 {
			return false
		}
		intent := *m.intent(i)
		intent.Call, intent.At = 1<<40, m.events[i].At
		outcome := m.events[i]
		outcome.Call = 1 << 40
		outcome.Fence++
		m.insert(i+1, intent)
		m.insert(i+2, outcome)
		return true
	}},
	{"a value outlives its invalidation", []string{"S1"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool {
			return e.Kind == history.KindGet && e.Outcome == history.OK && m.calm(e.At)
		})
		if i < 0 {
			return false
		}
		at := m.intent(i).At
		key := m.intent(i).Subject
		for call, kind := range []history.Kind{history.KindInvalidIntent, history.KindInvalid} {
			m.events = append(m.events, history.Event{At: at - 2*time.Microsecond + time.Duration(call)*time.Microsecond, Proc: m.events[i].Proc, Call: 1 << 41, Kind: kind, Subject: []string{key, ""}[call], Outcome: []history.Outcome{0, history.OK}[call]})
		}
		value := m.before(i, func(e *history.Event) bool {
			return e.Number == m.events[i].Number && (e.Kind == history.KindLoad || e.Kind == history.KindSetIntent)
		})
		v := m.events[value]
		if v.Kind == history.KindLoad {
			return v.At < at-10*time.Microsecond
		}
		stored := m.after(value, func(e *history.Event) bool { return e.Kind == history.KindSet && e.Call == v.Call && e.Proc == v.Proc })
		return stored >= 0 && m.events[stored].Outcome == history.OK && m.events[stored].At < at-10*time.Microsecond
	}},
	{"an app has a number of another", []string{"A1"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool { return e.Kind == history.KindGet && e.Outcome == history.OK })
		m.events[i].Number |= 1 << 56
		return true
	}},
	{"a node ends on its own", []string{"RUN"}, func(m *mutable) bool {
		i := m.pick(func(_ int, e *history.Event) bool { return e.Kind == history.KindBye })
		m.events = slices.Delete(m.events, i, i+1)
		return true
	}},
	{"a job stands in two sets", []string{"T10"}, func(m *mutable) bool {
		s := &m.dump.Shards[0]
		if len(s.Ended) == 0 {
			return false
		}
		s.Ready = append(s.Ready, s.Ended[m.rng.IntN(len(s.Ended))])
		return true
	}},
	{"a room counts a member too many", []string{"R4"}, func(m *mutable) bool {
		m.dump.Rooms = []history.Room{{Name: "r", Counts: map[uint64]int64{1: 1}}}
		return true
	}},
}

// two returns two deliveries to one connection that follow each other without a break.
func (m *mutable) two(room string) (int, int) {
	for range 20 {
		i := m.pick(func(_ int, e *history.Event) bool {
			return e.Kind == history.KindDeliver && e.Subject == room && m.calm(e.At)
		})
		if i < 0 {
			return -1, -1
		}
		k := m.after(i, func(e *history.Event) bool { return m.sameConn(e, i) || m.breaks(e, i) })
		if k > 0 && m.events[k].Kind == history.KindDeliver {
			return i, k
		}
	}
	return -1, -1
}

func (m *mutable) sameConn(e *history.Event, i int) bool {
	return e.Kind == history.KindDeliver && e.Object == m.events[i].Object && e.Subject == m.events[i].Subject
}

// breaks reports whether the event may end the order of the connection of delivery i.
func (m *mutable) breaks(e *history.Event, i int) bool {
	return e.Object == m.events[i].Object && (e.Kind == history.KindGap || e.Kind == history.KindEnterIntent || e.Kind == history.KindLeaveIntent || e.Kind == history.KindResumeIntent)
}

// heardInOrder reports whether another connection received the messages of both deliveries in this order.
func (m *mutable) heardInOrder(i, k int) bool {
	a, b := m.events[i], m.events[k]
	first := map[string]bool{}
	for _, e := range m.events {
		if e.Kind != history.KindDeliver || e.Object == a.Object {
			continue
		}
		if e.Number == a.Number {
			first[e.Object] = true
		}
		if e.Number == b.Number && first[e.Object] {
			return true
		}
	}
	return false
}

func (m *mutable) sameKey(o *history.Event, i int) bool {
	for k := range m.events {
		if &m.events[k] == o {
			return m.intent(k).Subject == m.intent(i).Subject
		}
	}
	return false
}

// quietList returns a list in the quiet phase whose first member has been there for long.
func (m *mutable) quietList() int {
	return m.pick(func(i int, e *history.Event) bool {
		if e.Kind != history.KindMembers || e.Outcome != history.OK || len(e.Names) == 0 || !m.calm(e.At) {
			return false
		}
		move := m.before(len(m.events), func(o *history.Event) bool {
			return o.Object == e.Names[0] && (o.Kind == history.KindEnterIntent || o.Kind == history.KindLeaveIntent)
		})
		return move >= 0 && m.events[move].Kind == history.KindEnterIntent && m.events[move].At < e.At-5*time.Second
	})
}

// TestEachMutationThatBreaksALawIsFound changes correct histories. The package comment lists the changes that no checker
// can find.
func TestEachMutationThatBreaksALawIsFound(t *testing.T) {
	t.Parallel()
	applied := map[string]int{}
	for seed := range uint64(max(4, *simRuns/4)) {
		h, dump := simulate(seed, simLength)
		for i, mut := range mutants {
			m := &mutable{rng: rand.New(rand.NewPCG(seed, uint64(i))), procs: h.Processes(), dump: copyDump(dump)}
			if err := h.Each(func(e *history.Event) error { m.events = append(m.events, e.Clone()); return nil }); err != nil {
				t.Fatal(err)
			}
			w, err := newWorld(h, Options{})
			if err != nil {
				t.Fatal(err)
			}
			m.faults = &w.faults
			if !mut.apply(m) {
				continue
			}
			applied[mut.name]++
			r, err := Run(history.NewMemory(m.procs, m.events), Options{Dump: m.dump})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.ContainsFunc(mut.laws, func(law string) bool { return r.Count[law] > 0 }) {
				t.Errorf("seed %d: %s: found %v, want one of %v", seed, mut.name, r.Count, mut.laws)
			}
		}
	}
	for _, mut := range mutants {
		if applied[mut.name] == 0 {
			t.Errorf("no history had a place for: %s", mut.name)
		}
	}
}

func copyDump(d *history.Dump) *history.Dump {
	c := *d
	c.Shards = slices.Clone(d.Shards)
	for i := range c.Shards {
		s := &c.Shards[i]
		s.Jobs, s.Ready, s.Ended = slices.Clone(s.Jobs), slices.Clone(s.Ready), slices.Clone(s.Ended)
	}
	return &c
}
