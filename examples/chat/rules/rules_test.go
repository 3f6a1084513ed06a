package rules_test

import (
	"bufio"
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/examples/chat/rules"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// person is a client of the chat, over TCP or WebSocket.
type person struct {
	t    *testing.T
	send func(line string) error
	read func() (string, error)
}

// ask sends a line and reads until a line contains want.
func (p person) ask(line, want string) string {
	p.t.Helper()
	if err := p.send(line); err != nil {
		p.t.Fatal(err)
	}
	return p.hears(want)
}

func (p person) hears(want string) string {
	p.t.Helper()
	for {
		got, err := p.read()
		if err != nil {
			p.t.Fatalf("%q was not heard: %v", want, err)
		}
		if strings.Contains(got, want) {
			return got
		}
	}
}

func overTCP(t *testing.T, addr net.Addr) person {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	p := person{t, func(line string) error { _, err := conn.Write([]byte(line + "\r\n")); return err }, func() (string, error) { return in.ReadString('\n') }}
	p.hears("welcome")
	return p
}

func overWebSocket(t *testing.T, addr net.Addr) person {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, "ws://"+addr.String()+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	p := person{t, func(line string) error { return conn.Write(ctx, websocket.MessageText, []byte(line)) }, func() (string, error) {
		_, text, err := conn.Read(ctx)
		return string(text), err
	}}
	p.hears("welcome")
	return p
}

// The rules are the same for clients over WebSocket and over TCP, which share the rooms.
func TestRules(t *testing.T) {
	t.Parallel()
	s := actionherotest.NewServer(t, rules.All)
	ann, bob := overWebSocket(t, s.Web.Addr()), overTCP(t, s.TCP.Addr())

	bob.ask("roomChange members", "members is for people with a name: call the action name first")
	ann.ask(`{"event":"roomChange","id":1,"room":"members"}`, "members is for people with a name")
	ann.ask(`{"event":"action","id":2,"params":{"action":"name","name":"<b>"}}`, "name must")
	ann.ask(`{"event":"action","id":3,"params":{"action":"name","name":"Ann"}}`, `"name":"Ann"`)
	ann.ask(`{"event":"roomChange","id":4,"room":"members"}`, `"status":"OK"`)
	bob.ask(`{"action":"name","params":{"name":"Bob"}}`, `"name":"Bob"`)
	bob.ask("roomChange members", `"status":"OK"`)

	bob.ask("say damn, Ann is here", `"status":"OK"`)
	said := ann.hears("****, Ann is here")
	bob.ask("say ", "say something")
	bob.ask("say "+strings.Repeat("x", 501), "500 characters at most")

	_, id, _ := strings.Cut(said, `"from":"`)
	id, _, _ = strings.Cut(id, `"`)
	ann.ask(`{"event":"action","id":5,"params":{"action":"mute","id":"`+id+`"}}`, `"muted":["`+id+`"]`)
	bob.ask("say can you hear me?", `"status":"OK"`)
	if answer := ann.ask(`{"event":"roomView","id":6}`, ``); !strings.Contains(answer, `"id":6`) {
		t.Errorf("Ann receives %s from a client that she has muted", answer)
	}
}

// A client without a connection cannot have a name.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, rules.All)
	for action, params := range map[string]map[string]any{"name": {"name": "Ann"}, "mute": {"id": "01a209bd-1fcd-70f3-bb9a-2f53f4b47f26"}} {
		if _, err := actionherotest.Run(t, api, action, params); err == nil || !strings.Contains(err.Message, "stay connected") {
			t.Errorf("%s: %v", action, err)
		}
	}
}
