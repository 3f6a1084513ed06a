package actionhero

import "time"

// userChange is a change of all connections of a user, which also reaches those that are not known to be the user's yet:
// their authenticators may have read what was true before.
type userChange struct {
	user   string
	from   string  // names the connection or the request whose code has made the change, which is spared while it opens or begins a stream
	close  *string // the reason; nil: identity is the new one
	id     Identity
	number uint64
}

// maxUserChanges is the number of changes that a node keeps. A connection that opens longer is refused if it may have
// missed one.
const maxUserChanges = 1024

// userChangesFor is the time for which a node keeps a change. It is longer than a client usually needs to log in.
const userChangesFor = time.Minute

// userChanges are the latest changes of users on this node, the oldest first. They are guarded by userIndex.mu.
type userChanges struct {
	latest uint64 // the number of the latest change
	kept   []userChange
	times  []time.Time // of the kept changes

	lost   uint64 // the number of the latest change that is not kept any more
	lostAt time.Time
}

// mark returns the number of the latest change. A change with a higher number comes later.
func (x *userIndex) mark() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.changes.latest
}

// change keeps a change, and returns the connections of the user, the youngest first.
func (x *userIndex) change(ch userChange) []*Conn {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.changes.add(ch, time.Now())
	return x.ofLocked(ch.user)
}

func (u *userChanges) add(ch userChange, now time.Time) {
	old := 0
	for old < len(u.kept) && (now.Sub(u.times[old]) > userChangesFor || len(u.kept)-old >= maxUserChanges) {
		u.lost, u.lostAt = u.kept[old].number, u.times[old]
		u.kept[old] = userChange{}
		old++
	}
	u.latest++
	ch.number = u.latest
	u.kept, u.times = append(u.kept[old:], ch), append(u.times[old:], now)
}

// catchUp makes the changes of c.identity that c has missed since the change with this number. closed is the reason of a
// close among them, or nil. all is false if a change may be missing. The caller must hold x.mu and c.moving, and files the
// connection under its user before it releases x.mu.
func (x *userIndex) catchUp(c *Conn, since uint64) (closed *string, all bool) {
	u := &x.changes
	if u.lost > since && c.identity.Load() != nil {
		return nil, false
	}
	first := len(u.kept) - int(min(u.latest-since, uint64(len(u.kept))))
	for i := range u.kept[first:] {
		switch ch := &u.kept[first+i]; {
		case !c.belongsTo(ch.user) || ch.close != nil && ch.from == c.ID:
		case ch.close != nil:
			return ch.close, true
		case ch.id.Known():
			next := ch.id.until(c.identity.Load())
			c.identity.Store(&next)
		default:
			c.identity.Store(nil)
		}
	}
	return nil, true
}

// changedSince reports whether the user may have changed after the time since, except by the code named from.
func (x *userIndex) changedSince(user string, since time.Time, from string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	u := &x.changes
	for i := len(u.kept) - 1; i >= 0 && u.times[i].After(since); i-- {
		if ch := &u.kept[i]; ch.user == user && (from == "" || ch.from != from) {
			return true
		}
	}
	return u.lostAt.After(since)
}

// errMissedChange is the error for a client that may be a user who has been locked out meanwhile.
var errMissedChange = &Error{Code: CodeUnavailable, Message: "your login took too long: try again", RetryAfter: time.Second}
