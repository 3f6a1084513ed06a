package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
)

// SessionConfig has the choices of [NewSessions]. The zero value is fit for production.
type SessionConfig struct {
	// Cookie is the name of the cookie over plain HTTP: 1 to 32 letters and digits. Over HTTPS, "__Host-" stands in front of
	// it. Two Sessions of one app need different names. Default: "session".
	Cookie string
	// Idle is the time without a request after which a session ends, from 10 s to Absolute. A connection of the session
	// counts as a request. Default: 24 hours.
	Idle time.Duration
	// Absolute is the time after the login at which a session ends, also if it is in use, from 1 minute to 400 days.
	// Default: 30 days.
	Absolute time.Duration
	// PerUser is the number of sessions that a user may have, from 1 to 1,000. A further login ends the oldest one.
	// Default: 50.
	PerUser int
	// PlainHTTP allows logins over plain HTTP also from other hosts than localhost. Any network on the way can then read and
	// use the cookie.
	PlainHTTP bool
	// Identity returns the identity that the user of a session has now, for example with the roles in the database, so that
	// a role that is taken away counts at once and needs no SetIdentity. It gets the identity of the login. It is called for
	// each request over HTTP and when a connection opens. For open connections it is called about once a minute: call a
	// method of [actionhero.Conns.User] to change them at once. The ID must be the same; without Scopes, those of the login
	// stay. The zero Identity means that the user is gone: the caller is anonymous. An error refuses the request. Default:
	// the identity of the login, or of the latest SetIdentity.
	Identity func(ctx context.Context, who actionhero.Identity) (actionhero.Identity, error)
}

// Sessions are the logins of users with browsers. NewSessions makes them. They are a [actionhero.Part] of the app, with an
// [actionhero.Authenticator] that finds the session by its cookie: for each request over HTTP, and for a connection over
// WebSocket or Socket.IO when it opens. A visitor who is not logged in has no session, and no cookie.
//
// Sessions are in the store of the backend, so all nodes of a cluster know them. A backend that is a [backend.Keeper] also
// has them in files, so that they survive a restart. The store and the files have a hash of the id in the cookie, and never the id. A node remembers a session for 5 seconds, but the end of a session reaches all nodes at once.
//
// A cookie of a session that has ended makes an anonymous caller, and the answer deletes the cookie.
type Sessions struct {
	sessionPart

	cfg    SessionConfig
	plain  string // the name of the cookie over plain HTTP
	host   string // the name of the cookie over HTTPS
	record actionhero.CacheOf[record]
	index  actionhero.CacheOf[[]indexEntry]
	ended  actionhero.NodeCall[endedInput, actionhero.None]
	change actionhero.NodeCall[changedInput, actionhero.None]
	of     actionhero.ConnValue[holder]
	nodes  sync.Map             // *actionhero.API: *node
	last   atomic.Pointer[node] // the node that has started last: nearly always the only one

	warned   sync.Once // of a cookie for development
	refusals browserguard.Refusals
}

// sessionPart hides the embedded Part, whose methods make Sessions a Part.
type sessionPart = actionhero.Part

var cookieName = regexp.MustCompile(`^[A-Za-z0-9]{1,32}$`)

// NewSessions returns the sessions of an app. If a field of the configuration is out of range, NewSessions panics with a
// sentence that names it: sessions are declared when a program starts.
func NewSessions(cfg SessionConfig) *Sessions {
	cfg.Cookie = cmp.Or(cfg.Cookie, "session")
	cfg.Absolute = cmp.Or(cfg.Absolute, 30*24*time.Hour)
	cfg.Idle = cmp.Or(cfg.Idle, min(24*time.Hour, cfg.Absolute))
	cfg.PerUser = cmp.Or(cfg.PerUser, 50)
	if err := cfg.check(); err != nil {
		panic(err.Error())
	}
	s := &Sessions{
		cfg: cfg, plain: cfg.Cookie, host: "__Host-" + cfg.Cookie,
		record: actionhero.CacheOf[record]{Prefix: "_session:" + cfg.Cookie + ":"},
		index:  actionhero.CacheOf[[]indexEntry]{Prefix: "_sessions:" + cfg.Cookie + ":"},
	}
	s.ended = actionhero.NodeCall[endedInput, actionhero.None]{Name: "auth.sessions." + cfg.Cookie + ".ended", Run: s.forget}
	s.change = actionhero.NodeCall[changedInput, actionhero.None]{Name: "auth.sessions." + cfg.Cookie + ".changed", Run: s.changed}
	s.sessionPart = actionhero.Parts{
		actionhero.Authenticator(s.authenticate),
		actionhero.SecurityScheme{Name: cfg.Cookie, Type: "apiKey", In: "cookie", Key: s.host, Description: "The cookie of a login over HTTPS. On localhost without HTTPS its name is " + s.plain + "."},
		actionhero.ConnMiddleware{Connect: s.connect, Disconnect: s.disconnect},
		actionhero.StreamMiddleware{Begin: s.streamBegins, End: s.streamEnds},
		s.ended, s.change,
		actionhero.Initializer{Name: "sessions " + cfg.Cookie, Start: s.start, Stop: s.stop},
	}
	return s
}

