package server_test

import (
	"context"
	"errors"
	"io"
	"net"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// blocker is a body whose Read blocks until it is closed. If it is deaf, it blocks until the test ends.
type blocker struct {
	deaf             bool
	blocked, closed  *atomic.Int64
	released, closes chan struct{}
}

func (b *blocker) Read([]byte) (int, error) {
	b.blocked.Add(1)
	defer b.blocked.Add(-1)
	if b.deaf {
		<-b.released
		return 0, io.EOF
	}
	select {
	case <-b.closes:
	case <-b.released:
	}
	return 0, errors.New("closed")
}

func (b *blocker) Close() error {
	b.closed.Add(1)
	close(b.closes)
	return nil
}

// blockers is a server with the action deaf, whose Content blocks.
type blockers struct {
	*testkit.Server
	blocked, closed atomic.Int64
	running         chan context.Context
}

func startBlockers(t *testing.T, deaf bool, writeTimeout time.Duration) *blockers {
	b := &blockers{running: make(chan context.Context, 1)}
	released := make(chan struct{})
	action := actionhero.Action[actionhero.None, *actionhero.Content]{Name: "deaf", Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
		b.running <- ctx
		return &actionhero.Content{Name: "a.txt", Body: &blocker{deaf, &b.blocked, &b.closed, released, make(chan struct{})}}, nil
	}}
	b.Server = testkit.Start(t, testkit.Options{TLS: true, Parts: actionhero.Parts{action}, Change: func(cfg *server.Config) {
		cfg.TCPServer.WriteTimeout, cfg.WebSockets.Plain.WriteTimeout, cfg.WebSockets.SocketIO.WriteTimeout = writeTimeout, writeTimeout, writeTimeout
	}})
	t.Cleanup(func() {
		close(released)
		testkit.Eventually(t, "every Read has returned", func() bool { return b.blocked.Load() == 0 })
	})
	return b
}

// A Content whose Body blocks does not outlive its client: the Body is closed, and the connection ends even if the Body
// notices nothing.
func TestABlockedContentEndsWithItsClient(t *testing.T) {
	t.Parallel()
	for kind, connect := range leavers {
		for _, deaf := range []bool{false, true} {
			t.Run(kind, func(t *testing.T) {
				t.Parallel()
				b := startBlockers(t, deaf, time.Hour)
				l := connect(t, b.Server)
				l.conn = actionhero.RequestFrom(<-b.running).Conn
				testkit.Eventually(t, "the body blocks", func() bool { return b.blocked.Load() == 1 })
				switch inner, ok := l.nc.(interface{ NetConn() net.Conn }); {
				case l.nc == nil:
					l.packet("41")
				case ok:
					_ = inner.NetConn().(*net.TCPConn).SetLinger(0)
					_ = inner.NetConn().Close()
				default:
					_ = l.nc.(*net.TCPConn).SetLinger(0)
					_ = l.nc.Close()
				}
				testkit.Eventually(t, "the body is closed", func() bool { return b.closed.Load() == 1 })
				begun := time.Now()
				b.Stop()
				if took := time.Since(begun); took > testkit.Wait {
					t.Errorf("the stop takes %v", took)
				}
			})
		}
	}
}

// A Body that returns nothing for the write timeout ends its request: with an error, or over TCP with the connection.
func TestABlockedContentEndsAtTheWriteTimeout(t *testing.T) {
	t.Parallel()
	const late = `"error":"The request took too long"`
	for _, deaf := range []bool{false, true} {
		b := startBlockers(t, deaf, 300*time.Millisecond)
		line := b.TCP(t)
		line.Send("deaf\r\n")
		<-b.running
		line.WantClosed()
		for kind, connect := range map[string]func(*testing.T, *testkit.Server) *leaver{"WebSocket": leavers["WebSocket"], "Socket.IO": leavers["Socket.IO"]} {
			l := connect(t, b.Server)
			<-b.running
			if err := l.frames.Await(late); err != nil {
				t.Errorf("%s, deaf %v: %v", kind, deaf, err)
			}
		}
		testkit.Eventually(t, "every body is closed", func() bool { return b.closed.Load() == 3 })
	}
}

// The output of a command is a stream on each transport, although its type has a method Seek.
func TestTheOutputOfACommandIsSent(t *testing.T) {
	t.Parallel()
	action := actionhero.Action[actionhero.None, *actionhero.Content]{Name: "deaf", Kind: actionhero.KindRead, Run: func(ctx context.Context, _ actionhero.None) (*actionhero.Content, error) {
		cmd := exec.CommandContext(context.WithoutCancel(ctx), "printf", "hello")
		out, err := cmd.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := cmd.Start(); err != nil {
			return nil, err
		}
		t.Cleanup(func() { _ = cmd.Wait() })
		return &actionhero.Content{Name: "a.txt", Body: commandOutput{out, cmd}}, nil
	}}
	pipe := action
	pipe.Name = "pipe"
	pipe.Run = func(ctx context.Context, n actionhero.None) (*actionhero.Content, error) {
		content, err := action.Run(ctx, n)
		if err == nil {
			content.Body = content.Body.(commandOutput).ReadCloser // an *os.File
		}
		return content, err
	}
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{action, pipe}})
	for _, name := range []string{"deaf", "pipe"} {
		s.HTTP(t).Ask("GET", "/api/"+name, "").Want(t, 200, "hello")
		line := s.TCP(t)
		line.Send(name + "\r\n")
		line.Want("hello")
	}
	for _, kind := range []string{"WebSocket", "Socket.IO"} {
		if err := leavers[kind](t, s).frames.Await(`"size":5,"base64":"aGVsbG8="`); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
}

// commandOutput is the output of a command, which ends when the output is closed.
type commandOutput struct {
	io.ReadCloser
	cmd *exec.Cmd
}

func (w commandOutput) Close() error { return errors.Join(w.ReadCloser.Close(), w.cmd.Wait()) }
