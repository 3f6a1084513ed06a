package engine

import "time"

// pinger schedules the pings of all sessions. PingInterval and PingTimeout are the same for all, so sessions become due in
// the order in which they began to wait: two lists and one timer suffice. A timer per session would need a sixth of the
// session's memory. The engine's lock guards the pinger.
type pinger struct {
	epoch        time.Time
	idle         list // sessions that wait for their next ping
	awaitingPong list // sessions that were pinged and have not answered
	timer        *time.Timer
	armed        bool          // the timer is running
	firesAt      time.Duration // when it fires, since epoch; Session.due is of the same kind
}

func (p *pinger) init(fire func()) {
	p.epoch = time.Now()
	p.idle.links, p.awaitingPong.links = linksPinger, linksPinger
	p.timer = time.AfterFunc(time.Hour, fire)
	p.timer.Stop()
}

// schedule moves a session to the end of one of the lists. It becomes due after wait, which is the same for all sessions
// of that list.
func (p *pinger) schedule(s *Session, l *list, wait time.Duration) {
	p.remove(s)
	s.due = time.Since(p.epoch) + wait
	l.add(s)
	p.arm(s.due)
}

func (p *pinger) remove(s *Session) {
	p.idle.remove(s)
	p.awaitingPong.remove(s)
}

// arm makes the timer fire at due, unless it fires earlier.
func (p *pinger) arm(due time.Duration) {
	if !p.armed || due < p.firesAt {
		p.armed, p.firesAt = true, due
		p.timer.Reset(due - time.Since(p.epoch))
	}
}

// takeDue removes a session that is due and returns it. If none is due, it arms the timer for the next one and returns nil.
func (p *pinger) takeDue() *Session {
	now := time.Since(p.epoch)
	for _, l := range [...]*list{&p.idle, &p.awaitingPong} {
		if s := l.first; s != nil && s.due <= now {
			l.remove(s)
			return s
		}
	}
	p.armed = false
	for _, l := range [...]*list{&p.idle, &p.awaitingPong} {
		if l.first != nil {
			p.arm(l.first.due)
		}
	}
	return nil
}

// pingDueSessions is the function of the timer.
func (e *Engine) pingDueSessions() {
	for {
		e.mu.Lock()
		s := e.pinger.takeDue()
		e.mu.Unlock()
		if s == nil {
			return
		}
		s.pingOrTimeOut()
	}
}

// schedulePing schedules the next ping of a session.
func (e *Engine) schedulePing(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] == s {
		e.pinger.schedule(s, &e.pinger.idle, e.cfg.PingInterval)
	}
}

// awaitPong schedules the ping timeout of a session. It returns false if the session is closed or is scheduled again: a
// pong may have come after takeDue removed the session.
func (e *Engine) awaitPong(s *Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] != s || s.links[linksPinger].in != nil {
		return false
	}
	e.pinger.schedule(s, &e.pinger.awaitingPong, e.cfg.PingTimeout)
	return true
}

// stopPinging cancels the next ping or ping timeout of a session.
func (e *Engine) stopPinging(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pinger.remove(s)
}
