package tcp_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// later connects a client of the dialect "later" to s.
func later(t *testing.T, s *testkit.Server) *testkit.TCPClient {
	t.Helper()
	nc, err := s.DialTCP()
	if err != nil {
		t.Fatal(err)
	}
	p := testkit.TCPOn(t, nc)
	p.Want(`{"welcome":"Hello! Welcome to the actionHero api","context":"api","messageCount":0}`)
	return p
}

// talk sends lines and compares the replies: "> " begins a line of the client.
func talk(t *testing.T, p *testkit.TCPClient, lines string) {
	t.Helper()
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if text, ok := strings.CutPrefix(line, "> "); ok {
			p.Send(text + "\r\n")
		} else if line != "" {
			p.Want(line)
		}
	}
}

func TestLaterDialect(t *testing.T) {
	t.Parallel()
	s := start(t, tcp.Config{Dialect: "later", MaxLineBytes: 200})
	talk(t, later(t, s), `
> say den hello
{"context":"response","error":"connection not in this room (den)","messageCount":1,"errorCode":"notFound"}
> say den
{"context":"response","error":"both room and message are required","messageCount":2,"errorCode":"invalidInput"}
> roomView
{"context":"response","error":"a room is required","messageCount":3,"errorCode":"invalidInput"}
> roomAdd den
{"context":"response","status":"OK","room":"den","messageCount":4,"data":true}
> roomLeave attic
{"context":"response","error":"connection not in this room (attic)","messageCount":5,"errorCode":"notFound"}
> paramAdd a 1 2
{"status":"OK","context":"response","messageCount":6}
> paramAdd messageId=x
{"status":"OK","context":"response","messageCount":7}
> paramView a
{"context":"response","params":{"a":"1 2"},"messageCount":8,"messageId":"x","data":"1 2"}
> {"action":"nothing","params":{"key":"k","messageId":5}}
{"context":"response","error":"nothing is not a known action.","messageCount":9,"messageId":5,"errorCode":"notFound"}
> paramsView
{"context":"response","params":{"key":"k","messageId":5},"messageCount":10,"messageId":5,"data":{"key":"k","messageId":5}}
> paramsDelete
{"status":"OK","context":"response","messageCount":11,"messageId":5}
> file nowhere.txt
{"context":"response","error":"The file, nowhere.txt, is not found.","messageCount":12,"errorCode":"notFound"}
> exit
{"status":"Bye!","context":"api","messageCount":13}
`)
}

// CR ends a line too. A line that is too long is skipped, in whatever pieces it comes, and the connection stays.
func TestLinesOfTheLaterDialect(t *testing.T) {
	t.Parallel()
	p := later(t, start(t, tcp.Config{Dialect: "later", MaxLineBytes: 200}))
	p.Send("paramAdd a=1\rparamAdd b=2\r\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":1}`)
	p.Want(`{"status":"OK","context":"response","messageCount":2}`)
	for count := 3; count < 9; count += 2 {
		p.Send(strings.Repeat("x", 10_000))
		p.Want(fmt.Sprintf(`{"status":"error","error":"data length is too big (200 bytes at most)","context":"response","messageCount":%d,"errorCode":"invalidInput"}`, count))
		p.Send("rest of it\r\nparamDelete b\r\n")
		p.Want(fmt.Sprintf(`{"status":"OK","context":"response","messageCount":%d}`, count+1))
	}
}

// A client of the later dialect hears what it says, with the room and the time.
func TestSpeakersOfTheLaterDialectHearThemselves(t *testing.T) {
	t.Parallel()
	s := start(t, tcp.Config{Dialect: "later"})
	p := later(t, s)
	p.Send("roomAdd den\r\n")
	p.Next()
	p.Send("say den hello there\r\n")
	message, reply := p.Next(), p.Next()
	if strings.Contains(message, `"context":"response"`) {
		message, reply = reply, message
	}
	if !strings.HasPrefix(message, `{"message":"hello there","room":"den","from":"`) || !strings.Contains(message, `","context":"user","sentAt":`) {
		t.Errorf("it hears %s", message)
	}
	if reply != `{"context":"response","status":"OK","messageCount":2,"data":true}` {
		t.Errorf("the reply is %s", reply)
	}
	if err := s.API.Rooms.Broadcast(t.Context(), "den", "from the server"); err != nil {
		t.Fatal(err)
	}
	if got := p.Next(); !strings.HasPrefix(got, `{"message":"from the server","room":"den","from":0,"context":"user","sentAt":`) {
		t.Errorf("a message of the server is %s", got)
	}
}

// Lines that end with CR count against MaxInFlight like others: one long piece of input cannot queue thousands of requests.
func TestLinesThatEndWithCRAreRequestsOfTheirOwn(t *testing.T) {
	t.Parallel()
	const limit, all = 3, 30
	g := testkit.NewGate()
	s := start(t, tcp.Config{Dialect: "later", MaxInFlight: limit}, g.Action())
	p := later(t, s)
	p.Send(strings.Repeat("gate\r", all) + "\n")
	for range limit {
		<-g.Begun
	}
	if testkit.Within(250*time.Millisecond, func() bool { return len(g.Begun) > 0 }) {
		t.Errorf("%d requests run in addition to the first %d", len(g.Begun), limit)
	}
	g.Open()
	for range all {
		if r := nextReply(t, p); r.Error != false {
			t.Errorf("a reply is %+v", r)
		}
	}
}
