package engine

import "time"

// heart is what beats for all sessions. Since all wait for the same time, for a ping or for the answer to one, they are
// due in the order in which they began to wait: two lists and one timer are enough, where timers of their own would take
// a sixth of what a session takes. The engine's lock guards it.
type heart struct {
	epoch  time.Time
	quiet  list // until the next ping
	pinged list // until an answer is late
	timer  *time.Timer
	armed  bool
	until  time.Duration // when the timer is due, from epoch on, like Session.due
}

func (h *heart) init(beat func()) {
	h.epoch = time.Now()
	h.quiet.links, h.pinged.links = linksHeart, linksHeart
	h.timer = time.AfterFunc(time.Hour, beat)
	h.timer.Stop()
}

// await has a session wait in one of the lists, for as long as all do there.
func (h *heart) await(s *Session, l *list, wait time.Duration) {
	h.forget(s)
	s.due = time.Since(h.epoch) + wait
	l.add(s)
	h.arm(s.due)
}

func (h *heart) forget(s *Session) {
	h.quiet.remove(s)
	h.pinged.remove(s)
}

// arm sees to it that the timer is due at a time at the latest.
func (h *heart) arm(due time.Duration) {
	if !h.armed || due < h.until {
		h.armed, h.until = true, due
		h.timer.Reset(due - time.Since(h.epoch))
	}
}

// due takes a session off that is due; nil if there is none, and then the timer is set for the next one.
func (h *heart) due() *Session {
	now := time.Since(h.epoch)
	for _, l := range [...]*list{&h.quiet, &h.pinged} {
		if s := l.first; s != nil && s.due <= now {
			l.remove(s)
			return s
		}
	}
	h.armed = false
	for _, l := range [...]*list{&h.quiet, &h.pinged} {
		if l.first != nil {
			h.arm(l.first.due)
		}
	}
	return nil
}

// beat is what the timer calls.
func (e *Engine) beat() {
	for {
		e.mu.Lock()
		s := e.heart.due()
		e.mu.Unlock()
		if s == nil {
			return
		}
		s.beat()
	}
}

// waitToPing has a session wait until it is time for a ping.
func (e *Engine) waitToPing(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] == s {
		e.heart.await(s, &e.heart.quiet, e.cfg.PingInterval)
	}
}

// waitForPong has it wait for the answer to one. It returns false if the session waits for something again already,
// because an answer came in the nick of time.
func (e *Engine) waitForPong(s *Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] != s || s.links[linksHeart].in != nil {
		return false
	}
	e.heart.await(s, &e.heart.pinged, e.cfg.PingTimeout)
	return true
}

// rest has a session wait for nothing any more.
func (e *Engine) rest(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.heart.forget(s)
}
