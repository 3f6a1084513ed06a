package auth_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/textproto"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
)

// A session ends 24 hours after its latest request.
func TestASessionEndsWhenItIsIdle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t, newSite(auth.SessionConfig{}).parts)
		c := &cookies{api: api}
		c.login(t, "ann")
		for range 2 {
			actionherotest.Advance(t, 24*time.Hour-time.Second)
			c.want(t, "ann")
		}
		actionherotest.Advance(t, 24*time.Hour+time.Minute)
		c.want(t, "")
		if c.header != "" {
			t.Error("the answer to the cookie of an ended session keeps the cookie")
		}
	})
}

// A session ends some time after its login, also if it is in use.
func TestASessionEndsWhenItIsOld(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t, newSite(auth.SessionConfig{Idle: time.Hour, Absolute: 5 * time.Hour}).parts)
		c := &cookies{api: api}
		c.login(t, "ann")
		for range 5 {
			actionherotest.Advance(t, 59*time.Minute+50*time.Second)
			c.want(t, "ann")
		}
		actionherotest.Advance(t, 50*time.Second)
		c.want(t, "")
	})
}

// An identity that ends earlier than its session ends the session.
func TestAnEarlierEndOfTheIdentityHolds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newSite(auth.SessionConfig{})
		end := time.Now().Add(time.Hour)
		api := actionherotest.New(t, app.parts, loginUntil(app, end))
		c := &cookies{api: api}
		if _, err := c.run(t, "loginUntil", nil); err != nil {
			t.Fatal(err)
		}
		actionherotest.Advance(t, time.Until(end)-time.Millisecond)
		c.want(t, "ann")
		actionherotest.Advance(t, time.Millisecond)
		c.want(t, "")
	})
}

// loginUntil is an action that logs in until a time.
func loginUntil(app *site, end time.Time) actionhero.Part {
	return actionhero.Action[none, none]{Name: "loginUntil", Access: actionhero.Public, Run: func(ctx context.Context, _ none) (none, error) {
		return none{}, app.Login(ctx, actionhero.Identity{ID: "ann", ExpiresAt: end})
	}}
}

// The use of a session is stored once a minute.
func TestTheUseOfASessionIsStoredOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newSite(auth.SessionConfig{})
		api := actionherotest.New(t, app.parts)
		c, start := &cookies{api: api}, time.Now()
		c.login(t, "ann")
		for _, step := range []struct{ at, seen time.Duration }{{30 * time.Second, 0}, {59 * time.Second, 0}, {61 * time.Second, 61 * time.Second}, {2 * time.Minute, 61 * time.Second}} {
			actionherotest.Advance(t, time.Until(start.Add(step.at)))
			c.want(t, "ann")
			list, err := app.List(t.Context(), api, "ann")
			if err != nil || len(list) != 1 || list[0].LastSeen.Sub(start) != step.seen {
				t.Errorf("at %v the list is %+v, %v", step.at, list, err)
			}
		}
	})
}

// handshakeWith has the cookie of a client.
func handshakeWith(c *cookies) *actionhero.Handshake {
	return &actionhero.Handshake{Header: textproto.MIMEHeader(http.Header{"Cookie": {c.header}})}
}

