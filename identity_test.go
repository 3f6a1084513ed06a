package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
)

// ownRooms lets a user into the rooms that begin with the user's id, and each client into the room "hall".
var ownRooms = actionhero.RoomMiddleware{Join: func(ctx context.Context, c *actionhero.Conn, room string) error {
	if who := actionhero.IdentityFrom(ctx); who.ID != c.Identity().ID {
		return fmt.Errorf("the context says %q and the connection %q", who.ID, c.Identity().ID)
	}
	if room == "broken" {
		return errors.New("the database is gone")
	}
	if id := c.Identity().ID; room != "hall" && (id == "" || !strings.HasPrefix(room, id)) {
		return actionhero.Errorf(actionhero.CodePermissionDenied, "members only")
	}
	return nil
}}

// A client that becomes another user, or anonymous, is in no room any more that the new user may not enter, and reads no
// message of it.
func TestRoomsAreAskedAgainAboutANewIdentity(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, ownRooms)
	ctx := t.Context()
	c := actionherotest.Connect(t, api, "hall")
	if err := api.Rooms.Join(ctx, c.Conn, "ann 1"); actionhero.AsError(err).Code != actionhero.CodePermissionDenied {
		t.Errorf("an anonymous client enters: %v", err)
	}
	steps(t, c.SetIdentity(ctx, actionhero.Identity{ID: "ann"}), api.Rooms.Join(ctx, c.Conn, "ann 1"), api.Rooms.Move(ctx, c.Conn, "ann 2"))
	steps(t, c.SetIdentity(ctx, actionhero.Identity{ID: "ann", Roles: []string{"more"}}))
	if got := c.Rooms(); !slices.Equal(got, []string{"ann 1", "ann 2"}) {
		t.Errorf("the same user is in %q", got)
	}
	steps(t, api.Rooms.Join(ctx, c.Conn, "hall"), c.SetIdentity(ctx, actionhero.Identity{ID: "bob"}))
	if got := c.Rooms(); !slices.Equal(got, []string{"hall"}) || c.Room() != "" {
		t.Errorf("another user is in %q, and its current room is %q", got, c.Room())
	}
	c.Messages()
	steps(t, api.Rooms.Broadcast(ctx, "ann 1", "secret"), api.Rooms.Broadcast(ctx, "ann 2", "secret"), api.Rooms.Broadcast(ctx, "hall", "open"))
	if got := c.Next(t); got.Body != `"open"` {
		t.Errorf("the client reads %v", got)
	}
	if status, err := api.Rooms.Status(ctx, "ann 2"); err != nil || status.MembersCount != 0 {
		t.Errorf("the room has %d members, %v", status.MembersCount, err)
	}
	steps(t, c.SetIdentity(ctx, actionhero.Identity{}))
	if c.Identity().Known() {
		t.Error("the client is known after its logout")
	}
}

// A room whose Join fails has not decided, and keeps no client: SetIdentity says so.
func TestARoomThatCannotDecideIsLeft(t *testing.T) {
	t.Parallel()
	fails := false
	api := actionherotest.New(t, actionhero.RoomMiddleware{Join: func(context.Context, *actionhero.Conn, string) error {
		if fails {
			return errors.New("the database is gone")
		}
		return nil
	}})
	c := actionherotest.Connect(t, api, "hall")
	fails = true
	if err := c.SetIdentity(t.Context(), actionhero.Identity{ID: "ann"}); actionhero.AsError(err).Code != actionhero.CodeInternal {
		t.Errorf("SetIdentity returned %v", err)
	}
	if c.Room() != "" || c.Identity().ID != "ann" {
		t.Errorf("%q is in %q", c.Identity().ID, c.Room())
	}
}

// However entering and logging out interleave, an anonymous client is in no room that refuses it.
func TestEnteringDoesNotOutrunALogout(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, ownRooms)
	for range 200 {
		c := actionherotest.Connect(t, api, "")
		steps(t, c.SetIdentity(t.Context(), actionhero.Identity{ID: "ann"}), api.Rooms.Move(t.Context(), c.Conn, "ann 1"))
		var both sync.WaitGroup
		both.Go(func() { _ = api.Rooms.Join(t.Context(), c.Conn, "ann 2") })
		both.Go(func() { _ = api.Rooms.Move(t.Context(), c.Conn, "ann 1") })
		steps(t, c.SetIdentity(t.Context(), actionhero.Identity{}))
		both.Wait()
		if got := c.Rooms(); len(got) > 0 {
			t.Fatalf("an anonymous client is in %q", got)
		}
		c.Disconnect()
	}
}

