package actionhero

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"net/textproto"
	"net/url"
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/cookie"
)

// ConnMiddleware runs code of the app when clients of the persistent transports come and go, such as package tcp,
// websocket and socketio. Each function is optional. A ConnMiddleware is also a [Part], so an app can list it with its
// other parts.
//
// Connect and Connected of several middlewares run in the order in which the middlewares were added, and Disconnect in
// the reverse order. Their contexts end after Config.ActionTimeout; those of Connect and Connected also when the client
// goes, as the contexts of requests do. Only the client that comes or goes waits for them, and the next client of an
// address of which many clients have left at once. A panic, and an end of the goroutine with runtime.Goexit, is logged and
// counts as an internal error.
type ConnMiddleware struct {
	// Connect is called before the welcome and before the first request of a client. If Connect returns an error, the
	// client is refused and reads the message of the error, if it is an [Error]; the functions of later middlewares do not
	// run. Connect may store a [ConnValue] and details in c, and may send to other clients. c is in no room, receives
	// nothing and cannot be found by its id until all Connect functions have returned nil, and cannot enter a room until
	// then. A client that Connect has closed
	// with [Conn.Close] is not let in.
	Connect func(ctx context.Context, c *Conn, h *Handshake) error
	// Connected is called after the welcome, when c is in its first room. It may send to c and let c enter rooms. Over TCP
	// and WebSocket it runs before the first request of the client. Over Socket.IO, requests may run at the same time. It is
	// not called for a client that has gone already, and Disconnect waits for it.
	Connected func(ctx context.Context, c *Conn)
	// Disconnect is called once for each client whose Connect has returned nil, however its connection has ended, also if
	// the Connect of another middleware has refused the client. c is in no room any more. The contexts of its requests
	// have ended; over Socket.IO some may not have returned. reason says why the server has ended the connection, for
	// example with the text given to [Conn.Close]. It is empty if the client has ended the connection. A stop of the API
	// waits for Disconnect.
	Disconnect func(ctx context.Context, c *Conn, reason string)
}

// Handshake is what a client has sent to connect. It must not be modified.
type Handshake struct {
	Header textproto.MIMEHeader // of the HTTP request that opened the connection; nil over TCP
	Query  url.Values           // of the URL of that request; nil over TCP
	TLS    *tls.ConnectionState // nil without TLS, or if a proxy has ended TLS; it has the certificates of the client
	// Auth is the JSON object that a Socket.IO client gives as its option auth. It is nil if the client gives none, and on
	// the other transports.
	Auth json.RawMessage
}

// Cookie returns the value of the first cookie with this name in the handshake, without quotes, or "" if there is none.
func (h *Handshake) Cookie(name string) string {
	for _, line := range h.Header["Cookie"] {
		if value := cookie.Get(line, name); value != "" {
			return value
		}
	}
	return ""
}

// UseConns adds connection middlewares to the API. Call UseConns before [API.Start].
func (api *API) UseConns(middleware ...ConnMiddleware) {
	_ = api.change(func(r *registry) error {
		r.conns = append(r.conns, middleware...)
		return nil
	})
}

func (m ConnMiddleware) register(r *registry) error {
	if m.Connect == nil && m.Connected == nil && m.Disconnect == nil {
		return errors.New("a ConnMiddleware has no function: set Connect, Connected or Disconnect")
	}
	r.conns = append(r.conns, m)
	return nil
}

// acceptConn calls the Connect functions for a client that has connected, and then makes the client known to the node.
func (api *API) acceptConn(ctx context.Context, c *Conn, h *Handshake) *Error {
	reg := api.registry.Load()
	middleware := reg.conns
	if !reg.meetsConns() {
		return nil // host.Connect has made the client known
	}
	if err := api.awaitFarewells(ctx, c); err != nil {
		return err
	}
	c.meeting.Lock()
	defer c.meeting.Unlock()
	if c.hasGone() {
		return errDisconnected
	}
	met, since := int16(0), api.Rooms.users.mark()
	err := api.runHooks(c.of(ctx), func(ctx context.Context) error {
		if err := api.identifyConn(ctx, reg.authenticators, c, h); err != nil {
			return err
		}
		for _, m := range middleware {
			if m.Connect != nil {
				if err := m.Connect(ctx, c, h); err != nil {
					return err
				}
			}
			met++
		}
		return nil
	})
	if c.met = met; err != nil {
		failure := AsError(err)
		if failure.Code == CodeInternal {
			api.logHook(c, "Connect", failure)
		}
		return failure
	}
	return api.letIn(c, since)
}

