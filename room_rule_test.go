package actionhero_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
)

// A rule of rooms lets only those callers enter, speak and look whom it names, and a client that loses its rights leaves.
func TestARoomHasARule(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t, builtin.Stock, actionhero.DefaultAccess(actionhero.Public),
			actionhero.RoomAccess(actionhero.Authenticated, "members", "ticket:*"),
			actionhero.RoomAccess(actionhero.Roles("agent"), "ticket:secret*"),
			actionhero.RoomAccess(actionhero.Access{}, "of the app"))
		staff := actionhero.Identity{ID: "bo", Roles: []string{"agent"}}
		user := actionhero.Identity{ID: "ann"}
		for _, test := range []struct {
			room string
			who  actionhero.Identity
			want string // the beginning of the error; "": the client may enter
		}{
			{"members", actionhero.Identity{}, "you must log in"},
			{"members", user, ""},
			{"members2", actionhero.Identity{}, ""},
			{"lobby", actionhero.Identity{}, ""},
			{"of the app", actionhero.Identity{}, ""},
			{"ticket:7", actionhero.Identity{}, "you must log in"},
			{"ticket:7", user, ""},
			{"ticket:secret7", user, "you are not allowed"},
			{"ticket:secret7", staff, ""},
		} {
			client := actionherotest.Connect(t, api, "lobby")
			_ = client.SetIdentity(t.Context(), test.who)
			checks := map[string]error{"enter": api.Rooms.Join(t.Context(), client.Conn, test.room)}
			if test.want != "" {
				_, checks["see"] = api.Rooms.View(t.Context(), client.Conn, test.room)
				_, checks["speak over HTTP"] = actionherotest.Run(t, api, "say", map[string]string{"room": test.room, "message": "hello"}, actionherotest.As(test.who))
			}
			for what, err := range checks {
				if (err == nil) != (test.want == "") || err != nil && !strings.HasPrefix(err.Error(), test.want) {
					t.Errorf("%+v may %s in %q: %v, want %q", test.who, what, test.room, err, test.want)
				}
			}
		}
		client := actionherotest.Connect(t, api, "lobby")
		_ = client.SetIdentity(t.Context(), actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(time.Second)})
		if err := api.Rooms.Join(t.Context(), client.Conn, "members"); err != nil {
			t.Error(err)
		}
		_ = client.SetIdentity(t.Context(), actionhero.Identity{})
		if rooms := client.Conn.Rooms(); len(rooms) != 1 || rooms[0] != "lobby" {
			t.Errorf("after the logout the client is in %q", rooms)
		}
		_ = client.SetIdentity(t.Context(), actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(time.Second)})
		time.Sleep(2 * time.Second)
		if err := api.Rooms.Join(t.Context(), client.Conn, "members"); err == nil || !strings.Contains(err.Error(), "your login has expired") {
			t.Errorf("after the end of its identity, the client reads %v", err)
		}
		if err := api.Rooms.Say(t.Context(), nil, "members", "the server speaks"); err != nil {
			t.Error(err)
		}
	})
}

func TestAWrongRuleOfRoomsIsRefused(t *testing.T) {
	t.Parallel()
	allow := actionhero.Allow(func(context.Context, actionhero.Identity, actionhero.None) error { return nil })
	for want, part := range map[string]actionhero.Part{
		`a RoomAccess has no rooms: name them, or give "*" for all`:                 actionhero.RoomAccess(actionhero.Authenticated),
		`a RoomAccess has the room ""`:                                              actionhero.RoomAccess(actionhero.Authenticated, ""),
		`a RoomAccess has the room "a*b"`:                                           actionhero.RoomAccess(actionhero.Authenticated, "a*b"),
		"the RoomAccess of a, b is wrong: its Access has an Allow, which needs":     actionhero.RoomAccess(allow, "a", "b"),
		"the RoomAccess of * is wrong: its Access has Roles without a role or with": actionhero.RoomAccess(actionhero.Roles(), "*"),
	} {
		_, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, part)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
