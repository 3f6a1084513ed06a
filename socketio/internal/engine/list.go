package engine

// The lists that a session may be in, at the same time.
const (
	linksAbsent = iota // those without a connection
	linksHeart         // those whose heart beats
	linksCount
)

// links are the place of a session in a list.
type links struct {
	in            *list
	before, after *Session
}

// list is a list of sessions, the oldest first. The engine's lock guards it.
type list struct {
	links       int // which of a session's
	first, last *Session
	n           int
}

func (l *list) add(s *Session) {
	s.links[l.links] = links{in: l, before: l.last}
	if l.last == nil {
		l.first = s
	} else {
		l.last.links[l.links].after = s
	}
	l.last = s
	l.n++
}

// remove removes a session, if it is in this list.
func (l *list) remove(s *Session) {
	at := s.links[l.links]
	if at.in != l {
		return
	}
	if at.before == nil {
		l.first = at.after
	} else {
		at.before.links[l.links].after = at.after
	}
	if at.after == nil {
		l.last = at.before
	} else {
		at.after.links[l.links].before = at.before
	}
	s.links[l.links] = links{}
	l.n--
}
