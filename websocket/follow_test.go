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
	follower.Want(`{"context":"rooms","room":"defaultRoom","rooms":["defaultRoom"]}`)
	follower.Send(`{"event":"roomAdd","id":1,"room":"news"}`)
	follower.Want(`{"context":"rooms","room":"defaultRoom","rooms":["defaultRoom","news"]}`)
	follower.Want(`{"context":"response","status":"OK","room":"news","id":1}`)
	follower.Send(`{"event":"action","params":{"action":"promote"}}`)
	follower.Want(`{"context":"rooms","room":"lobby","rooms":["lobby","news"]}`)
	follower.Want(`{"context":"response","status":"OK","error":false}`)
	follower.Send(`{"event":"roomLeave","id":2,"room":"news"}`)
	follower.Want(`{"context":"rooms","room":"lobby","rooms":["lobby"]}`)
	follower.Want(`{"context":"response","status":"OK","room":"news","id":2}`)
	plain := s.WS(t)
	plain.Send(`{"event":"roomChange","id":3,"room":"den"}`)
	plain.Want(`{"context":"response","status":"OK","room":"den","id":3}`)
}
