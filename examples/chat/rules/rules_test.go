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

// client is a client of the chat, over TCP or WebSocket.
type client struct {
	t    *testing.T
	send func(line string) error
	read func() (string, error)
}

// ask sends a line and returns the first message that contains want.
func (c client) ask(line, want string) string {
	c.t.Helper()
	if err := c.send(line); err != nil {
		c.t.Fatal(err)
	}
	return c.waitFor(want)
}

func (c client) waitFor(want string) string {
	c.t.Helper()
	for {
		got, err := c.read()
		if err != nil {
			c.t.Fatalf("no message contains %q: %v", want, err)
		}
		if strings.Contains(got, want) {
			return got
		}
	}
}

func overTCP(t *testing.T, addr net.Addr) client {
	t.Helper()
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	c := client{t, func(line string) error { _, err := conn.Write([]byte(line + "\r\n")); return err }, func() (string, error) { return in.ReadString('\n') }}
	c.waitFor("welcome")
	return c
}

func overWebSocket(t *testing.T, addr net.Addr) client {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	conn, _, err := websocket.Dial(ctx, "ws://"+addr.String()+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	c := client{t, func(line string) error { return conn.Write(ctx, websocket.MessageText, []byte(line)) }, func() (string, error) {
		_, text, err := conn.Read(ctx)
		return string(text), err
	}}
	c.waitFor("welcome")
	return c
}

// The rules hold for clients of both transports, which are in the same rooms.
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
	said := ann.waitFor("****, Ann is here")
	bob.ask("say ", "say something")
	bob.ask("say "+strings.Repeat("x", 501), "500 characters at most")

	_, id, _ := strings.Cut(said, `"from":"`)
	id, _, _ = strings.Cut(id, `"`)
	ann.ask(`{"event":"action","id":5,"params":{"action":"mute","id":"`+id+`"}}`, `"muted":["`+id+`"]`)
	bob.ask("say can you hear me?", `"status":"OK"`)
	if answer := ann.ask(`{"event":"roomView","id":6}`, ``); !strings.Contains(answer, `"id":6`) {
		t.Errorf("Ann receives %s from a sender whom she has muted", answer)
	}
}

// A request without a persistent connection cannot set a name or mute a sender.
func TestNoConnection(t *testing.T) {
	t.Parallel()
	api := actionherotest.New(t, rules.All)
	for action, params := range map[string]map[string]any{"name": {"name": "Ann"}, "mute": {"id": "01a209bd-1fcd-70f3-bb9a-2f53f4b47f26"}} {
		if _, err := actionherotest.Run(t, api, action, params); err == nil || !strings.Contains(err.Error(), "stay connected") {
			t.Errorf("%s: %v", action, err)
		}
	}
}
