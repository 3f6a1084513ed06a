package engine

// The indexes of Session.links, one for each kind of list. A session may be in one list of each kind at the same time.
const (
	linksDetached = iota // Engine.detached
	linksPinger          // pinger.idle or pinger.awaitingPong
	linksCount
)

// links is the place of a session in a list: the list and the neighbors of the session.
type links struct {
	in         *list
	prev, next *Session
}

// list is a linked list of sessions, in the order in which the sessions were added. The links are fields of the
// sessions, so adding and removing a session allocates no memory. The engine's lock guards every list.
type list struct {
	links       int // the index of Session.links that this list uses
	first, last *Session
	n           int
}

func (l *list) add(s *Session) {
	s.links[l.links] = links{in: l, prev: l.last}
	if l.last == nil {
		l.first = s
	} else {
		l.last.links[l.links].next = s
	}
	l.last = s
	l.n++
}

// remove removes the session s from the list. If s is not in this list, remove does nothing.
func (l *list) remove(s *Session) {
	at := s.links[l.links]
	if at.in != l {
		return
	}
	if at.prev == nil {
		l.first = at.next
	} else {
		at.prev.links[l.links].next = at.next
	}
	if at.next == nil {
		l.last = at.prev
	} else {
		at.next.links[l.links].prev = at.prev
	}
	s.links[l.links] = links{}
	l.n--
}
