package actionhero

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/textproto"
	"net/url"
	"strings"

	"github.com/actionhero-go/actionhero/internal/cookie"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Authenticator says from whom a request or a connection comes, by the credentials that the client has sent. Package auth
// has authenticators for sessions, tokens, API keys and more.
//
// It runs before all middleware: once for each request over HTTP, and once for each persistent connection, before
// [ConnMiddleware.Connect]. The requests of a connection have the identity of the connection. If it returns the zero
// Identity, the credentials say nothing to it, and the next Authenticator is asked. If all of them return the zero
// Identity, the caller is anonymous. If it returns an error, the request or the connection is refused with that error;
// for wrong credentials, return an [Error] of [CodeUnauthenticated]. Over HTTP its context is the one of the request. A Close
// or SetIdentity of [Conns.User] for the user reaches the connection also if it comes after the Authenticator has read.
//
// An Authenticator is a [Part]. An app that has one must also have a [DefaultAccess].
type Authenticator func(ctx context.Context, c *Credentials) (Identity, error)

func (a Authenticator) register(r *registry) error {
	if a == nil {
		return errors.New("an Authenticator is nil: use a function")
	}
	r.authenticators = append(r.authenticators, a)
	return nil
}

// Credentials is what a client has sent with a request over HTTP or to open a connection.
type Credentials struct {
	API       *API
	Request   *Request   // the request; nil for a connection
	Conn      *Conn      // the connection; nil for a request over HTTP
	Handshake *Handshake // of the connection; nil for a request over HTTP
}

// Transport returns the name of the transport, as Request.Transport has it.
func (c *Credentials) Transport() string {
	if c.Request != nil {
		return c.Request.Transport
	}
	return c.Conn.Transport
}

// RemoteIP returns the address of the client, behind trusted proxies.
func (c *Credentials) RemoteIP() string {
	if c.Request != nil {
		return c.Request.RemoteIP
	}
	return c.Conn.Remote.Addr().String()
}

// Header returns the first value of the header with this name, or "" if there is none. A TCP client sends no headers.
func (c *Credentials) Header(name string) string {
	if c.Request != nil {
		return c.Request.Header(name)
	}
	if c.Handshake == nil {
		return ""
	}
	return c.Handshake.Header.Get(name)
}

// Cookie returns the value of the first cookie with this name, or "" if there is none.
func (c *Credentials) Cookie(name string) string {
	if c.Request != nil {
		return cookie.Get(c.Request.Header("Cookie"), name)
	}
	if c.Handshake == nil {
		return ""
	}
	return c.Handshake.Cookie(name)
}

// WebSocketProtocol is the subprotocol with which a client of plain WebSocket may send a token, because a page cannot set
// headers of a WebSocket. The client offers two subprotocols, this one and "bearer." followed by the token in unpadded base64url (RFC 4648
// section 5), and the server selects this one:
//
//	new WebSocket(url, ["actionhero", "bearer." + token])
const WebSocketProtocol = "actionhero"

// Bearer returns the token of the client, or "" if there is none: of the header Authorization with the scheme Bearer
// (RFC 6750 section 2.1), of the member token in the option auth of a Socket.IO client, or of the subprotocols of a plain
// WebSocket, see [WebSocketProtocol].
func (c *Credentials) Bearer() string {
	if scheme, token, ok := strings.Cut(c.Header("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return textproto.TrimString(token)
	}
	if c.Handshake == nil {
		return ""
	}
	if len(c.Handshake.Auth) > 0 {
		var auth struct {
			Token string `json:"token"`
		}
		if err := jsonx.Unmarshal(c.Handshake.Auth, &auth); err == nil && auth.Token != "" {
			return auth.Token
		}
	}
	for _, line := range c.Handshake.Header["Sec-Websocket-Protocol"] {
		for offer := range strings.SplitSeq(line, ",") {
			if encoded, ok := strings.CutPrefix(textproto.TrimString(offer), "bearer."); ok {
				token, err := base64.RawURLEncoding.DecodeString(encoded)
				if err == nil {
					return string(token)
				}
			}
		}
	}
	return ""
}

// Query returns the query of the URL with which the client has connected, and nil for a request over HTTP, whose query is
// in its Params.
func (c *Credentials) Query() url.Values {
	if c.Handshake == nil {
		return nil
	}
	return c.Handshake.Query
}

// Auth returns the JSON object that a Socket.IO client gives as its option auth, or nil.
func (c *Credentials) Auth() json.RawMessage {
	if c.Handshake == nil {
		return nil
	}
	return c.Handshake.Auth
}

// TLS returns the state of the client's TLS connection, with its certificates. It is nil without TLS, and if a proxy has
// ended TLS.
func (c *Credentials) TLS() *tls.ConnectionState {
	if c.Handshake != nil {
		return c.Handshake.TLS
	}
	if c.Request == nil {
		return nil
	}
	if extra, ok := c.Request.Extra.(interface{ RequestTLS() *tls.ConnectionState }); ok {
		return extra.RequestTLS()
	}
	return nil
}

// authenticate asks the authenticators from whom the request comes. An error becomes the answer of the request, unless
// the transport has found another one.
func (api *API) authenticate(ctx context.Context, authenticators []Authenticator, req *Request) {
	if !req.bringsCredentials() {
		return
	}
	id, err := identify(ctx, authenticators, req.credentials())
	if err != nil {
		if _, page := req.Err.(*pageError); page || req.Err == nil {
			req.Err = err
		}
	}
	if !id.Known() {
		req.identity.Store(anonymous) // a request that is dispatched again does not ask again
		return
	}
	known := id // only a known caller needs the memory
	req.identity.Store(&known)
}

// credentials returns the credentials of the request. Package web has room for them next to the request.
func (r *Request) credentials() *Credentials {
	room, ok := r.Extra.(interface{ CredentialsRoom() *Credentials })
	if !ok {
		return &Credentials{API: r.API, Request: r}
	}
	c := room.CredentialsRoom()
	c.API, c.Request = r.API, r
	return c
}

// bringsCredentials reports whether the identity of the request is not known yet and may be in its headers.
func (r *Request) bringsCredentials() bool {
	return r.Job == nil && r.Conn == nil && r.caller == nil && r.Extra != nil && r.identity.Load() == nil
}

func identify(ctx context.Context, authenticators []Authenticator, c *Credentials) (Identity, error) {
	for _, authenticator := range authenticators {
		id, err := authenticator(ctx, c)
		if err != nil {
			return Identity{}, err // a middleware must not take the caller for one whose password was wrong
		}
		if id.Known() {
			return id, nil
		}
	}
	return Identity{}, nil
}

// identifyConn asks the authenticators from whom the connection c comes.
func (api *API) identifyConn(ctx context.Context, authenticators []Authenticator, c *Conn, h *Handshake) error {
	id, err := identify(ctx, authenticators, &Credentials{API: api, Conn: c, Handshake: h})
	if err == nil && id.Known() {
		c.storeIdentity(func(*Identity) (Identity, bool) { return id, true })
	}
	return err
}
