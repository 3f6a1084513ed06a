//go:build unix

package redis

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// presenceModel is the truth about the rooms of a test, next to the keys of the server.
type presenceModel struct {
	t     *testing.T
	b     *Backend
	r     *rand.Rand
	rooms []string

	entry   int
	members map[string]map[string]modelMember // by room and member
	dead    map[string]map[int]bool           // the partitions in which the removal of an incarnation has begun
	live    []string
	news    map[string][]string // the news that the scripts must have published, by room
}

type modelMember struct {
	inc   string
	entry int
}

func (m *presenceModel) keys(room, inc string) []string {
	c, p := m.b.core, partition(room)
	return []string{c.key(deadKind, p, ""), c.key(roomsKind, p, inc), c.key(memberKind, p, room), c.key(orderKind, p, room), c.key(headKind, p, room), c.key(positionKind, p, room)}
}

// journal is a list that takes the place of the channel of a room, so that the test reads all news.
func (m *presenceModel) journal(room string) string {
	return m.b.core.key("journal", partition(room), room)
}

const modelLimit = 4 // of news

func (m *presenceModel) args(inc, room string) []string {
	return []string{inc, room, strconv.Itoa(modelLimit), "RPUSH", m.journal(room)}
}

// move runs presence_move with random changes, some of them twice as after a lost answer, and applies them to the model.
func (m *presenceModel) move(inc string) {
	m.t.Helper()
	room := m.rooms[m.r.IntN(len(m.rooms))]
	args, enters := append(m.args(inc, room), "7"), false
	type change struct {
		sign, member string
	}
	var changes []change
	for range 1 + m.r.IntN(3) {
		c := change{"+", fmt.Sprint("m", m.r.IntN(8))}
		if m.r.IntN(2) == 0 {
			c.sign = "-"
		}
		enters = enters || c.sign == "+"
		changes = append(changes, c)
		args = append(args, c.sign, c.member, "details of "+inc)
	}
	repeats := 1
	if !slices.ContainsFunc(changes, func(c change) bool { return c.sign != changes[0].sign }) {
		repeats += m.r.IntN(2) // a mixed batch that runs twice has its effects twice
	}
	for range repeats {
		reply, err := asWords(m.b.core.run(m.t.Context(), moveScript, m.keys(room, inc), append(args, "")...))
		if err != nil {
			m.t.Fatal(err)
		}
		if dead := enters && m.dead[inc][partition(room)]; dead != (reply[0] == "dead") {
			m.t.Fatalf("changes %v of %s in %s, whose removal has begun: %t, give %q", changes, inc, room, dead, reply)
		}
		if reply[0] == "dead" {
			return
		}
		for _, c := range changes {
			m.apply(inc, room, c.sign, c.member)
		}
		if own := m.count(room, inc); reply[4] != strconv.Itoa(own) {
			m.t.Fatalf("%s has %s members in %s, want %d", inc, reply[4], room, own)
		}
	}
}

func (m *presenceModel) apply(inc, room, sign, member string) {
	members := m.members[room]
	old, was := members[member]
	switch {
	case sign == "+" && !was:
		m.entry++
		members[member] = modelMember{inc, m.entry}
		m.expect(room, "+"+member)
	case sign == "+":
		members[member] = modelMember{inc, old.entry}
	case was && old.inc == inc:
		delete(members, member)
		m.expect(room, "-"+member)
	}
}

// expect notes news of a change that has been made.
func (m *presenceModel) expect(room, news string) {
	if n := len(m.members[room]); n > 0 && n <= modelLimit {
		m.news[room] = append(m.news[room], news)
	}
}

func (m *presenceModel) count(room, inc string) (n int) {
	for _, member := range m.members[room] {
		if member.inc == inc {
			n++
		}
	}
	return n
}

