package tcp_test

import (
	"context"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// If a client may not join the default room, it is connected, and receives the reason after the welcome.
func TestRefusedDefaultRoom(t *testing.T) {
	t.Parallel()
	s := start(t, tcp.Config{}, actionhero.RoomMiddleware{Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
		if room == "defaultRoom" {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "the lobby is closed")
		}
		return nil
	}})
	nc, err := s.DialTCP()
	if err != nil {
		t.Fatal(err)
	}
	p := testkit.TCPOn(t, nc)
	p.Want(`{"welcome":"Hello! Welcome to the actionHero api","room":null,"context":"api","messageCount":0}`)
	p.Want(`{"context":"response","error":"the lobby is closed","room":"defaultRoom","messageCount":0,"errorCode":"permissionDenied"}`)
	p.Send("say hi\r\nroomChange defaultRoom\r\nroomAdd den\r\nsay hi\r\nroomChange den\r\nsay hi\r\nroomLeave den\r\n")
	p.Want(`{"context":"response","error":"you are in no room: enter one with roomChange","messageCount":1,"errorCode":"conflict"}`)
	p.Want(`{"context":"response","error":"the lobby is closed","messageCount":2,"errorCode":"permissionDenied"}`)
	p.Want(`{"context":"response","status":"OK","room":"den","messageCount":3,"data":true}`)
	p.Want(`{"context":"response","error":"you are in no room: enter one with roomChange","messageCount":4,"errorCode":"conflict"}`)
	p.Want(`{"context":"response","status":"OK","room":"den","messageCount":5,"data":true}`)
	p.Want(`{"context":"response","status":"OK","messageCount":6}`)
	p.Want(`{"context":"response","error":"den is your current room: move to another one with roomChange first","messageCount":7,"errorCode":"conflict"}`)
}

// A message from the server to one client has the form of a room message.
func TestSendTo(t *testing.T) {
	t.Parallel()
	ids := make(chan string, 2)
	s := start(t, tcp.Config{}, actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, _ string) error {
		ids <- c.ID
		return nil
	}})
	p, other := s.TCP(t), s.TCP(t)
	// The client reads the welcome before it joins the room. After these replies both have joined.
	for _, p := range []*testkit.TCPClient{p, other} {
		p.Send("paramsView\r\n")
		p.Want(`{"context":"response","params":{},"messageCount":1,"data":{}}`)
	}
	first := <-ids
	for _, id := range []string{first, <-ids} {
		if err := s.API.Rooms.SendTo(t.Context(), id, "for "+id); err != nil {
			t.Fatal(err)
		}
	}
	texts := map[string]bool{p.Next(): true, other.Next(): true}
	if !texts[`{"message":"for `+first+`","from":"actionHero API","context":"user","messageCount":1}`] || len(texts) != 2 {
		t.Errorf("the clients read %v", texts)
	}
}
