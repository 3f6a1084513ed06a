package check

import (
	"fmt"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// presence is the truth about a member of a room.
type presence struct {
	in    bool
	doubt bool          // a call is under way, or its outcome is unknown, or calls overlapped
	asked time.Duration // the latest intent
	ended time.Duration // the latest outcome
	since time.Duration
	ref   ref
	proc  int32
}

type procRoom struct {
	proc int32
	room string
}

// fold is the list that a process makes from news.
type fold struct {
	members map[string]ref
	left    map[string]bool // news have said that they leave, and not that they are back
	since   time.Duration
	ref     ref
}

// lists is the state of R3.
type lists struct {
	w     *world
	rooms map[string]map[string]*presence
	folds map[procRoom]*fold
}

// The time in which news of a change that a Watch contains may still arrive.
const watchSlack = 2 * time.Second

// newR3: lists, totals and news.
func newR3(w *world) observer {
	l := &lists{w, map[string]map[string]*presence{}, map[procRoom]*fold{}}
	return observer{see: l.see}
}

func (l *lists) see(e, intent *history.Event) {
	switch e.Kind {
	case history.KindEnterIntent, history.KindLeaveIntent:
		l.begin(e)
	case history.KindEnter, history.KindLeave:
		if intent != nil {
			l.change(e, intent)
		}
	case history.KindWatch:
		if e.Count < 0 {
			delete(l.folds, procRoom{e.Proc, e.Subject})
			return
		}
		f := &fold{map[string]ref{}, map[string]bool{}, e.At, refOf(e)}
		for _, m := range e.Names {
			f.members[m] = refOf(e)
		}
		l.folds[procRoom{e.Proc, e.Subject}] = f
	case history.KindNews:
		l.news(e)
	case history.KindMembers:
		if intent != nil && e.Outcome == history.OK && l.w.faults.quiet(intent.At, e.At, membersTime) {
			l.judge(e, intent)
		}
	}
}

func (l *lists) begin(e *history.Event) {
	room := l.rooms[e.Subject]
	if room == nil {
		room = map[string]*presence{}
		l.rooms[e.Subject] = room
	}
	p := room[e.Object]
	if p == nil {
		p = &presence{proc: e.Proc, since: e.At, ref: refOf(e)}
		room[e.Object] = p
	}
	p.doubt, p.asked = true, e.At
}

func (l *lists) change(e, intent *history.Event) {
	p := l.rooms[intent.Subject][intent.Object]
	overlapping := p.asked > intent.At || p.ended > intent.At
	p.ended = e.At
	switch e.Outcome {
	case history.Refused:
		p.doubt = overlapping
		return
	case history.Unknown:
		return
	}
	enter := e.Kind == history.KindEnter
	if !enter && p.proc != e.Proc && p.in {
		p.doubt = overlapping // another process holds the member now, and it stays
		return
	}
	if p.in != enter || p.doubt && p.since == intent.At {
		p.since, p.ref = e.At, refOf(e)
	}
	p.in, p.doubt, p.proc = enter, overlapping, e.Proc
}

// state returns whether the member is there at this time, since when, and whether that is certain.
func (l *lists) state(p *presence, at time.Duration) (in bool, since time.Duration, certain bool) {
	if died := l.w.procs[p.proc].died; died <= at && died >= p.since {
		return false, died, true
	}
	return p.in, p.since, !p.doubt
}

func (l *lists) news(e *history.Event) {
	f := l.folds[procRoom{e.Proc, e.Subject}]
	joined := e.Count > 0
	if !joined {
		l.judgeLeave(e)
	}
	if f == nil {
		return
	}
	first, there := f.members[e.Object]
	if joined == there && e.At > f.since+watchSlack {
		why := "news say that a member joins that is in the list"
		if !joined {
			why = "news say that a member leaves that is not in the list"
		}
		if p := l.rooms[e.Subject][e.Object]; !joined && p != nil && !f.left[e.Object] && l.away(p, f.since, e.At) {
			l.w.except("R3", "a list omits the members of a node that is away, and news say later that they leave", f.ref, refOf(e))
		} else {
			l.w.accuseLate("R3", why, first, refOf(e))
		}
	}
	if joined {
		f.members[e.Object] = refOf(e)
		delete(f.left, e.Object)
	} else {
		delete(f.members, e.Object)
		f.left[e.Object] = true
	}
}

// away reports whether the node of a member was dead or cut off before a list was read, and until at most membersTime before.
func (l *lists) away(p *presence, list, at time.Duration) bool {
	return l.w.deadBy(p.proc, list) || l.w.faults.ofNode(p.proc, list-2*membersTime, at) != nil
}

// judgeLeave judges news of a leave: the member was there all the time, and no fault excuses the news.
func (l *lists) judgeLeave(e *history.Event) {
	p := l.rooms[e.Subject][e.Object]
	if p == nil {
		return
	}
	in, since, certain := l.state(p, e.At)
	from := e.At - 2*membersTime
	if in && certain && since <= e.At-watchSlack && l.w.faults.outage(from, e.At) == 0 && !l.w.deadBy(p.proc, e.At) &&
		l.w.faults.ofNode(p.proc, from, e.At) == nil && l.w.faults.ofNode(e.Proc, from, e.At) == nil {
		l.w.accuseLate("R3", "news say that a member leaves that is there", p.ref, refOf(e))
	}
}

// judge compares a list with the truth. The quiet time before the call is known.
func (l *lists) judge(e, intent *history.Event) {
	if int64(len(e.Names)) != e.Count {
		l.w.accuse("R3", fmt.Sprintf("the total is %d, and the list has %d members", e.Count, len(e.Names)), refOf(e))
	}
	listed := map[string]bool{}
	for _, m := range e.Names {
		if listed[m] {
			l.w.accuse("R3", "the list has the member "+m+" twice", refOf(e))
		}
		listed[m] = true
		if l.rooms[intent.Subject][m] == nil {
			l.w.accuse("R3", "the list has the member "+m+", who never entered", refOf(e))
		}
	}
	f := l.folds[procRoom{e.Proc, intent.Subject}]
	if f != nil && intent.At < f.since+watchSlack {
		f = nil
	}
	members := make([]string, 0, len(l.rooms[intent.Subject]))
	for m := range l.rooms[intent.Subject] {
		members = append(members, m)
	}
	slices.Sort(members)
	for _, m := range members {
		p := l.rooms[intent.Subject][m]
		in, since, certain := l.state(p, e.At)
		if !certain || since > intent.At-peersCache {
			continue
		}
		l.compare("the list", m, in, listed[m], p, refOf(e), refOf(intent))
		if f != nil {
			_, folded := f.members[m]
			l.compare("the list made from news", m, in, folded, p, f.members[m], refOf(e))
		}
	}
}

func (l *lists) compare(list, member string, in, listed bool, p *presence, refs ...ref) {
	if in != listed {
		verb := "lacks"
		if listed {
			verb = "has"
		}
		l.w.accuseLate("R3", fmt.Sprintf("%s %s the member %s 10 s after the last fault", list, verb, member), append(refs, p.ref)...)
	}
}