// An open connection keeps its session in use. At the absolute end, and when the session is gone from the store, the
// connection is closed.
func TestAConnectionLivesAsLongAsItsSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		app := newSite(auth.SessionConfig{Idle: time.Hour, Absolute: 3 * time.Hour})
		api := actionherotest.New(t, app.parts)
		c, lost := &cookies{api: api}, &cookies{api: api}
		c.login(t, "ann")
		lost.login(t, "bob")
		conn, err := actionherotest.Dial(t, api, "defaultRoom", handshakeWith(c))
		other, err2 := actionherotest.Dial(t, api, "defaultRoom", handshakeWith(lost))
		if err := errors.Join(err, err2); err != nil || conn.Identity().ID != "ann" {
			t.Fatal(err)
		}
		if n, err := api.Cache.Clear(t.Context(), "_session:session:"); n != 2 || err != nil {
			t.Fatalf("%d sessions were removed, %v", n, err)
		}
		actionherotest.Advance(t, time.Minute)
		if other.Closed() != "your session has ended: log in again" {
			t.Errorf("a connection without its session is closed with %q", other.Closed())
		}
		c.login(t, "ann")
		if conn, err = actionherotest.Dial(t, api, "defaultRoom", handshakeWith(c)); err != nil {
			t.Fatal(err)
		}
		actionherotest.Advance(t, 3*time.Hour-time.Minute)
		if conn.Closed() != "" || conn.Identity().ID != "ann" {
			t.Fatalf("a connection with its session is closed with %q", conn.Closed())
		}
		c.want(t, "ann")
		actionherotest.Advance(t, time.Minute+10*time.Second)
		if conn.Closed() == "" {
			t.Error("a connection is open after the end of its session")
		}
	})
}

// A node that is cut off when a session ends refuses the session within 5 seconds, closes its connections within a
// minute, and does not bring it back.
func TestANodeThatMissesAnEndCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := memcluster.New(t)
		app := newSite(auth.SessionConfig{})
		far := net.Node()
		a, b := nodeOf(t, app, net.Node(), "a"), nodeOf(t, app, far, "b")
		c := &cookies{api: a}
		c.login(t, "ann")
		cookie := c.header
		atB := func() *cookies { return &cookies{api: b, header: cookie} }
		atB().want(t, "ann")
		conn, err := actionherotest.Dial(t, b, "defaultRoom", handshakeWith(c))
		if err != nil {
			t.Fatal(err)
		}
		actionherotest.Advance(t, 58*time.Second)
		atB().want(t, "ann") // b remembers the session
		far.Cut()
		if err := app.RevokeAll(t.Context(), a, "ann"); err != nil {
			t.Fatal(err)
		}
		far.Heal()
		atB().want(t, "ann")
		actionherotest.Advance(t, 3*time.Second) // b still remembers it, and stores that it is in use
		atB().want(t, "")
		actionherotest.Advance(t, time.Minute)
		atB().want(t, "")
		if conn.Closed() != "your session has ended: log in again" {
			t.Errorf("its connection is closed with %q", conn.Closed())
		}
		if keys := keysOf(t, a); len(keys) > 0 {
			t.Errorf("the store has %q", keys)
		}
	})
}

// A node that is cut off when the roles of a user change gives them to its connections within a minute.
func TestANodeThatMissesNewRolesCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := memcluster.New(t)
		app := newSite(auth.SessionConfig{})
		far := net.Node()
		a, b := nodeOf(t, app, net.Node(), "a"), nodeOf(t, app, far, "b")
		c := &cookies{api: a}
		c.login(t, "ann")
		conn, err := actionherotest.Dial(t, b, "defaultRoom", handshakeWith(c))
		if err != nil {
			t.Fatal(err)
		}
		far.Cut()
		if err := app.SetIdentity(t.Context(), a, actionhero.Identity{ID: "ann", Roles: []string{"admin"}}); err != nil {
			t.Fatal(err)
		}
		far.Heal()
		if conn.Identity().HasRole("admin") {
			t.Fatal("the node was not cut off")
		}
		actionherotest.Advance(t, 61*time.Second)
		if !conn.Identity().HasRole("admin") || conn.Identity().ExpiresAt.IsZero() {
			t.Errorf("the connection has the identity %+v", conn.Identity())
		}
	})
}

// hooked is a backend that calls functions before the next write of a session, and after the next read.
type hooked struct {
	backend.Backend
	before, after atomic.Pointer[func()]
}

type hookedStore struct {
	backend.Store
	h *hooked
}

func (h *hooked) Store() backend.Store { return hookedStore{h.Backend.Store(), h} }

