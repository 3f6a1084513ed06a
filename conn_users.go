package actionhero

import "sync"

// userIndex finds the connections of this node by the ids of their users. Its lists use a field of each Conn, because most
// users have one connection.
type userIndex struct {
	mu    sync.Mutex
	first map[string]*Conn // then by Conn.nextOfUser
}

// add adds the connection of a user.
func (x *userIndex) add(user string, c *Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.first == nil {
		x.first = map[string]*Conn{}
	}
	c.nextOfUser = x.first[user]
	x.first[user] = c
}

// remove removes the connection of a user, if add has added it.
func (x *userIndex) remove(user string, c *Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var before *Conn
	for other := x.first[user]; other != nil; before, other = other, other.nextOfUser {
		if other != c {
			continue
		}
		switch {
		case before != nil:
			before.nextOfUser = c.nextOfUser
		case c.nextOfUser != nil:
			x.first[user] = c.nextOfUser
		default:
			delete(x.first, user)
			if len(x.first) == 0 {
				x.first = nil // a map never shrinks
			}
		}
		c.nextOfUser = nil
		return
	}
}

// of returns the connections of the user, the youngest first.
func (x *userIndex) of(user string) (conns []*Conn) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for c := x.first[user]; c != nil; c = c.nextOfUser {
		conns = append(conns, c)
	}
	return conns
}

// reindex files the connection under the user now instead of before. The caller must hold c.moving. A connection is in the
// index exactly while it can be found by its id.
func (r *Rooms) reindex(c *Conn, before, now *Identity) {
	if r.conn(c.ID) != c {
		return
	}
	if before != nil {
		r.users.remove(before.ID, c)
	}
	if now != nil && !c.gone {
		r.users.add(now.ID, c)
	}
}
