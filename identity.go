package actionhero

import (
	"context"
	"slices"
	"time"
)

// AnyScope is a scope that includes every other one, see [Identity.HasScope].
const AnyScope = "*"

// Identity is the user or the program from which a request or a connection comes. The zero value is an anonymous caller.
// The slices and the map must not be modified.
type Identity struct {
	ID     string         `json:"id"`               // of the user or the program; "" for an anonymous caller
	Roles  []string       `json:"roles,omitempty"`  // in the app, for example "admin"; see [Roles]
	Scopes []string       `json:"scopes,omitempty"` // allowed by the credential, for example "tickets:read"; see [Scopes] and [AnyScope]
	Claims map[string]any `json:"claims,omitempty"` // further facts, which the app or the issuer of a token chooses
	// ExpiresAt is the end of the identity; zero: none. After the end the caller is anonymous, and a persistent
	// connection with the identity is closed within ten seconds, so that its client connects again.
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// Known reports whether i is not anonymous.
func (i Identity) Known() bool { return i.ID != "" }

// HasRole reports whether i has the role.
func (i Identity) HasRole(role string) bool { return slices.Contains(i.Roles, role) }

// HasScope reports whether i has the scope, or [AnyScope].
func (i Identity) HasScope(scope string) bool {
	return slices.Contains(i.Scopes, scope) || slices.Contains(i.Scopes, AnyScope)
}

// until returns a known identity with the end of before, which may be nil, unless it has one.
func (i Identity) until(before *Identity) Identity {
	if i.Known() && i.ExpiresAt.IsZero() && before != nil {
		i.ExpiresAt = before.ExpiresAt
	}
	return i
}

// expired reports whether the identity of the request r has expired. It reads the monotonic clock alone, which takes half
// the time of time.Now.
func (i *Identity) expired(r *Request) bool {
	return !i.ExpiresAt.IsZero() && time.Since(r.Started) >= i.ExpiresAt.Sub(r.Started)
}

// current returns the identity, or the zero value if it has expired. i may be nil.
func (i *Identity) current() Identity {
	if i == nil || !i.ExpiresAt.IsZero() && !time.Now().Before(i.ExpiresAt) {
		return Identity{}
	}
	return *i
}

// identityKey is the key under which a context holds a *Identity.
type identityKey struct{}

// IdentityFrom returns the identity of the request that is handled with ctx, or the one of [WithIdentity]. For an
// anonymous caller, and for any other context, it returns the zero value.
func IdentityFrom(ctx context.Context) Identity {
	id, _ := ctx.Value(identityKey{}).(*Identity)
	return id.current()
}

// anonymous is the stored identity of a caller that is known to be anonymous. It is never changed.
var anonymous = &Identity{}

// anonymousConn is the identity of an anonymous connection in a connContext. An Action.Call acts as it, and not as the
// client whose request has changed the identity of the connection.
var anonymousConn = &Identity{}

// connContext is the context of a hook that a client causes without a request, for example with a command.
type connContext struct {
	context.Context
	conn *Conn
}

// connKey is the key under which a connContext holds its *Conn.
type connKey struct{}

// changerOf returns a name of the client whose request or hook is handled with ctx, for userChange.from, or "".
func changerOf(ctx context.Context) string {
	if c, ok := ctx.Value(connKey{}).(*Conn); ok {
		return c.ID
	}
	req := RequestFrom(ctx)
	switch {
	case req == nil:
		return ""
	case req.Conn != nil:
		return req.Conn.ID
	}
	return req.Outer().becomeChanger()
}

// of returns a context in which IdentityFrom returns the identity of the client c, unless a request is handled with ctx.
func (c *Conn) of(ctx context.Context) context.Context {
	if c == nil || ctx.Value(identityKey{}) != nil {
		return ctx
	}
	return connContext{ctx, c}
}

func (c connContext) Value(key any) any {
	switch key.(type) {
	case connKey:
		return c.conn
	case identityKey:
	default:
		return c.Context.Value(key)
	}
	if id := c.conn.identity.Load(); id != nil {
		return id
	}
	return anonymousConn
}

// WithIdentity returns a context in which [IdentityFrom] returns id and an [Action.Call] acts as id: the rules of the
// called action ([Action.Access]) apply to id, also if the calling code has no request. The zero Identity makes an
// anonymous call.
func WithIdentity(ctx context.Context, id Identity) context.Context {
	return context.WithValue(ctx, identityKey{}, &id)
}

// Identity returns from whom the request comes: for a request of a persistent client, the identity of its connection.
func (r *Request) Identity() Identity {
	if id := r.identityNow(); id != nil && !id.expired(r) {
		return *id
	}
	return Identity{}
}

// identityNow returns the identity of the request as it is stored, or nil if it is anonymous.
func (r *Request) identityNow() *Identity {
	switch own := r.identity.Load(); {
	case own != nil:
		return own
	case r.caller != nil:
		return r.caller.identityNow()
	case r.Conn != nil:
		return r.Conn.identity.Load()
	}
	return nil
}

// SetIdentity changes from whom the request comes, for example in an action that logs a user in or out; the zero Identity
// makes the request anonymous. For a request of a persistent client it is [Conn.SetIdentity]. Otherwise it holds until
// the end of the request, and the error is nil: an [Authenticator] must find the user again in the next one.
func (r *Request) SetIdentity(ctx context.Context, id Identity) error {
	owner, conn := r.identityOwner()
	if conn != nil {
		return conn.SetIdentity(ctx, id)
	}
	owner.identity.Store(&id)
	return nil
}

// identityOwner returns the request that has the identity of r, which is r or a caller, and the connection if that has it.
func (r *Request) identityOwner() (owner *Request, conn *Conn) {
	for r.identity.Load() == nil && r.caller != nil {
		r = r.caller
	}
	if r.identity.Load() != nil {
		return r, nil
	}
	return r, r.Conn
}

// Identify is [Request.SetIdentity] with the identity that find returns, for a login that reads the rights of the user, for
// example from a database. A Close or SetIdentity of [Conns.User] for this user reaches the client also if it happens
// after find has read: the client does not keep rights that were taken away meanwhile. If find returns an error, Identify
// returns it and changes nothing. If the user may have been changed while find ran for more than a minute, the error is
// [CodeUnavailable].
func (r *Request) Identify(ctx context.Context, find func(ctx context.Context) (Identity, error)) error {
	since := r.API.Rooms.users.mark()
	id, err := find(ctx)
	if err != nil {
		return err
	}
	if _, c := r.identityOwner(); c != nil {
		return c.identify(ctx, id, since)
	}
	return r.SetIdentity(ctx, id)
}

// actAs gives a request that Action.Call makes the identity of WithIdentity, if ctx has one. Otherwise the request has the
// identity of its caller.
func (r *Request) actAs(ctx context.Context) {
	id, _ := ctx.Value(identityKey{}).(*Identity)
	if r.caller != nil && (id == anonymous || id == r.caller.identityNow()) {
		return
	}
	r.identity.Store(id)
}

// Identity returns from whom the connection comes.
func (c *Conn) Identity() Identity {
	if c == nil {
		return Identity{}
	}
	return c.identity.Load().current()
}

// SetIdentity changes from whom the connection comes; the zero Identity makes it anonymous. It then asks
// [RoomMiddleware.Join] again for each room of the connection, and takes the connection out of the rooms that refuse it,
// also out of its current room. When SetIdentity has returned, the client gets no message of a room that has refused it.
//
// The error is the first one of a Join function that is no refusal: [CodeInternal], [CodeUnavailable],
// [CodeDeadlineExceeded] or [CodeCanceled]. It counts as a refusal. SetIdentity must not be called by a Deliver of a [RoomMiddleware].
// If a Join calls it for the connection that it is asked about, the rooms are asked again. A Join that calls it each time
// puts the connection out of its rooms, and the error is [CodeInternal].
func (c *Conn) SetIdentity(ctx context.Context, id Identity) error {
	c.storeIdentity(func(*Identity) (Identity, bool) { return id, true })
	return c.askAllRooms(ctx)
}

// UpdateIdentity is [Conn.SetIdentity] with the identity that change returns, for a change that depends on the present
// one: a logout and another UpdateIdentity come before it or after it, and are not undone. If change returns false,
// UpdateIdentity changes nothing and returns nil. Change must return soon, and must not call methods that change c or its
// rooms.
func (c *Conn) UpdateIdentity(ctx context.Context, change func(now Identity) (next Identity, ok bool)) error {
	if !c.storeIdentity(func(now *Identity) (Identity, bool) { return change(now.current()) }) {
		return nil
	}
	return c.askAllRooms(ctx)
}

// identify gives the connection an identity that was found after the change of a user with the number since.
func (c *Conn) identify(ctx context.Context, id Identity, since uint64) error {
	closed, all := c.storeIdentitySince(id, since)
	switch {
	case !all:
		return errMissedChange
	case closed != nil:
		c.Close(*closed)
	}
	return c.askAllRooms(ctx)
}

// storeIdentity stores the identity that change returns, and makes a client that is entering a room ask again. now is nil
// for an anonymous client. If change returns false, storeIdentity changes nothing and returns false.
func (c *Conn) storeIdentity(change func(now *Identity) (next Identity, ok bool)) (stored bool) {
	c.moving.Lock()
	defer c.moving.Unlock()
	before := c.identity.Load()
	id, ok := change(before)
	if !ok {
		return false
	}
	c.rights.Add(1)
	var now *Identity
	if id.Known() {
		now = &id
	}
	c.api.Rooms.reindex(c, before, now)
	c.identity.Store(now)
	c.watchExpiry()
	return true
}

// storeIdentitySince is storeIdentity for an identity that was found after the change of a user with the number since. The
// changes that the connection has missed are made. all is false if one of them may be missing: then nothing changes.
func (c *Conn) storeIdentitySince(id Identity, since uint64) (closed *string, all bool) {
	c.moving.Lock()
	defer c.moving.Unlock()
	users := &c.api.Rooms.users
	users.mu.Lock()
	defer users.mu.Unlock()
	before := c.identity.Load()
	if c.identity.Store(nil); id.Known() {
		c.identity.Store(&id)
	}
	if closed, all = users.catchUp(c, since); !all {
		c.identity.Store(before)
		return nil, false
	}
	c.rights.Add(1)
	c.api.Rooms.reindexLocked(c, before, c.identity.Load())
	c.watchExpiry()
	return closed, true
}

// watchExpiry makes the API look at the connection again if its identity ends.
func (c *Conn) watchExpiry() {
	if id := c.identity.Load(); id != nil && !id.ExpiresAt.IsZero() {
		c.api.expiry.watch(c.api)
	}
}