func (s hookedStore) Set(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if strings.HasPrefix(key, "_session:") {
		if before := s.h.before.Swap(nil); before != nil {
			(*before)()
		}
	}
	return s.Store.Set(ctx, key, value, ttl)
}

func (s hookedStore) Get(ctx context.Context, key string) (backend.Entry, error) {
	e, err := s.Store.Get(ctx, key)
	if strings.HasPrefix(key, "_session:") {
		if after := s.h.after.Swap(nil); after != nil {
			(*after)()
		}
	}
	return e, err
}

// A session that ends while a request reads it is not remembered.
func TestASessionThatEndsDuringAReadIsForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &hooked{Backend: local.New(local.Config{})}
		app := newSite(auth.SessionConfig{})
		api := nodeOf(t, app, b, "a")
		c := &cookies{api: api}
		c.login(t, "ann")
		actionherotest.Advance(t, 6*time.Second) // the node has forgotten it
		end := func() {
			if err := app.RevokeAll(t.Context(), api, "ann"); err != nil {
				t.Error(err)
			}
		}
		b.after.Store(&end)
		c.want(t, "ann") // it was read before the end
		c.want(t, "")

		c.login(t, "ann")
		actionherotest.Advance(t, 6*time.Second)
		change := func() {
			if err := app.SetIdentity(t.Context(), api, actionhero.Identity{ID: "ann", Roles: []string{"admin"}}); err != nil {
				t.Error(err)
			}
		}
		b.after.Store(&change)
		conn, err := actionherotest.Dial(t, api, "defaultRoom", handshakeWith(c))
		if err != nil || !conn.Identity().HasRole("admin") || conn.Identity().ExpiresAt.IsZero() {
			t.Errorf("a connection whose session has changed meanwhile: %v", err)
		}
		actionherotest.Advance(t, 6*time.Second)
		b.after.Store(&end)
		_, err = actionherotest.Dial(t, api, "defaultRoom", handshakeWith(c))
		if failure := actionhero.AsError(err); failure == nil || failure.Code != actionhero.CodeUnauthenticated {
			t.Errorf("a connection whose session has ended meanwhile: %v", err)
		}
	})
}

// A node that pauses in the middle of a write, until its lock has expired, brings no session back that has ended meanwhile:
// neither one in use, nor a new one.
func TestALateWriteBringsNoSessionBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &hooked{Backend: local.New(local.Config{})}
		app := newSite(auth.SessionConfig{})
		api := nodeOf(t, app, b, "a")
		c := &cookies{api: api}
		c.login(t, "ann")
		cookie := c.header
		actionherotest.Advance(t, 2*time.Minute)
		pause := func() {
			time.Sleep(11 * time.Second) // the lock expires after 10
			if err := app.RevokeAll(t.Context(), api, "ann"); err != nil {
				t.Error(err)
			}
		}
		b.before.Store(&pause)
		c.want(t, "")
		if b.before.Load() != nil {
			t.Fatal("the use of the session was not stored")
		}
		c.header = cookie
		c.want(t, "")
		b.before.Store(&pause)
		_, err := c.run(t, "login", nil)
		if failure := actionhero.AsError(err); failure == nil || failure.Code != actionhero.CodeConflict {
			t.Errorf("a login that was late: %v", err)
		}
		if keys := keysOf(t, api); len(keys) > 0 {
			t.Errorf("the store has %q", keys)
		}
	})
}

// keysOf returns the keys of the store.
func keysOf(t *testing.T, api *actionhero.API) (keys []string) {
	t.Helper()
	for key, err := range api.Cache.Keys(t.Context(), "_session") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
	}
	return keys
}

// nodeOf starts a node of a cluster with the app, without transports.
func nodeOf(t *testing.T, app *site, node backend.Backend, id string) *actionhero.API {
	t.Helper()
	api, err := actionhero.New(actionhero.Config{ID: id, Backend: node, Log: slog.New(slog.DiscardHandler)}, app.parts)
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return api
}