// An identity ends at its time: the connection is closed, with the reason, and is anonymous before that.
func TestAnIdentityEndsAtItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t)
		ann, bob := actionherotest.Connect(t, api, "hall"), actionherotest.Connect(t, api, "hall")
		steps(t, ann.SetIdentity(t.Context(), actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(time.Minute)}))
		steps(t, bob.SetIdentity(t.Context(), actionhero.Identity{ID: "bob", ExpiresAt: time.Now().Add(time.Hour)}))
		time.Sleep(59 * time.Second)
		if !ann.Identity().Known() || ann.Closed() != "" {
			t.Error("the identity has ended too early")
		}
		time.Sleep(time.Second)
		if ann.Identity().Known() {
			t.Error("the identity has not ended")
		}
		time.Sleep(10 * time.Second)
		if got := ann.Closed(); got != "your login has expired: connect again" || bob.Closed() != "" {
			t.Errorf("the connections were closed with %q and %q", got, bob.Closed())
		}
	})
}

// The identity of a client ends at its time also if it was accepted slowly.
func TestTheIdentityOfASlowlyAcceptedClientEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		login := actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
			return actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(time.Minute)}, nil
		})
		slow := actionhero.ConnMiddleware{Connect: func(context.Context, *actionhero.Conn, *actionhero.Handshake) error {
			time.Sleep(7 * time.Second)
			return nil
		}}
		api := actionherotest.New(t, login, slow, actionhero.DefaultAccess(actionhero.Public))
		c := actionherotest.Connect(t, api, "hall")
		time.Sleep(5 * time.Minute)
		if c.Closed() == "" {
			t.Error("the connection is still open, 4 minutes after the end of its identity")
		}
	})
}

// A look for expired identities may miss one that comes meanwhile. The next look sees it.
func TestALookMissesNoIdentityForEver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t)
		c := actionherotest.Connect(t, api, "hall")
		ann := actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(time.Minute)}
		steps(t, c.SetIdentity(t.Context(), ann), c.SetIdentity(t.Context(), actionhero.Identity{}))
		api.LookForExpired(func() { steps(t, c.SetIdentity(t.Context(), ann)) })
		time.Sleep(2 * time.Minute)
		if c.Closed() == "" {
			t.Error("the connection is still open, a minute after the end of its identity")
		}
	})
}

type whoOutput struct {
	Who string `json:"who"`
}

// The function who returns an action that answers with the id of its caller.
func who(name string, access actionhero.Access) actionhero.Action[actionhero.None, whoOutput] {
	return actionhero.Action[actionhero.None, whoOutput]{Name: name, Access: access, Run: func(ctx context.Context, _ actionhero.None) (whoOutput, error) {
		if id, own := actionhero.IdentityFrom(ctx).ID, actionhero.RequestFrom(ctx).Identity().ID; id != own {
			return whoOutput{}, fmt.Errorf("the context says %q, the request %q", id, own)
		}
		return whoOutput{actionhero.IdentityFrom(ctx).ID}, nil
	}}
}

