package tcp_test

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"context"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// counting returns an action that counts its runs.
func counting(runs *atomic.Int32) actionhero.Action[struct{}, map[string]any] {
	return actionhero.Action[struct{}, map[string]any]{Name: "hit", Run: func(context.Context, struct{}) (map[string]any, error) {
		runs.Add(1)
		return nil, nil
	}}
}

// A page of any site can make a browser send an HTTP request to this port. The connection ends at the first line of the
// request, so that nothing in the body runs.
func TestAnHTTPRequestEndsTheConnection(t *testing.T) {
	t.Parallel()
	var runs atomic.Int32
	s := start(t, tcp.Config{}, counting(&runs))
	const body = "hit\r\nparamAdd a=1\r\nhit\r\n"
	for name, head := range map[string]string{
		"POST":           "POST / HTTP/1.1\r\nHost: localhost\r\n\r\n",
		"any method":     "FOO /x HTTP/1.0\r\n\r\n",
		"without slash":  "OPTIONS * HTTP/1.1\r\n\r\n",
		"no version":     "GET /\r\n",
		"HTTP/2":         "PRI * HTTP/2.0\r\n\r\n",
		"header":         "Content-Type: text/plain\r\n\r\n",
		"empty first":    "\r\nPOST / HTTP/1.1\r\n",
		"byte order":     "\uFEFFPOST / HTTP/1.1\r\n",
		"telnet in line": "\xFF\xFD\x03POST / HTTP/1.1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.TCP(t)
			p.Send(head + body)
			p.Want(`{"context":"response","error":"this port does not speak HTTP","messageCount":1,"errorCode":"invalidInput"}`)
			if rest, _ := io.ReadAll(p.In); len(rest) > 0 {
				t.Errorf("after it come %q", rest)
			}
		})
	}
	t.Cleanup(func() {
		if n := runs.Load(); n > 0 {
			t.Errorf("%d requests in the body of an HTTP request ran", n)
		}
	})
	p := s.TCP(t)
	p.Send("say GET / HTTP/1.1\r\nparamAdd url=http://x/ HTTP/1.1\r\n")
	p.Want(`{"context":"response","status":"OK","messageCount":1}`)
	p.Want(`{"status":"OK","context":"response","messageCount":2}`)
}

// Ctrl-C and Ctrl-D of a terminal end the connection at once, without a line end. Telnet's negotiation is never part of
// a line, in whatever pieces it comes.
func TestTelnet(t *testing.T) {
	t.Parallel()
	s := start(t, tcp.Config{})
	for name, bytes := range map[string]string{
		"Ctrl-C": "\xFF\xF4\xFF\xFD\x06", "Ctrl-D": "\x04", "Ctrl-C in a line": "rand\xFF\xF4\xFF\xFD\x06", "Ctrl-D in a line": "rand\x04",
		"Ctrl-C before a line": "\xFF\xF4\xFF\xFD\x06randomNumber\r\n", "Ctrl-D before a line": "\x04randomNumber\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.TCP(t)
			p.Send(bytes)
			p.WantClosed()
		})
	}
	for name, pieces := range map[string][]string{
		"before":       {"\xFF\xFD\x03\xFF\xFB\x18paramAdd a=1\r\n"},
		"within":       {"param\xFF\xFD\x03Add a=1\r\n"},
		"in pieces":    {"\xFF", "\xFD", "\x03", "param", "Add\xFF", "\xFB\x18 a=1\r\n"},
		"subcommand":   {"\xFF\xFA\x18\x00xterm\xFF\xF0paramAdd a=1", "\r\n"},
		"in two":       {"\xFF\xFA\x18\x00xt", "erm\xFF\xF0paramAdd a=1\r\n"},
		"alone":        {"\xFF\xFD\x03\r\n", "paramAdd a=1\r\n"},
		"single bytes": strings.Split("\xFF\xFB\x1FparamAdd a=1\r\n", ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := s.TCP(t)
			_ = p.Conn.(*net.TCPConn).SetNoDelay(true)
			for _, piece := range pieces {
				p.Send(piece)
			}
			p.Want(`{"status":"OK","context":"response","messageCount":1}`)
			p.Send("paramsView\r\n")
			p.Want(`{"context":"response","params":{"a":"1"},"messageCount":2,"data":{"a":"1"}}`)
		})
	}
}

