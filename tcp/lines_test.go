package tcp_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// Lines end with \n or \r\n, in one packet or in single bytes. Empty lines do not count.
func TestLineEnds(t *testing.T) {
	t.Parallel()
	s := start(t, tcp.Config{})
	want := func(p *testkit.TCPClient) {
		t.Helper()
		p.Want(`{"status":"OK","context":"response","messageCount":1}`)
		p.Want(`{"status":"OK","context":"response","messageCount":2}`)
		p.Want(`{"context":"response","params":{"b":"3=4"},"messageCount":3,"data":"3=4"}`)
	}
	const text = "\r\n\n  \r\nparamAdd a=1\r\n\r\nparamAdd b=3=4\nparamView b\n"
	t.Run("one packet", func(t *testing.T) {
		t.Parallel()
		p := s.TCP(t)
		p.Send(text)
		want(p)
		p.Send("paramsView\r\n")
		p.Want(`{"context":"response","params":{"a":"1","b":"3=4"},"messageCount":4,"data":{"a":"1","b":"3=4"}}`)
	})
	t.Run("single bytes", func(t *testing.T) {
		t.Parallel()
		p := s.TCP(t)
		_ = p.Conn.(*net.TCPConn).SetNoDelay(true)
		for i := range len(text) {
			p.Send(text[i : i+1])
		}
		want(p)
	})
}

// Each of many requests sent together gets a reply with the number of its line, and none waits for a slow one.
func TestPipelined(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, tcp.Config{}, g.Action())
	p := s.TCP(t)
	const quick = 200
	p.Send("gate\r\n" + strings.Repeat("randomNumber\nparamAdd a=1\r\n", quick/2) + "unknown\r\n")
	counts := make([]int, 0, quick+1)
	for range quick + 1 {
		r := nextReply(t, p)
		switch counts = append(counts, r.Count); {
		case r.Count == quick+2 && r.Error != "unknown is not a known action.":
			t.Errorf("the reply to the last line is %+v", r)
		case r.Count%2 == 1 && r.Status != "OK", r.Count%2 == 0 && r.Count < quick+2 && r.Error != false:
			t.Errorf("the reply to line %d is %+v", r.Count, r)
		}
	}
	slices.Sort(counts)
	for i, count := range counts {
		if count != i+2 {
			t.Fatalf("the replies have the numbers %v", counts)
		}
	}
	g.Open()
	p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
}

func TestQuit(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	g.Open()
	s := start(t, tcp.Config{}, g.Action())
	for _, word := range []string{"quit", "exit", "close"} {
		t.Run(word, func(t *testing.T) {
			t.Parallel()
			p := s.TCP(t)
			p.Send("paramAdd a=1\r\n" + word + "\r\ngate\r\n")
			p.Want(`{"status":"OK","context":"response","messageCount":1}`)
			p.Want(`{"status":"Bye!","context":"response","messageCount":2}`)
			_ = p.Conn.(*net.TCPConn).CloseWrite()
			p.WantClosed()
		})
	}
	t.Cleanup(func() {
		if n := len(g.Begun); n > 0 {
			t.Errorf("%d lines after the end ran", n)
		}
	})
}

// A client that sends a request and quits gets the reply, even if the request is slow.
func TestQuitWaitsForReplies(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, tcp.Config{}, g.Action())
	p := s.TCP(t)
	p.Send("gate\r\nquit\r\n")
	<-g.Begun
	g.Open()
	p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
	p.Want(`{"status":"Bye!","context":"response","messageCount":2}`)
	p.WantClosed()
}

// A client that closes its side after its requests, as printf … | nc does, still gets all replies.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	s := start(t, tcp.Config{}, g.Action())
	p := s.TCP(t)
	p.Send("gate\r\nparamAdd a=1\r\nparamView a") // the last line has no end
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	p.Want(`{"status":"OK","context":"response","messageCount":2}`)
	<-g.Begun
	p.Want(`{"context":"response","params":{"a":"1"},"messageCount":3,"data":"1"}`)
	g.Open()
	p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
	p.WantClosed()
}

func TestHalfClosedAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, tcp.Config{})
	p := s.TCP(t)
	_ = p.Conn.(*net.TCPConn).CloseWrite()
	p.WantClosed()
}

// A line may have MaxLineBytes bytes, including its end, and not one more.
func TestMaxLineBytes(t *testing.T) {
	t.Parallel()
	const limit = 100
	s := start(t, tcp.Config{MaxLineBytes: limit})
	line := func(n int) string { return "paramAdd a=" + strings.Repeat("x", n-len("paramAdd a=\r\n")) + "\r\n" }
	for name, text := range map[string]string{
		"too long": line(limit + 1), "without an end": strings.Repeat("x", limit), "much too long": line(1 << 20),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.TCP(t)
			p.Send(line(limit) + line(limit))
			p.Want(`{"status":"OK","context":"response","messageCount":1}`)
			p.Want(`{"status":"OK","context":"response","messageCount":2}`)
			go func() { _, _ = p.Write([]byte(text)) }() // the server may close before it has read all
			p.Want(fmt.Sprintf(`{"context":"response","error":"a line may have %d bytes at most","messageCount":2,"errorCode":"invalidInput"}`, limit))
			s.Log.Await(t, 1, "reason", "a line may have 100 bytes at most")
		})
	}
}

// Words like KEY=VALUE after the name of an action set no params. The reply says how to set them, behind the known keys, and also
// if the output has a member with the same name.
func TestIgnoredWordsGetAHint(t *testing.T) {
	t.Parallel()
	s := start(t, tcp.Config{}, actionhero.Action[struct{}, map[string]int]{
		Name: "hints", Run: func(context.Context, struct{}) (map[string]int, error) { return map[string]int{"hint": 1}, nil },
	})
	const hint = `"hint":"the words after the name of an action are ignored: set params with paramAdd KEY=VALUE, before the action"`
	p := s.TCP(t)
	p.Send("hints name=eve\r\n")
	p.Want(`{"context":"response","_hint":1,"error":false,"messageCount":1,` + hint + `}`)
	p.Send("login name=eve\r\n")
	p.Want(`{"context":"response","error":"login is not a known action.","messageCount":2,"errorCode":"notFound",` + hint + `}`)
	p.Send("hints \r\nhints eve\r\n")
	p.Want(`{"context":"response","hint":1,"error":false,"messageCount":3}`)
	p.Want(`{"context":"response","hint":1,"error":false,"messageCount":4}`)
}