// cleanStep makes one step of the removal of an incarnation: any cleaner may make it, at any time and twice.
func (m *presenceModel) cleanStep(inc string, limit int) (done bool) {
	m.t.Helper()
	done = true
	for _, room := range m.rooms {
		p := partition(room)
		rooms, err := asWords(m.b.core.run(m.t.Context(), cleanScript, m.keys(room, inc)[:2], inc, "2", ""))
		if err != nil {
			m.t.Fatal(err)
		}
		if m.dead[inc] == nil {
			m.dead[inc] = map[int]bool{}
		}
		m.dead[inc][p] = true
		for _, name := range rooms[1:] {
			done = false
			m.sweep(name, inc, limit)
		}
	}
	return done
}

// sweep makes one step in a room, or some in a row.
func (m *presenceModel) sweep(room, inc string, limit int) {
	m.t.Helper()
	for after, more := "0", true; more; more = m.r.IntN(2) == 0 {
		before := m.list(room)
		reply, err := asWords(m.b.core.run(m.t.Context(), sweepRoomScript, m.keys(room, inc), append(m.args(inc, room), after, strconv.Itoa(limit))...))
		if err != nil {
			m.t.Fatal(err)
		}
		left := m.list(room)
		for _, member := range before {
			if !slices.Contains(left, member) {
				if m.members[room][member].inc != inc {
					m.t.Fatalf("the removal of %s has removed %s of %s", inc, member, m.members[room][member].inc)
				}
				delete(m.members[room], member)
				m.expect(room, "-"+member)
			}
		}
		if reply[0] == "done" {
			if m.count(room, inc) > 0 {
				m.t.Fatalf("the removal of %s in %s is done, and %d members are left", inc, room, m.count(room, inc))
			}
			return
		}
		after = reply[1]
	}
}

// order returns the members of the model in the order of their entry.
func (m *presenceModel) order(room string) []string {
	return slices.SortedFunc(maps.Keys(m.members[room]), func(a, b string) int {
		return cmp.Compare(m.members[room][a].entry, m.members[room][b].entry)
	})
}

// list returns the members that the server lists, read in small pages.
func (m *presenceModel) list(room string) (ids []string) {
	m.t.Helper()
	for after := "0"; ; {
		page, err := m.b.broker.page(m.t.Context(), room, after, 3)
		if err != nil {
			m.t.Fatal(err)
		}
		for _, member := range page.members {
			ids = append(ids, member.id)
		}
		if len(page.members) < 3 {
			return ids
		}
		after = page.next
	}
}

// compare compares the list, the counts and the sum of the news with the model.
func (m *presenceModel) compare(step int) {
	m.t.Helper()
	for _, room := range m.rooms {
		if got, want := m.list(room), m.order(room); !slices.Equal(got, want) {
			m.t.Fatalf("step %d: room %s has the members %v, want %v", step, room, got, want)
		}
		page, err := m.b.broker.page(m.t.Context(), room, "0", 100)
		if err != nil {
			m.t.Fatal(err)
		}
		counts := map[string]int{}
		for id, member := range m.members[room] {
			counts[member.inc]++
			if !slices.Contains(page.members, storedMember{id, member.inc, "details of " + member.inc}) {
				m.t.Fatalf("step %d: %s of %s is not in %v", step, id, member.inc, page.members)
			}
		}
		if !maps.Equal(counts, page.counts) {
			m.t.Fatalf("step %d: room %s has the counts %v, want %v", step, room, page.counts, counts)
		}
	}
}