// An action that calls another acts as its own caller. Code of the app without a caller is trusted, unless it acts as an
// identity.
func TestACallActsAsItsCaller(t *testing.T) {
	t.Parallel()
	closed := who("closed", actionhero.Roles("admin"))
	front := actionhero.Action[actionhero.None, whoOutput]{Name: "front", Run: func(ctx context.Context, in actionhero.None) (whoOutput, error) {
		return closed.Call(ctx, actionhero.RequestFrom(ctx).API, in)
	}}
	asAdmin := actionhero.Action[actionhero.None, whoOutput]{Name: "asAdmin", Run: func(ctx context.Context, in actionhero.None) (whoOutput, error) {
		return closed.Call(actionhero.WithIdentity(ctx, actionhero.Identity{ID: "root", Roles: []string{"admin"}}), actionhero.RequestFrom(ctx).API, in)
	}}
	job := actionhero.Task[actionhero.None]{Name: "job", Run: func(ctx context.Context, in actionhero.None) (err error) {
		_, err = closed.Call(ctx, actionhero.RequestFrom(ctx).API, in)
		return err
	}}
	api := actionherotest.New(t, closed, front, asAdmin, job)
	ann, root := actionhero.Identity{ID: "ann"}, actionhero.Identity{ID: "root", Roles: []string{"admin"}}
	for _, test := range []struct {
		action string
		as     []actionherotest.Option
		who    string
		code   actionhero.Code
	}{
		{"front", nil, "", actionhero.CodeUnauthenticated},
		{"front", []actionherotest.Option{actionherotest.As(ann)}, "", actionhero.CodePermissionDenied},
		{"front", []actionherotest.Option{actionherotest.As(root)}, "root", 0},
		{"asAdmin", nil, "root", 0},
		{"asAdmin", []actionherotest.Option{actionherotest.As(ann)}, "root", 0},
	} {
		got, err := actionherotest.RunAs[whoOutput](t, api, test.action, nil, test.as...)
		if e := actionhero.AsError(err); got.Who != test.who || (e != nil) != (test.who == "") || e != nil && e.Code != test.code {
			t.Errorf("%s: %v, %v", test.action, got, err)
		}
	}
	if _, err := closed.Call(t.Context(), api, actionhero.None{}); err != nil {
		t.Errorf("the app itself: %v", err)
	}
	if _, err := closed.Call(actionhero.WithIdentity(t.Context(), ann), api, actionhero.None{}); actionhero.AsError(err).Code != actionhero.CodePermissionDenied {
		t.Errorf("the app as ann: %v", err)
	}
	if _, err := closed.Call(actionhero.WithIdentity(t.Context(), actionhero.Identity{}), api, actionhero.None{}); actionhero.AsError(err).Code != actionhero.CodeUnauthenticated {
		t.Errorf("the app as nobody: %v", err)
	}
	steps(t, actionherotest.RunTask(t, api, "job", nil))
}

// An action that logs a client in is heard by all that the client does next, also if another action calls it.
func TestALoginHoldsForTheConnection(t *testing.T) {
	t.Parallel()
	login := actionhero.Action[actionhero.None, actionhero.None]{Name: "login", Run: func(ctx context.Context, in actionhero.None) (actionhero.None, error) {
		req := actionhero.RequestFrom(ctx)
		err := req.SetIdentity(ctx, actionhero.Identity{ID: "ann"})
		if got := actionhero.IdentityFrom(ctx).ID; got != "ann" {
			err = errors.Join(err, fmt.Errorf("after the login the caller is %q", got))
		}
		return in, err
	}}
	outer := actionhero.Action[actionhero.None, whoOutput]{Name: "outer", Run: func(ctx context.Context, in actionhero.None) (whoOutput, error) {
		_, err := login.Call(ctx, actionhero.RequestFrom(ctx).API, in)
		return whoOutput{actionhero.IdentityFrom(ctx).ID}, err
	}}
	api := actionherotest.New(t, login, outer, who("who", actionhero.Authenticated))
	for _, action := range []string{"login", "outer"} {
		c := actionherotest.Connect(t, api, "hall")
		_, err := actionherotest.Run(t, api, action, nil, actionherotest.From(c))
		steps(t, err)
		if got, err := actionherotest.RunAs[whoOutput](t, api, "who", nil, actionherotest.From(c)); err != nil || got.Who != "ann" {
			t.Errorf("after %s: %v, %v", action, got, err)
		}
	}
	if got, err := actionherotest.RunAs[whoOutput](t, api, "outer", nil); err != nil || got.Who != "ann" {
		t.Errorf("without a connection: %v, %v", got, err)
	}
}

// An action is not known over a transport that may not call it.
func TestAnActionIsUnknownOverOtherTransports(t *testing.T) {
	t.Parallel()
	only := who("only", actionhero.Public)
	only.Transports = []string{actionhero.TransportTCP, actionhero.TransportCLI}
	only.Meta = map[string]any{"audit": true}
	var info *actionhero.ActionInfo
	api := actionherotest.New(t, only)
	api.Use(func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			info = req.Info()
			return next(ctx, req)
		}
	})
	for transport, known := range map[string]bool{
		actionhero.TransportTCP: true, actionhero.TransportCLI: true, actionhero.TransportWeb: false, actionhero.TransportWebSocket: false,
		actionhero.TransportSocketIO: false, "carrier-pigeon": false,
	} {
		_, err := actionherotest.Run(t, api, "only", nil, actionherotest.Over(transport))
		if e := actionhero.AsError(err); known != (err == nil) || e != nil && (e.Code != actionhero.CodeNotFound || e.Message != "only is not a known action.") {
			t.Errorf("over %s: %v", transport, err)
		}
		if info == nil || info.Meta["audit"] != true {
			t.Errorf("a middleware reads %v", info)
		}
	}
	if _, err := actionherotest.Run(t, api, "none", nil); err == nil || info != nil {
		t.Errorf("an unknown action: %v, %v", err, info)
	}
}