// letIn makes a client known to the node that all Connect functions have met, after the change of a user with the number
// since.
func (api *API) letIn(c *Conn, since uint64) *Error {
	c.moving.Lock()
	defer c.moving.Unlock()
	if c.stage == gone || c.closeReason.Load() != nil { // a Connect has called Conn.Close
		return errDisconnected
	}
	users := &api.Rooms.users
	users.mu.Lock()
	defer users.mu.Unlock()
	switch closed, all := users.catchUp(c, since); {
	case !all:
		return errMissedChange
	case closed != nil:
		c.closeReason.Store(closed)
		return &Error{Code: CodePermissionDenied, Message: *closed}
	}
	c.stage = accepted
	api.Rooms.conns.store(c)
	api.Rooms.reindexLocked(c, nil, c.identity.Load())
	c.watchExpiry() // a look since the client has come has not seen it
	return nil
}

// meetsConns reports whether code of the app meets the clients that come.
func (r *registry) meetsConns() bool { return len(r.conns)+len(r.authenticators) > 0 }

// awaitFarewells blocks while too many clients of the address of c have gone and are not forgotten. It returns an error
// after Config.ActionTimeout.
func (api *API) awaitFarewells(ctx context.Context, c *Conn) *Error {
	if limit := api.cfg.ActionTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	if err := api.farewells.wait(ctx, farewellKey(c)); err != nil {
		return &Error{Code: CodeUnavailable, Message: "too many clients of this address have left at once: try again later", RetryAfter: time.Second, Err: err}
	}
	return nil
}

// hasGone reports whether the client has disconnected.
func (c *Conn) hasGone() bool {
	c.moving.Lock()
	defer c.moving.Unlock()
	return c.stage == gone
}

// connected calls the Connected functions, while the client is here. Disconnect waits for them: what a Connected function
// adds, Disconnect removes.
func (api *API) connected(ctx context.Context, c *Conn) {
	middleware := api.registry.Load().conns
	if len(middleware) == 0 {
		return
	}
	c.meeting.Lock()
	defer c.meeting.Unlock()
	for _, m := range middleware[:c.met] {
		if m.Connected == nil || c.hasGone() {
			continue
		}
		err := api.runHooks(c.of(ctx), func(ctx context.Context) error {
			m.Connected(ctx, c)
			return nil
		})
		if err != nil {
			api.logHook(c, "Connected", AsError(err))
		}
	}
}

// disconnected calls the Disconnect functions of the middlewares that have met the client, once.
func (api *API) disconnected(c *Conn) {
	middleware := api.registry.Load().conns
	if len(middleware) == 0 {
		return
	}
	key := farewellKey(c)
	api.farewells.begin(key)
	defer api.farewells.end(key)
	c.meeting.Lock()
	defer c.meeting.Unlock()
	met := c.met
	c.met = 0
	reason := ""
	if why := c.closeReason.Load(); why != nil {
		reason = *why
	}
	for _, m := range slices.Backward(middleware[:met]) {
		if m.Disconnect == nil {
			continue
		}
		err := api.runHooks(c.of(context.Background()), func(ctx context.Context) error {
			m.Disconnect(ctx, c, reason)
			return nil
		})
		if err != nil {
			api.logHook(c, "Disconnect", AsError(err))
		}
	}
}

func (api *API) logHook(c *Conn, name string, failure *Error) {
	api.log.Error("a "+name+" of a connection middleware failed", "transport", c.Transport, "conn_id", c.ID, "error", failureText(failure))
}