// TestTheListOfMembersIsRightAfterAnyFaults runs the scripts of presence against a model: nodes that die and come back,
// commands that arrive twice or late, and cleaners that stop halfway.
func TestTheListOfMembersIsRightAfterAnyFaults(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		server := f.Shared(t)
		b := open(t, at(server))
		m := &presenceModel{t: t, b: b, r: randomly(t), rooms: []string{"one", "two", "three"},
			members: map[string]map[string]modelMember{}, news: map[string][]string{}, dead: map[string]map[int]bool{}}
		for _, room := range m.rooms {
			m.members[room] = map[string]modelMember{}
		}
		inc := 1 << 40
		for range 3 {
			inc++
			m.live = append(m.live, strconv.Itoa(inc))
		}
		var lapsed []string
		for step := range 2500 {
			switch n := m.r.IntN(20); {
			case n == 0: // a node dies, and another one comes
				i := m.r.IntN(len(m.live))
				lapsed = append(lapsed, m.live[i])
				inc++
				m.live[i] = strconv.Itoa(inc)
			case n < 4 && len(lapsed) > 0:
				i := m.r.IntN(len(lapsed))
				if m.cleanStep(lapsed[i], 1+m.r.IntN(3)) && m.r.IntN(2) == 0 {
					lapsed = slices.Delete(lapsed, i, i+1)
				}
			case n == 4 && len(lapsed) > 0: // a late command of a paused node
				m.move(lapsed[m.r.IntN(len(lapsed))])
			case n == 5:
				if _, err := m.b.core.run(t.Context(), moveScript, m.keys("one", m.live[0]), append(m.args(m.live[0], "one"), "7", "")...); err != nil {
					t.Fatal(err)
				}
			default:
				m.move(m.live[m.r.IntN(len(m.live))])
			}
			if step%10 == 0 {
				m.compare(step)
			}
		}
		for _, dead := range append(lapsed, m.live...) {
			for !m.cleanStep(dead, 2) {
			}
		}
		m.compare(-1)
		m.wantNews(server)
		m.wantNoKeys(server)
	})
}

// wantNews checks the news that the scripts have published.
func (m *presenceModel) wantNews(server *redistest.Server) {
	m.t.Helper()
	for _, room := range m.rooms {
		list, _ := server.Do(m.t, "LRANGE", m.journal(room), 0, -1).([]any)
		got := make([]string, len(list))
		for i := range list {
			got[i], _ = list[i].(string)
		}
		if diff := gocmp.Diff(m.news[room], got); diff != "" || len(got) == 0 {
			m.t.Errorf("%d news of room %s (-want +got):\n%.2000s", len(got), room, diff)
		}
		server.Do(m.t, "DEL", m.journal(room))
	}
}

// wantNoKeys checks that nothing is left but the marks of dead incarnations and the positions, which expire.
func (m *presenceModel) wantNoKeys(server *redistest.Server) {
	m.t.Helper()
	list, _ := server.Do(m.t, "KEYS", m.b.core.config.Prefix+":*").([]any)
	for _, entry := range list {
		key, _ := entry.(string)
		kind, _, _ := strings.Cut(strings.TrimPrefix(key, m.b.core.config.Prefix+":"), ":")
		switch kind {
		case queueKind, deadKind, leaseKind, recordKind, idKind, metaKind:
		case positionKind:
			if ttl, _ := server.Do(m.t, "PTTL", key).(int64); ttl <= 0 {
				m.t.Errorf("the position %s does not expire", key)
			}
		default:
			m.t.Errorf("the key %s is left", key)
		}
	}
}

