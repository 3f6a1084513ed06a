package actionhero

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

// Set stores the value of the connection c.
func (v *ConnValue[T]) Set(c *Conn, value T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.values {
		if c.values[i].key == any(v) {
			c.values[i].value = value
			return
		}
	}
	c.values = append(c.values, connValue{v, value})
}

// Get returns the value of the connection c. If there is none, or c is nil, as in a request over HTTP, ok is false.
func (v *ConnValue[T]) Get(c *Conn) (value T, ok bool) {
	if c == nil {
		return value, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.values {
		if c.values[i].key == any(v) {
			value, _ = c.values[i].value.(T) // a nil of an interface has no type
			return value, true
		}
	}
	return value, false
}

// Delete removes the value of the connection c.
func (v *ConnValue[T]) Delete(c *Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.values {
		if c.values[i].key == any(v) {
			last := len(c.values) - 1
			c.values[i], c.values[last] = c.values[last], connValue{}
			c.values = c.values[:last]
			return
		}
	}
}
