package websocket_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// slowRoom is a room whose middleware takes long enough that the loop hands the connection off.
var slowRoom = actionhero.RoomMiddleware{Join: func(ctx context.Context, _ *actionhero.Conn, room string) error {
	if room == "slow" {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	return nil
}}

// The commands of a client run in the order of its messages, even if one is slow: what a client says after a roomChange
// never reaches the room that it leaves.
func TestWhatIsSaidAfterARoomChangeNeverReachesTheOldRoom(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{}, slowRoom)
	listener := s.WS(t)
	c, err := testkit.OpenWS(connect(t, s), "", testkit.Wait)
	if err != nil {
		t.Fatal(err)
	}
	err = c.Send(testkit.Text(`{"event":"roomChange","id":1,"room":"slow"}`), testkit.Text(`{"event":"say","id":2,"message":"for the members of slow"}`), testkit.Text(`{"event":"roomChange","id":3,"room":"defaultRoom"}`), testkit.Text(`{"event":"say","id":4,"message":"for all"}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`{"context":"response","status":"OK","room":"slow","id":1}`, `{"context":"response","status":"OK","id":2}`, `{"context":"response","status":"OK","room":"defaultRoom","id":3}`, `{"context":"response","status":"OK","id":4}`} {
		if got, err := c.Message(); err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
	if got := listener.Await(`{"message":"for `); !strings.HasPrefix(got, `all"`) {
		t.Errorf("the room that the client has left gets for %s", got)
	}
}

// A command starts after the actions that came before it in the same write. In a bubble, no action is slow because the
// machine is busy.
func TestCommandsKeepTheirPlaceAmongActions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		login := actionhero.Action[actionhero.None, actionhero.None]{Name: "login", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			return n, actionhero.RequestFrom(ctx).Conn.SetDetail("user", "ann")
		}}
		members := actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, room string) error {
			if room == "vip" && c.Detail("user") == nil {
				return actionhero.Errorf(actionhero.CodePermissionDenied, "members only")
			}
			return nil
		}}
		client, server := net.Pipe()
		defer client.Close()
		c := openOn(t, newHandler(t, websocket.Config{}, login, members), client, server)
		sent := make(chan error, 1)
		go func() { // the second read of the server gets all the rest: the first one on a pipe gets 64 bytes, less than a message
			sent <- c.Send(testkit.Text(`{"event":"action","id":1,"params":{"action":"login","limit":10,"offset":5}}`), testkit.Text(`{"event":"roomChange","id":2,"room":"vip"}`), testkit.Text(`{"event":"quit","id":3}`))
		}()
		for _, want := range []string{`{"context":"response","status":"OK","error":false,"id":1}`, `{"context":"response","status":"OK","room":"vip","id":2}`, `{"status":"Bye!","context":"response","id":3}`} {
			if got, err := c.Message(); err != nil || got != want {
				t.Errorf("got %s, %v; want %s", got, err, want)
			}
		}
		if err := <-sent; err != nil {
			t.Error(err)
		}
	})
}
