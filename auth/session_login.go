package auth

import (
	"context"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
)

// maxAgent is the number of bytes of a header User-Agent that a session keeps.
const maxAgent = 256

// Login makes the client of the request that is handled with ctx the user id. Call it in an action that has checked who
// the client is.
//
// Over HTTP, Login makes a session, and the response sets its cookie. The session of the cookie that the request has sent
// ends, and its connections are closed: so an id that an attacker has planted before the login is worth nothing, and the
// id changes when the rights of the user do. Call Login again after that change. If id.Scopes is nil, it becomes "*".
// If id.ExpiresAt is earlier than the absolute end of the session, the session ends then. Claims come back as JSON gives
// them: a number is a float64.
//
// Over TCP, WebSocket and Socket.IO, Login changes this connection alone, until it ends, and makes no session: the client
// could not get the cookie. A page logs in over HTTP and then connects.
//
// Over plain HTTP, the cookie has no protection on its way. On localhost, Login sets it for development. From elsewhere,
// Login returns an error of CodePermissionDenied that names the remedy, unless SessionConfig.PlainHTTP is set. Other
// errors are those of the store, such as CodeUnavailable; then the client is not logged in.
func (s *Sessions) Login(ctx context.Context, id actionhero.Identity) error {
	req := clientOf(ctx)
	switch {
	case id.ID == "":
		return errors.New("auth: Login was called with an Identity without an ID")
	case !id.ExpiresAt.IsZero() && !id.ExpiresAt.After(time.Now()):
		return errors.New("auth: Login was called with an Identity whose ExpiresAt has passed")
	case req == nil:
		return errNoClient
	case !s.node(req.API).isPart.Load():
		return errors.New("auth: Login was called with Sessions that are no part of the app: list them with the actions, so that they find the user again")
	case req.Conn == nil && req.Info() != nil && req.Info().IdempotencyKey != actionhero.KeyIgnored:
		return errors.New("auth: Login was called in an action with an IdempotencyKey, which would give its cookie to a second client, and store it: leave IdempotencyKey out")
	}
	id = s.complete(id)
	if req.Conn != nil {
		return req.Identify(ctx, func(ctx context.Context) (actionhero.Identity, error) {
			s.node(req.API).bind(req.Conn, holder{user: id.ID}) // first, so that a RevokeAll from now on closes it
			return s.entering(ctx, id)
		})
	}
	plain, err := s.carried(req)
	if err != nil {
		return err
	}
	return s.loginHTTP(ctx, req, id, plain)
}

// complete returns the identity with the scopes and the end that it has by default.
func (s *Sessions) complete(id actionhero.Identity) actionhero.Identity {
	if id.Scopes == nil {
		id.Scopes = []string{actionhero.AnyScope}
	}
	if end := time.Now().Add(s.cfg.Absolute); id.ExpiresAt.IsZero() || id.ExpiresAt.After(end) {
		id.ExpiresAt = end
	}
	id.ExpiresAt = id.ExpiresAt.UTC().Truncate(time.Millisecond)
	return id
}

// clientOf returns the request that a client has made and that is handled with ctx, or nil.
func clientOf(ctx context.Context) *actionhero.Request {
	req := actionhero.RequestFrom(ctx)
	if req == nil || req.Job != nil {
		return nil
	}
	if req = req.Outer(); req.Conn == nil && req.Transport != actionhero.TransportWeb && req.Transport != "test" {
		return nil
	}
	return req
}

