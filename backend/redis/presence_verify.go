package redis

import "time"

// A command of a room whose answer is missing may reach the server after later ones, and let a member enter that has left
// since. So the room compares its members with those of the server once that cannot happen any more.

// verifyAfter is the time in which a command whose answer is missing may still reach the server.
const verifyAfter = 30 * time.Second

// verifyMembers compares the members at the server once no late command can change them any more. The caller holds r.mu.
func (r *room) verifyMembers() {
	if r.verify == 0 || uptime() < r.verify {
		return
	}
	r.verify = 0
	if len(r.members) == 0 {
		r.dirty = true
	}
	r.check = true
	r.touched()
}

// isUnsure notes that a command of the room may reach the server later.
func (r *room) isUnsure() {
	r.broker.life.unsure.Store(true)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.verify = uptime() + verifyAfter
}
