package tcp_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/tcp"
)

// A request that waits for its turn, here for a file, keeps the bytes of its line. A client must never read what
// others have sent meanwhile through the same pool of buffers.
func TestAClientNeverReadsAnothersBytes(t *testing.T) {
	t.Parallel()
	const files, missing = 80, 6
	s := start(t, tcp.Config{})
	size := 8 << 20 // more than the system buffers
	s.Put(t, "big.bin", strings.Repeat("b", size))
	slow := s.TCP(t)
	slow.Send(`{"action":"file","params":{"fileName":"big.bin"}}` + "\r\n")
	slow.Send(strings.Repeat(`{"action":"file","params":{"fileName":"small"}}`+"\r\n", files-1))
	name := strings.Repeat("n", 300)
	for range missing {
		slow.Send(`{"action":"file","params":{"fileName":"` + name + `"}}` + "\r\n")
		for range 20 {
			other := s.TCP(t)
			other.Send("paramAdd password=hunter2" + strings.Repeat("x", 400) + "\r\n")
			other.Next()
			_ = other.Close()
		}
	}
	if n, err := io.CopyN(io.Discard, slow.In, int64(size)+2); err != nil {
		t.Fatalf("%d bytes of the file came, then %v", n, err)
	}
	for i := range files - 1 {
		if got := slow.Next(); !strings.Contains(got, `"The file, small, is not found."`) {
			t.Fatalf("reply %d is %.200q", i, got)
		}
	}
	for i := range missing {
		if got := slow.Next(); !strings.Contains(got, `"The file, `+name+`, is not found."`) {
			t.Fatalf("reply %d to a request for another name is %.400q", i, got)
		}
	}
}

// An action that ends its goroutine is answered with an internal error, whether it was handed off or not. Its place is
// free again, and the connection lives.
func TestGoexitInAnAction(t *testing.T) {
	t.Parallel()
	quit := actionhero.Action[struct {
		Millis int `json:"millis"`
	}, map[string]any]{Name: "quitter", Run: func(_ context.Context, in struct {
		Millis int `json:"millis"`
	}) (map[string]any, error) {
		<-time.After(time.Duration(in.Millis) * time.Millisecond)
		runtime.Goexit()
		return nil, nil
	}}
	s := start(t, tcp.Config{MaxInFlight: 3}, quit)
	p := s.TCP(t)
	for i := range 10 {
		p.Send(fmt.Sprintf(`{"action":"quitter","params":{"millis":%d}}`, i%2*10) + "\r\n")
		if r := nextReply(t, p); r.Count != i+1 || r.Error != "The server experienced an internal error" && !strings.Contains(fmt.Sprint(r.Error), "internal") {
			t.Fatalf("reply %d is %+v", i, r)
		}
	}
	p.Send("paramsDelete\r\n")
	p.Want(`{"status":"OK","context":"response","messageCount":11}`)
}

// content answers with a Content whose Body is made by the test.
func content(body func() io.Reader, size int64) actionhero.Action[struct{}, *actionhero.Content] {
	return actionhero.Action[struct{}, *actionhero.Content]{Name: "content", Run: func(context.Context, struct{}) (*actionhero.Content, error) {
		return &actionhero.Content{Body: body(), Size: size}, nil
	}}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

// A Content whose Body is nil, panics or ends the goroutine harms only its own connection, which closes or answers. A
// stop does not wait for it.
func TestFaultyContent(t *testing.T) {
	t.Parallel()
	first := func() io.Reader { return strings.NewReader("first") }
	for name, body := range map[string]func() io.Reader{
		"nil":    func() io.Reader { return nil },
		"panic":  func() io.Reader { return io.MultiReader(first(), readFunc(func([]byte) (int, error) { panic("oh") })) },
		"Goexit": func() io.Reader { return readFunc(func([]byte) (int, error) { runtime.Goexit(); return 0, nil }) },
		"error": func() io.Reader {
			return io.MultiReader(first(), readFunc(func([]byte) (int, error) { return 0, io.ErrClosedPipe }))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, tcp.Config{}, content(body, -1))
			p := s.TCP(t)
			p.Send("content\r\ncontent\r\nparamsView\r\n")
			if rest, closed := p.Rest(); !closed && !strings.Contains(rest, "internal") {
				t.Errorf("the client reads %q and nothing more", rest)
			}
			begun := time.Now()
			s.Stop()
			if took := time.Since(begun); took > testkit.Wait {
				t.Errorf("the stop takes %v", took)
			}
		})
	}
}

// A Content without a Size is sent whole. One that has another Size than it says is sent whole too, and logged.
func TestSizeOfContent(t *testing.T) {
	t.Parallel()
	for _, size := range []int64{0, -1, 5, 4} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			t.Parallel()
			s := start(t, tcp.Config{}, content(func() io.Reader { return readerOnly{bytes.NewReader([]byte("hello"))} }, size))
			p := s.TCP(t)
			p.Send("content\r\n")
			p.Want("hello")
			p.Send("paramsDelete\r\n")
			p.Next()
			if size == 4 {
				s.Log.Await(t, 1, "size", "4")
			} else if len(s.Log.With("size", "4")) > 0 {
				t.Error("a wrong size is logged")
			}
		})
	}
}

type readerOnly struct{ io.Reader }

// The context of an action ends when its client resets the connection or when the app closes it, and the client is out
// of its rooms at once. A client that has closed only its side of the connection still reads the answer.
func TestTheContextEndsWithTheClient(t *testing.T) {
	t.Parallel()
	for name, leave := range map[string]func(p *testkit.TCPClient, conn *actionhero.Conn){
		"reset": func(p *testkit.TCPClient, _ *actionhero.Conn) {
			_ = p.Conn.(*net.TCPConn).SetLinger(0)
			_ = p.Close()
		},
		"close of the app": func(_ *testkit.TCPClient, conn *actionhero.Conn) { conn.Close("enough") },
		"half-close":       func(p *testkit.TCPClient, _ *actionhero.Conn) { _ = p.Conn.(*net.TCPConn).CloseWrite() },
		"half-close, then reset": func(p *testkit.TCPClient, _ *actionhero.Conn) {
			_ = p.Conn.(*net.TCPConn).CloseWrite()
			_ = p.Conn.(*net.TCPConn).SetLinger(0)
			_ = p.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var conn atomic.Pointer[actionhero.Conn]
			ended, release := make(chan struct{}), make(chan struct{})
			wait := actionhero.Action[struct{}, map[string]any]{Name: "wait", Run: func(ctx context.Context, _ struct{}) (map[string]any, error) {
				conn.Store(actionhero.RequestFrom(ctx).Conn)
				select {
				case <-ctx.Done():
					close(ended)
				case <-release:
				}
				return nil, nil
			}}
			s := start(t, tcp.Config{}, wait)
			p, other := s.TCP(t), s.TCP(t)
			p.Send("wait\r\n")
			testkit.Eventually(t, "the action runs", func() bool { return conn.Load() != nil })
			leave(p, conn.Load())
			testkit.Eventually(t, "the client is out of its room", func() bool {
				other.Send("roomView\r\n")
				return strings.Contains(other.Next(), `"membersCount":1}`)
			})
			if name == "half-close" {
				close(release)
				p.Want(`{"context":"response","status":"OK","error":false,"messageCount":1}`)
				p.WantClosed()
				return
			}
			select {
			case <-ended:
			case <-time.After(testkit.Wait):
				t.Error("the context of the action lives on")
			}
		})
	}
}