// carried reports whether the cookie of a new session is the one for plain HTTP, or returns an error if the session must
// not be made.
func (s *Sessions) carried(req *actionhero.Request) (plain bool, err error) {
	c, ok := req.Extra.(carrier)
	if !ok {
		return false, nil // a test
	}
	scheme, host := c.RequestTarget()
	switch {
	case scheme == "https":
		return false, nil
	case s.cfg.PlainHTTP:
		return true, nil
	case isLocal(req, host):
		s.warned.Do(func() {
			req.API.Log().Warn("a login over plain HTTP on localhost has got a cookie without protection, for development", "cookie", s.plain)
		})
		return true, nil
	}
	s.refusals.Warn(req.API.Log(), "logins over plain HTTP are refused: switch HTTPS on, or list the proxy that ends it in commonWeb.trustedProxies", "host", browserguard.Shown(host), "from", req.RemoteIP)
	return false, actionhero.Errorf(actionhero.CodePermissionDenied, "a login needs HTTPS: switch HTTPS on, or list the proxy that ends it in commonWeb.trustedProxies")
}

func (s *Sessions) loginHTTP(ctx context.Context, req *actionhero.Request, id actionhero.Identity, plain bool) error {
	who, err := s.entering(ctx, id)
	if err != nil {
		return err
	}
	old, before, had, err := s.sessionOf(ctx, req)
	if err != nil {
		return err
	}
	now := time.Now().UTC()
	r := &record{
		User: id.ID, Roles: id.Roles, Scopes: id.Scopes, Claims: id.Claims, Created: now, Seen: now, End: id.ExpiresAt,
		IP: req.RemoteIP, Agent: cut(req.Header("User-Agent"), maxAgent), Plain: plain,
	}
	text := newID()
	k := keyOf(text)
	removed, err := s.create(ctx, req.API, k, r)
	if len(removed) > 0 {
		s.announce(ctx, req.API, endedInput{User: id.ID, Keys: removed})
	}
	if err != nil {
		return fmt.Errorf("a session was not stored: %w", err)
	}
	if had {
		if err := s.end(ctx, req.API, before.User, old, true); err != nil {
			return errors.Join(err, s.end(context.WithoutCancel(ctx), req.API, id.ID, k, false))
		}
	}
	setCookie(req, s.nameOf(plain), text, plain, time.Until(r.End))
	return req.SetIdentity(ctx, who)
}

// entering is current for a login, which fails if the user is gone.
func (s *Sessions) entering(ctx context.Context, id actionhero.Identity) (actionhero.Identity, error) {
	who, err := s.current(ctx, id)
	if err == nil && !who.Known() {
		err = actionhero.Errorf(actionhero.CodeUnauthenticated, "this user does not exist any more")
	}
	return who, err
}

// cut returns the beginning of a text as valid UTF-8.
func cut(text string, most int) string {
	if len(text) > most {
		text = text[:most]
		for len(text) > 0 && !utf8.ValidString(text[max(len(text)-utf8.UTFMax, 0):]) && len(text) > most-utf8.UTFMax {
			text = text[:len(text)-1]
		}
	}
	return text
}

// Logout makes the client of the request that is handled with ctx anonymous, and ends its session: over HTTP, the response
// deletes the cookie, and the connections of the session are closed on all nodes. Called for a connection, Logout keeps
// that connection. A client that is not logged in gets no error.
func (s *Sessions) Logout(ctx context.Context) error {
	req := clientOf(ctx)
	if req == nil {
		return errNoClient
	}
	if req.Conn != nil {
		n := s.node(req.API)
		before := n.bind(req.Conn, holder{})
		err := req.SetIdentity(ctx, actionhero.Identity{}) // a failing Join must not keep the session
		if before.has {
			if failed := s.end(ctx, req.API, before.user, before.key, false); failed != nil {
				n.bind(req.Conn, before) // so that the call can be repeated
				err = errors.Join(err, failed)
			}
		}
		return err
	}
	k, e, ok, err := s.sessionOf(ctx, req)
	switch {
	case err == nil && ok:
		err = s.end(ctx, req.API, e.User, k, false)
	case err == nil && k != (key{}):
		err = s.node(req.API).dropLost(ctx)
	}
	if err != nil {
		return err
	}
	if id, plain := s.sent(req.Header("Cookie")); id != "" {
		deleteCookie(req, s.nameOf(plain), plain)
	}
	return req.SetIdentity(ctx, actionhero.Identity{})
}
