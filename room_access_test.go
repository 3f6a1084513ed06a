package actionhero_test

import (
	"context"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/transport"
)

// guarded lets only clients with the detail "member" into rooms that begin with "members".
var guarded = actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, room string) error {
	if strings.HasPrefix(room, "members") && c.Detail("member") == nil {
		return actionhero.Errorf(actionhero.CodePermissionDenied, "members only")
	}
	return nil
}}

// A client that may not enter a room can neither speak in it nor see who is in it, with and without a connection.
func TestAClosedRoomIsClosedInEveryWay(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1}, guarded, builtin.Say)
	ann, _ := connect(t, api, "lobby")
	bob, bobGets := connect(t, api, "lobby")
	steps(t, bob.SetDetail("member", true), api.Rooms.Join(t.Context(), bob, "members"))
	defer transport.Of(api).Disconnect(ann)
	defer transport.Of(api).Disconnect(bob)

	for who, c := range map[string]*actionhero.Conn{"a client in another room": ann, "a client without a connection": nil} {
		_, viewed := api.Rooms.View(t.Context(), c, "members")
		failed(t, who+" views", viewed, actionhero.CodePermissionDenied, "members only")
		failed(t, who+" says", api.Rooms.Say(t.Context(), c, "members", "psst"), actionhero.CodePermissionDenied, "members only")
		failed(t, who+" asks", api.Rooms.MayEnter(t.Context(), c, "members"), actionhero.CodePermissionDenied, "members only")
		req := transport.Of(api).NewRequest("web")
		req.Action, req.Conn = "say", c
		steps(t, transport.ParamsOf(&req.Params).Add("room", "members"), transport.ParamsOf(&req.Params).Add("message", "psst"))
		out, err := transport.Of(api).Dispatch(t.Context(), req)
		failed(t, who+" runs the action say", err, actionhero.CodePermissionDenied, "members only")
		if out != nil {
			t.Errorf("%s: the refused action answers %v", who, out)
		}
	}
	failed(t, "adding", api.Rooms.Join(t.Context(), ann, "members"), actionhero.CodePermissionDenied, "members only")
	failed(t, "moving", api.Rooms.Move(t.Context(), ann, "members"), actionhero.CodePermissionDenied, "members only")
	if got := bobGets.take(); got != nil {
		t.Errorf("the member read %q", got)
	}
	steps(t, api.Rooms.Say(t.Context(), ann, "lobby2", "hi"), api.Rooms.Say(t.Context(), bob, "members", "mine"))
	if status, err := api.Rooms.View(t.Context(), bob, "members"); err != nil || !cmp.Equal(status.Members, []string{bob.ID}) {
		t.Errorf("the member views %+v, %v", status, err)
	}
	failed(t, "a room without a name", api.Rooms.MayEnter(t.Context(), ann, ""), actionhero.CodeInvalidInput, "room must be a name of 1 to 128 bytes")
}

// A client without a connection never speaks as the server.
func TestAClientWithoutAConnectionHasASenderOfItsOwn(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1}, builtin.Say)
	ann, annGets := connect(t, api, "den")
	defer transport.Of(api).Disconnect(ann)
	if _, err := dispatch(t, api, "say", "room", "den", "message", "hi"); err != nil {
		t.Fatal(err)
	}
	steps(t, api.Rooms.Say(t.Context(), nil, "den", "ho"), api.Rooms.Broadcast(t.Context(), "den", "hey"))
	if got := annGets.take(); !cmp.Equal(got, []string{`"hi" from web`, `"ho" from web`, `"hey" from actionHero API`}) {
		t.Errorf("she read %q", got)
	}
}

// Join gets a connection for every client, and cannot put a client without a connection into a room.
func TestRoomMiddlewareSeesClientsWithoutAConnection(t *testing.T) {
	t.Parallel()
	var api *actionhero.API
	asked := 0
	api = newAPI(t, actionhero.Config{}, builtin.Say, actionhero.RoomMiddleware{Join: func(ctx context.Context, c *actionhero.Conn, room string) error {
		asked++
		if c.ID != actionhero.WebSender || c.Remote.Addr() != netip.MustParseAddr("192.0.2.7") || c.Transport != "web" || c.Details() != nil || c.Room() != "" || len(c.Rooms()) != 0 {
			t.Errorf("it is asked about %+v", c)
		}
		if asked == 1 {
			failed(t, "entering", api.Rooms.Move(ctx, c, room), actionhero.CodeCanceled, "the client has gone")
		}
		c.Close("no")
		return nil
	}})
	req := transport.Of(api).NewRequest("web")
	req.Action, req.RemoteIP = "say", "192.0.2.7"
	steps(t, transport.ParamsOf(&req.Params).Add("room", "den"), transport.ParamsOf(&req.Params).Add("message", "hi"))
	if _, err := transport.Of(api).Dispatch(t.Context(), req); err != nil {
		t.Error(err)
	}
	if status, err := api.Rooms.Status(t.Context(), "den"); err != nil || status.MembersCount != 0 {
		t.Errorf("the room has %+v, %v", status, err)
	}
}
