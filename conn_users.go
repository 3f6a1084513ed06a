package actionhero

import "sync"

// userIndex finds the connections of this node by the ids of their users. Its lists use fields of each Conn, because most
// users have one connection.
type userIndex struct {
	mu      sync.Mutex
	first   map[string]*Conn // then by Conn.nextOfUser, and back by Conn.beforeOfUser
	changes userChanges
}

// add adds the connection of a user.
func (x *userIndex) add(user string, c *Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.addLocked(user, c)
}

// addLocked is add for a caller that holds x.mu.
func (x *userIndex) addLocked(user string, c *Conn) {
	if x.first == nil {
		x.first = map[string]*Conn{}
	}
	if c.nextOfUser = x.first[user]; c.nextOfUser != nil {
		c.nextOfUser.beforeOfUser = c
	}
	x.first[user] = c
}

// remove removes the connection of a user, if add has added it. It takes constant time, because a program may have very
// many connections as one user, and lose them all at once.
func (x *userIndex) remove(user string, c *Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.removeLocked(user, c)
}

// removeLocked is remove for a caller that holds x.mu.
func (x *userIndex) removeLocked(user string, c *Conn) {
	before, next := c.beforeOfUser, c.nextOfUser
	switch {
	case before != nil:
		before.nextOfUser = next
	case x.first[user] != c:
		return
	case next != nil:
		x.first[user] = next
	default:
		delete(x.first, user)
		if len(x.first) == 0 {
			x.first = nil // a map never shrinks
		}
	}
	if next != nil {
		next.beforeOfUser = before
	}
	c.beforeOfUser, c.nextOfUser = nil, nil
}

// of returns the connections of the user, the youngest first.
func (x *userIndex) of(user string) (conns []*Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ofLocked(user)
}

func (x *userIndex) ofLocked(user string) (conns []*Conn) {
	for c := x.first[user]; c != nil; c = c.nextOfUser {
		conns = append(conns, c)
	}
	return conns
}

// reindex files the connection under the user now instead of before. The caller must hold c.moving. A connection is in the
// index exactly while it can be found by its id.
func (r *Rooms) reindex(c *Conn, before, now *Identity) {
	r.users.mu.Lock()
	defer r.users.mu.Unlock()
	r.reindexLocked(c, before, now)
}

// reindexLocked is reindex for a caller that holds r.users.mu, too.
func (r *Rooms) reindexLocked(c *Conn, before, now *Identity) {
	if r.conn(c.ID) != c {
		return
	}
	if before != nil {
		r.users.removeLocked(before.ID, c)
	}
	if now != nil && c.stage != gone {
		r.users.addLocked(now.ID, c)
	}
}