func (c *SessionConfig) check() error {
	switch {
	case !cookieName.MatchString(c.Cookie):
		return fmt.Errorf("SessionConfig.Cookie is %q: use 1 to 32 letters and digits", c.Cookie)
	case c.Absolute < time.Minute || c.Absolute > 400*24*time.Hour:
		return fmt.Errorf("SessionConfig.Absolute is %v: use from 1 minute to 400 days, which is the longest time of a cookie", c.Absolute)
	case c.Idle < 10*time.Second || c.Idle > c.Absolute:
		return fmt.Errorf("SessionConfig.Idle is %v: use from 10s to the Absolute, which is %v", c.Idle, c.Absolute)
	case c.PerUser < 1 || c.PerUser > 1000:
		return fmt.Errorf("SessionConfig.PerUser is %d: use from 1 to 1000", c.PerUser)
	}
	return nil
}

// interval is the shortest time between two writes of one session that only renew its idle time.
func (s *Sessions) interval() time.Duration { return min(time.Minute, s.cfg.Idle/10) }

// Session describes a session for its user, see [Sessions.List].
type Session struct {
	ID        string    `json:"id"` // for Revoke; it does not let its reader act as the user
	CreatedAt time.Time `json:"createdAt"`
	LastSeen  time.Time `json:"lastSeen"` // the latest request, up to a minute late; with connections alone, up to 10 minutes late
	ExpiresAt time.Time `json:"expiresAt"`
	IP        string    `json:"ip"`        // the address of the login
	UserAgent string    `json:"userAgent"` // of the login, up to 256 bytes
	Current   bool      `json:"current"`   // whether the request that asks belongs to it
}

// authenticate is the Authenticator.
func (s *Sessions) authenticate(ctx context.Context, c *actionhero.Credentials) (none actionhero.Identity, err error) {
	id, plain := s.credential(c)
	if id == "" {
		return none, nil
	}
	k, n := keyOf(id), s.node(c.API)
	var e *entry
	if c.Request != nil { // its beginning is exact enough: each reading of the clock counts
		e, err = n.findAt(ctx, k, c.Request.Started.Sub(n.base))
	} else {
		e, err = n.find(ctx, k)
	}
	switch {
	case err != nil:
		return none, err
	case e == nil || e.Plain != plain:
		if c.Request != nil && (e == nil || !e.Rotated) {
			deleteCookie(c.Request, s.nameOf(plain), plain)
		}
		return none, nil
	case e.Rotated:
		return none, nil
	}
	if c.Conn != nil {
		s.of.Set(c.Conn, holder{user: e.User, key: k, has: true})
	}
	return s.current(ctx, e.identity)
}

// current returns the identity that the user of a session with the identity who has now.
func (s *Sessions) current(ctx context.Context, who actionhero.Identity) (now actionhero.Identity, err error) {
	if s.cfg.Identity == nil {
		return who, nil
	}
	now, err = s.cfg.Identity(ctx, who)
	switch {
	case err != nil || !now.Known():
		return actionhero.Identity{}, err
	case now.ID != who.ID:
		return actionhero.Identity{}, fmt.Errorf("SessionConfig.Identity has returned the user %q for a session of %q: the ID must stay", now.ID, who.ID)
	case now.Scopes == nil:
		now.Scopes = who.Scopes
	}
	if now.ExpiresAt.IsZero() || who.ExpiresAt.Before(now.ExpiresAt) {
		now.ExpiresAt = who.ExpiresAt
	}
	return now, nil
}

// sessionOf returns the session of a request: of its connection, or of its cookie. ok is false if it has none.
func (s *Sessions) sessionOf(ctx context.Context, req *actionhero.Request) (k key, e *entry, ok bool, err error) {
	if req.Conn != nil {
		h, _ := s.of.Get(req.Conn)
		if !h.has {
			return k, nil, false, nil
		}
		k = h.key
		e, err = s.node(req.API).find(ctx, k)
		return k, e, err == nil && e != nil && !e.Rotated, err
	}
	id, plain := s.credential(&actionhero.Credentials{Request: req})
	if id == "" {
		return k, nil, false, nil
	}
	k = keyOf(id)
	e, err = s.node(req.API).find(ctx, k)
	return k, e, err == nil && e != nil && !e.Rotated && e.Plain == plain, err
}

// errNoClient is the error of a login or logout without a client.
var errNoClient = errors.New("auth: a login or a logout needs a client: call it in an action that runs over HTTP or for a connection")