// TestLeasesFollowTheGuardedClock runs the scripts of leases against a model, while the clock of the server steps.
func TestLeasesFollowTheGuardedClock(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		b := newBackend(at(f.Shared(t)))
		if err := b.core.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.core.close)
		l := b.life
		l.start(newNode())
		r := randomly(t)
		const lease = int64(6_000_000)
		now, last, clock := int64(1_800_000_000_000_000), int64(0), int64(10_000_000)
		ends, owner, next := map[string]int64{}, map[string]string{}, 1<<40
		tick := func() string {
			switch r.IntN(12) {
			case 0:
				now -= 3_600_000_000
			case 1:
				now += 3_600_000_000
			default:
				now += int64(r.IntN(2_500_000))
			}
			if last != 0 {
				clock += max(0, min(2_000_000, now-last))
			}
			last = now
			return strconv.FormatInt(now, 10)
		}
		lost, held := 0, 0
		for step := range 3000 {
			id := fmt.Sprint("node ", r.IntN(4))
			inc := owner[id]
			switch {
			case r.IntN(3) == 0 || inc == "":
				next++
				inc = strconv.Itoa(next)
				at := tick()
				reply, err := asWords(b.core.run(t.Context(), joinScript, l.key[:], inc, id, "record", strconv.FormatInt(lease, 10), at))
				if err != nil {
					t.Fatal(err)
				}
				want := owner[id] != "" && ends[owner[id]] > clock
				if want != (reply[0] == "held") || want && reply[1] != strconv.FormatInt(ends[owner[id]]-clock, 10) {
					t.Fatalf("step %d: join of %s at %d with a lease until %d: %q", step, id, clock, ends[owner[id]], reply)
				}
				if want {
					held++
					continue
				}
				if _, listed := ends[owner[id]]; listed {
					ends[owner[id]] = 0
				}
				owner[id], ends[inc] = inc, clock+lease
			case r.IntN(20) == 0:
				if _, err := asInt(b.core.run(t.Context(), leaveNodesScript, l.key[:], inc, id, "clean")); err != nil {
					t.Fatal(err)
				}
				delete(ends, inc)
				delete(owner, id)
			default:
				at := tick()
				reply, err := asWords(b.core.run(t.Context(), beatScript, []string{l.key[0], l.key[3]}, inc, strconv.FormatInt(lease, 10), at))
				if err != nil {
					t.Fatal(err)
				}
				if live := ends[inc] > clock; live != (reply[0] == "ok") {
					t.Fatalf("step %d: heartbeat at %d with a lease until %d: %q", step, clock, ends[inc], reply)
				} else if live {
					ends[inc] = clock + lease
				} else {
					lost++
				}
				dead := 0
				for other, end := range ends {
					if end <= clock {
						ends[other] = 0
						dead++
					}
				}
				if reply[2] != strconv.Itoa(dead) {
					t.Fatalf("step %d: %s nodes have lapsed, want %d", step, reply[2], dead)
				}
				if dead > 40 {
					for other, end := range ends {
						if end == 0 {
							if _, err := asInt(b.core.run(t.Context(), leaveNodesScript, l.key[:], other, "", "clean")); err != nil {
								t.Fatal(err)
							}
							delete(ends, other)
						}
					}
				}
			}
		}
		if lost == 0 || held == 0 {
			t.Errorf("%d leases were lost and %d ids were held: the test has no faults", lost, held)
		}
	})
}

// TestARemovalHasOneCleanerAtATime checks that a claim holds for its time, and that another cleaner then goes on.
func TestARemovalHasOneCleanerAtATime(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		b := newBackend(at(f.Shared(t)))
		if err := b.core.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.core.close)
		l := b.life
		l.start(newNode())
		now := int64(1_800_000_000_000_000)
		run := func(sc *script, keys []string, args ...string) []string {
			reply, err := asWords(b.core.run(t.Context(), sc, keys, args...))
			if err != nil {
				t.Fatal(err)
			}
			return reply
		}
		beat := func(after int64) {
			now += after
			run(beatScript, []string{l.key[0], l.key[3]}, "2", "6000000", strconv.FormatInt(now, 10))
		}
		claim := func(mine string) []string {
			return run(claimScript, []string{l.key[0], l.key[3]}, "1", mine, "5000000")
		}
		run(joinScript, l.key[:], "1", "dying", "record", "6000000", strconv.FormatInt(now, 10))
		run(joinScript, l.key[:], "2", "cleaning", "record", "6000000", strconv.FormatInt(now, 10))
		if got := claim(""); got[0] != "gone" {
			t.Errorf("the claim of a live node is %q", got)
		}
		for range 3 {
			beat(2_000_000)
		}
		first := claim("")
		if first[0] != "claimed" {
			t.Fatalf("the claim of a lapsed node is %q", first)
		}
		if got := claim(""); got[0] != "held" {
			t.Errorf("a second cleaner gets %q", got)
		}
		renewed := claim(first[1])
		if renewed[0] != "claimed" || renewed[1] == first[1] {
			t.Errorf("the renewal of the claim %q is %q", first, renewed)
		}
		for range 3 {
			beat(2_000_000)
		}
		if got := claim(""); got[0] != "claimed" {
			t.Errorf("after the end of a claim, another cleaner gets %q", got)
		}
		if got := claim(renewed[1]); got[0] != "held" {
			t.Errorf("the old cleaner gets %q", got)
		}
	})
}
