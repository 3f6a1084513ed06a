package websocket_test

import (
	"context"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// A client that asks for it reads its rooms whenever they change, also by code of the server. Others are not.
func TestAClientMayFollowItsRooms(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{}, actionhero.Action[actionhero.None, actionhero.None]{Name: "promote", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		req := actionhero.RequestFrom(ctx)
		return n, req.API.Rooms.Move(ctx, req.Conn, "lobby")
	}})
	follower := testkit.NewWS(t, s.WSURL()+"?rooms=follow", nil)
	follower.Send(`{"event":"roomAdd","id":1,"room":"news"}`)
	follower.Want(`{"context":"rooms","room":"defaultRoom","rooms":["news"]}`)
	follower.Want(`{"context":"response","status":"OK","room":"news","id":1}`)
	follower.Send(`{"event":"action","params":{"action":"promote"}}`)
	follower.Want(`{"context":"rooms","room":"lobby","rooms":["news"]}`)
	follower.Want(`{"context":"response","status":"OK","error":false}`)
	follower.Send(`{"event":"roomLeave","id":2,"room":"news"}`)
	follower.Want(`{"context":"rooms","room":"lobby","rooms":[]}`)
	follower.Want(`{"context":"response","status":"OK","room":"news","id":2}`)
	plain := s.WS(t)
	plain.Send(`{"event":"roomChange","id":3,"room":"den"}`)
	plain.Want(`{"context":"response","status":"OK","room":"den","id":3}`)
}

// The welcome says where the client is: in no room, if the default room refuses it. A follower then reads of each room
// that it enters.
func TestTheWelcomeSaysWhereTheClientIs(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{}, actionhero.RoomMiddleware{Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
		if room == "defaultRoom" {
			return actionhero.Errorf(actionhero.CodeUnauthenticated, "log in")
		}
		return nil
	}})
	c, err := openFrames(connect(t, s), "")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`{"welcome":"Hello! Welcome to the actionHero api","room":null,"context":"api"}`,
		`{"context":"response","error":"log in","room":"defaultRoom","errorCode":"unauthenticated"}`,
	} {
		if got, err := c.Message(); err != nil || got != want {
			t.Errorf("got %s, %v; want %s", got, err, want)
		}
	}
}
