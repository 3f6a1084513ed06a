package actionhero

import "slices"

// ConnValue is a value of type T that code of the app keeps for connections. Clients cannot read it, unlike the details
// (see [Conn.SetDetail]). Declare one as a variable of a package and use its address:
//
//	var userOf actionhero.ConnValue[User]
//
//	userOf.Set(conn, user)
//	user, ok := userOf.Get(conn)
//
// The value stays with the connection until the connection is forgotten. All methods may be called concurrently; T must
// be fit for that, too.
type ConnValue[T any] struct {
	_ byte // so that two variables have two addresses
}

// connValue is one value of a connection.
type connValue struct {
	key, value any // key is the *ConnValue
}

// find returns the index of the value with this key, or -1 if there is none.
func (e *connExtra) find(key any) int {
	if e == nil {
		return -1
	}
	return slices.IndexFunc(e.values, func(v connValue) bool { return v.key == key })
}

// Set stores the value of the connection c.
func (v *ConnValue[T]) Set(c *Conn, value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	extra := c.extras()
	if i := extra.find(v); i >= 0 {
		extra.values[i].value = value
		return
	}
	extra.values = append(extra.values, connValue{v, value})
}

// Get returns the value of the connection c. If there is none, or c is nil, as in a request over HTTP, ok is false.
func (v *ConnValue[T]) Get(c *Conn) (value T, ok bool) {
	if c == nil {
		return value, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := c.extra.find(v)
	if i < 0 {
		return value, false
	}
	value, _ = c.extra.values[i].value.(T) // a nil of an interface has no type
	return value, true
}

// Delete removes the value of the connection c.
func (v *ConnValue[T]) Delete(c *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if i := c.extra.find(v); i >= 0 {
		values := c.extra.values
		last := len(values) - 1
		values[i], values[last] = values[last], connValue{}
		c.extra.values = values[:last]
	}
}