// A rule that cannot be meant is refused when it is registered, with the remedy.
func TestWrongRulesAreRefused(t *testing.T) {
	t.Parallel()
	type other struct{ A int }
	with := func(change func(*actionhero.Action[actionhero.None, whoOutput])) actionhero.Part {
		a := who("a", actionhero.Access{})
		change(&a)
		return a
	}
	for want, part := range map[string]actionhero.Part{
		"Roles without a role": with(func(a *actionhero.Action[actionhero.None, whoOutput]) { a.Access = actionhero.Roles() }),
		"an empty scope":       with(func(a *actionhero.Action[actionhero.None, whoOutput]) { a.Access = actionhero.Scopes("x", "") }),
		"takes actionhero.None": with(func(a *actionhero.Action[actionhero.None, whoOutput]) {
			a.Access = actionhero.Allow(func(context.Context, actionhero.Identity, other) error { return nil })
		}),
		"without a function": with(func(a *actionhero.Action[actionhero.None, whoOutput]) {
			a.Access = actionhero.Allow[actionhero.None](nil)
		}),
		"did you mean \"tcp\"":    with(func(a *actionhero.Action[actionhero.None, whoOutput]) { a.Transports = []string{"tpc"} }),
		"use TransportWeb":        with(func(a *actionhero.Action[actionhero.None, whoOutput]) { a.Transports = []string{"http"} }),
		"two DefaultAccess parts": actionhero.Parts{actionhero.DefaultAccess(actionhero.Public), actionhero.DefaultAccess(actionhero.Authenticated)},
		"has no rule":             actionhero.DefaultAccess(actionhero.Access{}),
		"needs the input":         actionhero.DefaultAccess(actionhero.Allow(func(context.Context, actionhero.Identity, actionhero.None) error { return nil })),
		"an Authenticator is nil": actionhero.Authenticator(nil),
	} {
		api := actionherotest.New(t)
		if err := api.Register(part); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}

// An app that asks who calls must say what the others may do.
func TestAStartWithoutADefaultAccessIsRefused(t *testing.T) {
	t.Parallel()
	known := actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
		return actionhero.Identity{}, nil
	})
	api := stoppedAPI(t, actionhero.Config{}, known)
	if err := api.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "actionhero.DefaultAccess(actionhero.Authenticated)") {
		t.Errorf("the start: %v", err)
	}
	steps(t, api.Register(actionhero.DefaultAccess(actionhero.Public)), api.Start(t.Context()), api.Stop(t.Context()))
}

// The authenticators are asked in their order, once for a request and once for a connection, until one knows the caller.
func TestAuthenticatorsAreAskedInTheirOrder(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	by := func(name string) actionhero.Authenticator {
		return func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, name)
			switch value := c.Cookie(name); value {
			case "panic":
				panic("as asked")
			case "error":
				return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "no")
			default:
				return actionhero.Identity{ID: value}, nil
			}
		}
	}
	twice := who("twice", actionhero.Access{})
	api := actionherotest.New(t, by("a"), by("b"), who("who", actionhero.Access{}), twice, actionhero.DefaultAccess(actionhero.Public))
	for _, test := range []struct {
		name, value string
		who, asked  string
		code        actionhero.Code
	}{
		{"c", "x", "", "[a b]", 0}, {"a", "ann", "ann", "[a]", 0}, {"b", "bob", "bob", "[a b]", 0},
		{"a", "error", "", "[a]", actionhero.CodeUnauthenticated}, {"b", "panic", "", "[a b]", actionhero.CodeInternal},
	} {
		asked = nil
		got, err := actionherotest.RunAs[whoOutput](t, api, "who", nil, actionherotest.WithCookie("x", `"y"`), actionherotest.WithCookie(test.name, test.value))
		if got.Who != test.who || fmt.Sprint(asked) != test.asked || test.code != 0 && actionhero.AsError(err).Code != test.code {
			t.Errorf("%v: %v, %v, asked %v", test, got, err, asked)
		}
		asked = nil
		c, err := actionherotest.Dial(t, api, "hall", &actionhero.Handshake{Header: map[string][]string{"Cookie": {"x=\"y\"; " + test.name + "=" + test.value}}})
		if fmt.Sprint(asked) != test.asked || test.code != 0 && actionhero.AsError(err).Code != test.code {
			t.Errorf("a connection with %v: %v, asked %v", test, err, asked)
		}
		if err == nil && c.Identity().ID != test.who {
			t.Errorf("a connection with %v is %q", test, c.Identity().ID)
		}
	}
}

