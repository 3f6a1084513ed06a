package engine

import "time"

// pinger schedules the pings of all sessions. PingInterval and PingTimeout are the same for all sessions. The sessions
// of one list therefore become due in the order in which the sessions were added, and two lists and one timer suffice.
// A separate timer in each session would need a sixth of the session's memory. The engine's lock guards the pinger.
type pinger struct {
	epoch        time.Time
	idle         list // sessions that wait for their next ping
	awaitingPong list // sessions that were pinged and have not answered
	timer        *time.Timer
	armed        bool          // the timer is running
	firesAt      time.Duration // when the timer fires, as time since epoch, like Session.due
}

func (p *pinger) init(fire func()) {
	p.epoch = time.Now()
	p.idle.links, p.awaitingPong.links = linksPinger, linksPinger
	p.timer = time.AfterFunc(time.Hour, fire)
	p.timer.Stop()
}

// schedule moves the session s to the end of the list l. The session becomes due after the duration wait. All sessions
// of the list must have the same wait.
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

// arm makes the timer fire at due, which is a time since epoch. If the timer is set to fire earlier, arm does not
// change the timer.
func (p *pinger) arm(due time.Duration) {
	if !p.armed || due < p.firesAt {
		p.armed, p.firesAt = true, due
		p.timer.Reset(due - time.Since(p.epoch))
	}
}

// takeDue removes a due session from its list and returns the session. If no session is due, takeDue arms the timer for
// the next session and returns nil.
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

// pingDueSessions is the function that the pinger's timer runs. It sends a ping to each due session, or closes the
// session if the client has not answered the previous ping.
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

// schedulePing schedules the next ping of the session s, PingInterval from now. If s is closed, schedulePing does
// nothing.
func (e *Engine) schedulePing(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] == s {
		e.pinger.schedule(s, &e.pinger.idle, e.cfg.PingInterval)
	}
}

// awaitPong schedules the ping timeout of the session s, PingTimeout from now. It returns false if s is closed. It also
// returns false if s is scheduled already. The reason is that after takeDue has removed s from its list, a pong may
// come and schedule the next ping.
func (e *Engine) awaitPong(s *Session) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions[s.sid] != s || s.links[linksPinger].in != nil {
		return false
	}
	e.pinger.schedule(s, &e.pinger.awaitingPong, e.cfg.PingTimeout)
	return true
}

// stopPinging cancels the scheduled ping or ping timeout of the session s.
func (e *Engine) stopPinging(s *Session) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.pinger.remove(s)
}
