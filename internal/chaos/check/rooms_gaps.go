package check

import (
	"cmp"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// membership is a connection in a room, as R2 sees it.
type membership struct {
	at      position // the last position that it has, if known
	base    position // Enter's
	baseRef ref
	ref     ref
	when    time.Duration // of ref
	known   bool
	gap     bool
	loose   bool // it entered at its position or later, and has received nothing yet
	in      bool
	proc    int32    // of Enter
	before  position // the last position before it left and entered again
	left    int64    // messages of a recovery that are still to come
	resumed certain
}

// top is the highest position of a room that acknowledged messages have.
type top struct {
	at   position
	from time.Duration // before Publish
	ref  ref
}

// holes is the state of R2.
type holes struct {
	w       *world
	members map[connRoom]*membership
	tops    map[string]map[uint64]uint64 // room → epoch → the highest acknowledged seq
	tails   map[string]top               // room → the last acknowledged message before the tail
	resumes map[callKey]uint64           // the highest acknowledged seq when a recovery began
	judged  bool                         // the last messages are
}

// newR2: holes without a gap, and recoveries.
func newR2(w *world) observer {
	h := &holes{w, map[connRoom]*membership{}, map[string]map[uint64]uint64{}, map[string]top{}, map[callKey]uint64{}, false}
	return observer{see: h.see, end: h.end}
}

func (h *holes) see(e, intent *history.Event) {
	if e.At >= h.w.stop {
		h.end()
	}
	switch e.Kind {
	case history.KindPublish:
		if intent != nil && e.Outcome == history.OK && e.Epoch != 0 && h.w.faults.forgets(intent.At, e.At) == nil {
			h.published(e, intent)
		}
	case history.KindEnterIntent:
		if key := (connRoom{e.Object, e.Subject}); h.members[key] == nil {
			h.members[key] = &membership{}
		}
	case history.KindEnter:
		if intent != nil && (e.Outcome == history.OK || e.Outcome == history.Unknown) {
			h.entered(h.members[connRoom{intent.Object, intent.Subject}], e)
		}
	case history.KindLeave:
		if intent != nil && e.Outcome != history.Refused {
			if m := h.members[connRoom{intent.Object, intent.Subject}]; m != nil {
				m.in = false
			}
		}
	case history.KindGap:
		if m := h.members[connRoom{e.Object, e.Subject}]; m != nil {
			m.gap, m.left = true, 0
		}
	case history.KindResumeIntent:
		h.resumes[callKey{e.Proc, e.Call}] = h.tops[e.Subject][e.Epoch]
	case history.KindResume:
		if intent != nil {
			h.resumed(e, intent)
		}
	case history.KindDeliver:
		if e.Epoch != 0 {
			h.deliver(e)
		}
	}
}

func (h *holes) published(e, intent *history.Event) {
	room := intent.Subject
	if h.tops[room] == nil {
		h.tops[room] = map[uint64]uint64{}
	}
	if e.Seq > h.tops[room][e.Epoch] {
		h.tops[room][e.Epoch] = e.Seq
		if e.At <= h.w.stop-TailWindow {
			h.tails[room] = top{position{e.Epoch, e.Seq}, intent.At, refOf(e)}
		}
	}
}

func (h *holes) entered(m *membership, e *history.Event) {
	if m.in { // a repeat: messages below its position may still be under way
		return
	}
	before := m.at
	*m = membership{in: true, proc: e.Proc, before: before, loose: e.Count > 0, base: position{e.Epoch, e.Seq}, baseRef: refOf(e), ref: refOf(e), when: e.At}
	if e.Outcome == history.OK && e.Epoch != 0 {
		m.known, m.at = true, m.base
	}
}

func (h *holes) resumed(e, intent *history.Event) {
	key := callKey{intent.Proc, intent.Call}
	acknowledged := h.resumes[key]
	delete(h.resumes, key)
	member := connRoom{intent.Object, intent.Subject}
	m := h.members[member]
	if m == nil {
		m = &membership{}
		h.members[member] = m
	}
	if e.Outcome != history.OK {
		m.gap = true
		return
	}
	if intent.Seq+uint64(e.Count) < acknowledged {
		h.w.accuse("R2", "a recovery omits acknowledged messages", refOf(intent), refOf(e))
	}
	*m = membership{in: true, known: true, proc: e.Proc, at: position{intent.Epoch, intent.Seq}, ref: refOf(e), when: e.At, left: e.Count, resumed: certainOf(e)}
}

func (h *holes) deliver(e *history.Event) {
	m := h.members[connRoom{e.Object, e.Subject}]
	if m == nil {
		h.w.accuse("R2", "a connection receives a message of a room that it never entered", refOf(e))
		return
	}
	at := position{e.Epoch, e.Seq}
	switch {
	case !m.known:
	case at.epoch != m.at.epoch:
		if at == (position{m.before.epoch, m.before.seq + 1}) && e.Proc != m.proc {
			h.w.except("R2", "a message of the time before a connection left arrives late", m.baseRef, refOf(e))
			m.before = at
			return
		}
		if !m.gap && !m.loose {
			h.w.accuse("R2", "a connection receives a new epoch without a gap", m.ref, refOf(e))
		}
	case at.seq <= m.at.seq:
		h.low(m, at, e)
		return
	case at.seq > m.at.seq+1 && !m.gap && !m.loose:
		h.w.accuse("R2", "messages are missing without a gap", m.ref, refOf(e))
		m.left = 0
	}
	m.known, m.gap, m.loose, m.at, m.ref, m.when = true, false, false, at, refOf(e), e.At
	m.left = max(0, m.left-1)
}

// low judges a position at or below the last one. R1 judges those that a connection has received before.
func (h *holes) low(m *membership, at position, e *history.Event) {
	if at.epoch != m.base.epoch || at.seq > m.base.seq {
		return
	}
	if at == (position{m.before.epoch, m.before.seq + 1}) && e.Proc != m.proc {
		h.w.except("R2", "a message of the time before a connection left arrives late", m.baseRef, refOf(e))
		m.before = at
		return
	}
	h.w.accuse("R2", "a connection receives a message at or below the position of its Enter", m.baseRef, refOf(e))
}

// end judges the connections that stay until the first node stops: after the last message each has it, or a gap.
func (h *holes) end() {
	if h.judged {
		return
	}
	h.judged = true
	if !h.w.faults.quiet(h.w.stop-TailWindow, h.w.stop, 0) {
		h.w.except("R2", "the last messages are not judged, because the run has no quiet phase of "+TailWindow.Round(time.Second).String()+" at its end")
		return
	}
	keys := make([]connRoom, 0, len(h.members))
	for key := range h.members {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b connRoom) int {
		return cmp.Or(cmp.Compare(a.room, b.room), cmp.Compare(a.conn, b.conn))
	})
	for _, key := range keys {
		m := h.members[key]
		if !m.in || !m.known || m.gap || h.w.procs[m.proc].died < h.w.stop {
			continue
		}
		tail := h.tails[key.room]
		behind := tail.at.epoch == m.at.epoch && tail.at.seq > m.at.seq
		if behind || tail.ref.line != 0 && tail.at.epoch != m.at.epoch && m.when < tail.from {
			h.w.accuseLate("R2", "the connection "+key.conn+" never receives the last message of "+key.room+", and no gap", m.ref, tail.ref)
		} else if m.left > 0 && m.resumed.at <= h.w.stop-TailWindow {
			h.w.accuseLate("R2", "messages of a recovery never come", m.resumed.ref)
		}
	}
}