// A byte order mark before the first line is ignored. Later it is part of its line.
func TestByteOrderMark(t *testing.T) {
	t.Parallel()
	p := start(t, tcp.Config{}).TCP(t)
	p.Send("\uFEFFparamAdd a=1\r\n\uFEFFparamsView\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":1}`)
	p.Want(`{"context":"response","error":"` + "\uFEFF" + `paramsView is not a known action.","messageCount":2,"errorCode":"notFound"}`)
}

// A command keeps its place among the actions of its connection: a client may send a login and the command that needs
// the login in one write. In a bubble, no action is slow because the machine is busy.
func TestCommandsKeepTheirPlace(t *testing.T) {
	t.Parallel()
	login := actionhero.Action[struct{}, map[string]any]{Name: "login", Run: func(ctx context.Context, _ struct{}) (map[string]any, error) {
		return nil, actionhero.RequestFrom(ctx).Conn.SetDetail("user", "ann")
	}}
	vip := actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, room string) error {
		if room == "vip" && c.Detail("user") == nil {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "log in first")
		}
		return nil
	}}
	synctest.Test(t, func(t *testing.T) {
		p := testkit.NewTCP(t, inMemory(t, tcp.Config{}, login, vip))
		p.Send("login\r\nroomChange vip\r\nlogin\r\nsay hello\r\ndetailsView\r\n")
		p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
		p.Want(`{"context":"response","status":"OK","room":"vip","messageCount":2,"data":true}`)
		p.Want(`{"context":"response","status":"OK","error":false,"messageCount":3}`)
		p.Want(`{"context":"response","status":"OK","messageCount":4}`)
		if got := p.Next(); !strings.Contains(got, `"user":"ann"`) {
			t.Errorf("the details are %s", got)
		}
	})
}

// A slow action delays no command.
func TestSlowActionsDelayNoCommand(t *testing.T) {
	t.Parallel()
	g := testkit.NewGate()
	p := start(t, tcp.Config{}, g.Action()).TCP(t)
	p.Send("gate\r\nsay hello\r\nroomChange a\r\n")
	p.Want(`{"context":"response","status":"OK","messageCount":2}`)
	p.Want(`{"context":"response","status":"OK","room":"a","messageCount":3,"data":true}`)
	g.Open()
	p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
}

// Nothing follows the goodbye, however many members of the room leave at the same time.
func TestNothingFollowsTheGoodbye(t *testing.T) {
	t.Parallel()
	o := options(tcp.Config{}, nil)
	change := o.Change
	o.Change = func(cfg *serverConfig) { change(cfg); cfg.General.AnnounceLimit = 500 }
	s := testkit.Start(t, o)
	const members = 80
	var clients [members]*testkit.TCPClient
	for i := range clients {
		clients[i] = s.TCP(t)
	}
	for _, p := range clients {
		p.Send("quit\r\n")
	}
	for i, p := range clients {
		rest, _ := p.Rest()
		_, after, ok := strings.Cut(rest, `{"status":"Bye!","context":"response","messageCount":1}`+"\r\n")
		if !ok || after != "" {
			t.Errorf("client %d reads %q after its goodbye", i, after)
		}
	}
}

// Commands and connections count against the request limit, as actions and files do.
func TestCommandsCountAgainstTheRequestLimit(t *testing.T) {
	t.Parallel()
	o := options(tcp.Config{}, nil)
	change := o.Change
	o.Change = func(cfg *serverConfig) { change(cfg); cfg.General.RequestLimit = 5 }
	s := testkit.Start(t, o)
	p := s.TCP(t) // the first
	p.Send("paramsView\r\nrandomNumber\r\nroomView\r\nsay x\r\ndetailsView\r\n")
	for i := 1; i <= 4; i++ {
		if r := nextReply(t, p); r.Error != nil && r.Error != false {
			t.Errorf("reply %d is %+v", i, r)
		}
	}
	if got := p.Next(); !strings.Contains(got, "too many requests: 5 are allowed") || !strings.Contains(got, `"errorCode":"resourceExhausted","retryAfter":`) {
		t.Errorf("the request over the limit is answered with %s", got)
	}
	if got := firstLine(t, s); !strings.Contains(got, "too many requests") {
		t.Errorf("a connection over the limit reads %s", got)
	}
}

// A client that reads a long file is not closed because many messages come meanwhile.
func TestAFileAmongManyMessages(t *testing.T) {
	t.Parallel()
	s := start(t, tcp.Config{})
	const size, messages = 64 << 20, 400
	s.Put(t, "big.bin", strings.Repeat("b", size))
	p := s.TCP(t)
	p.Send(`{"action":"file","params":{"fileName":"big.bin"}}` + "\r\n")
	_ = p.SetReadDeadline(deadline())
	if first, err := p.In.Peek(1); err != nil || first[0] != 'b' {
		t.Fatalf("the file begins with %q, %v", first, err)
	}
	go func() {
		for range messages {
			_ = s.API.Rooms.Broadcast(context.Background(), "defaultRoom", "hello")
		}
	}()
	buf := make([]byte, 1<<20)
	for read := 0; read < size; {
		n, err := p.In.Read(buf[:min(len(buf), size-read)])
		if read += n; err != nil {
			t.Fatalf("the client is cut after %d of %d bytes: %v", read, size, err)
		}
	}
	for range messages {
		if line := p.Next(); line != "" && !strings.Contains(line, "hello") {
			t.Fatalf("a message is %.100q", line)
		} else if line == "" { // the end of the file
			p.Next()
		}
	}
}

// Text that is not UTF-8 is no command of Telnet, although it may have the byte with which these begin. The byte is
// replaced, and the rest of the line stays.
func TestTextThatIsNotUTF8IsNoTelnet(t *testing.T) {
	t.Parallel()
	p := start(t, tcp.Config{}).TCP(t)
	p.Send("paramAdd a=b\xffc\r\nparamView a\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":1}`)
	p.Want(`{"context":"response","params":{"a":"b` + "\ufffd" + `c"},"messageCount":2,"data":"b` + "\ufffd" + `c"}`)
}