// If a request of one client changes the identity of another one, the rooms are asked about the other one.
func TestRoomsAreAskedAboutTheConnectionThatChanges(t *testing.T) {
	t.Parallel()
	demote := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "demote", Access: actionhero.Roles("admin"),
		Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
			_, err := actionhero.RequestFrom(ctx).API.Conns.User("ann").SetIdentity(ctx, actionhero.Identity{ID: "ann"})
			return none, err
		},
	}
	logout := demote
	logout.Name = "logout"
	logout.Run = func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
		_, err := actionhero.RequestFrom(ctx).API.Conns.User("ann").SetIdentity(ctx, actionhero.Identity{})
		return none, err
	}
	secret := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "secret", Access: actionhero.Roles("admin"),
		Run: func(_ context.Context, none actionhero.None) (actionhero.None, error) { return none, nil },
	}
	admins := actionhero.RoomMiddleware{Join: func(ctx context.Context, c *actionhero.Conn, _ string) error {
		_, err := secret.Call(ctx, c.API(), actionhero.None{})
		return err
	}}
	api := actionherotest.New(t, ownRooms, admins, demote, logout, secret)
	for _, name := range []string{"demote", "logout"} {
		c := actionherotest.Connect(t, api, "")
		steps(t, c.SetIdentity(t.Context(), actionhero.Identity{ID: "ann", Roles: []string{"admin"}}), api.Rooms.Join(t.Context(), c.Conn, "hall"))
		_, err := actionherotest.Run(t, api, name, nil, actionherotest.As(actionhero.Identity{ID: "root", Roles: []string{"admin"}}))
		if got := c.Rooms(); err != nil || len(got) > 0 {
			t.Errorf("%s: a client without the role is in %q, %v", name, got, err)
		}
		c.Disconnect()
	}
}

// A caller whose credentials are wrong is anonymous, whatever its authenticator says besides.
func TestACallerWithWrongCredentialsIsAnonymous(t *testing.T) {
	t.Parallel()
	seen := "no request"
	watch := actionhero.Initializer{Name: "watch", Setup: func(api *actionhero.API) error {
		api.Use(func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				seen = actionhero.IdentityFrom(ctx).ID
				return next(ctx, req)
			}
		})
		return nil
	}}
	wrong := actionhero.Authenticator(func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
		return actionhero.Identity{ID: "ann"}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the password is wrong")
	})
	api := actionherotest.New(t, watch, wrong, actionhero.DefaultAccess(actionhero.Public), actionhero.Action[actionhero.None, actionhero.None]{
		Name: "open", Run: func(_ context.Context, none actionhero.None) (actionhero.None, error) { return none, nil },
	})
	_, err := actionherotest.Run(t, api, "open", nil, actionherotest.WithHeader("Authorization", "x"))
	if e := actionhero.AsError(err); e == nil || e.Code != actionhero.CodeUnauthenticated || seen != "" {
		t.Errorf("the middleware sees %q, the client %v", seen, err)
	}
}

// New roles of a user do not outlive the credential of its connection, neither before nor after its end.
func TestNewRolesKeepTheEndOfTheCredential(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t)
		c := actionherotest.Connect(t, api, "")
		steps(t, c.SetIdentity(t.Context(), actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(time.Minute)}))
		for range 2 {
			if _, err := api.Conns.User("ann").SetIdentity(t.Context(), actionhero.Identity{ID: "ann", Roles: []string{"agent"}}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
		}
		if c.Identity().Known() {
			t.Errorf("the client is %+v", c.Identity())
		}
	})
}

// A connection is closed at the end of its identity, also if it was opening while the node looked for ended ones.
func TestAnIdentityEndsThoughItsConnectionWasSlow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		end := time.Now().Add(time.Minute)
		slow := actionhero.ConnMiddleware{Connect: func(context.Context, *actionhero.Conn, *actionhero.Handshake) error {
			time.Sleep(8 * time.Second)
			return nil
		}}
		api := actionherotest.New(t, slow, actionhero.DefaultAccess(actionhero.Public), actionhero.Authenticator(
			func(context.Context, *actionhero.Credentials) (actionhero.Identity, error) {
				return actionhero.Identity{ID: "ann", ExpiresAt: end}, nil
			}))
		c, err := actionherotest.Dial(t, api, "hall", nil)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(end) + 10*time.Second)
		synctest.Wait()
		if c.Closed() == "" {
			t.Error("a client whose login has expired is connected")
		}
	})
}
