package tcp

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
)

// restTime is within what a connection that is in use no more is parked (package connloop).
const restTime = 2 * time.Second

// A connection that is in use no more goes on with another goroutine, of which the client notices nothing: neither are
// its requests lost, nor does its idle time begin anew.
func TestRest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const idle = 10 * time.Second
		ss, client := restServer(t, Config{Enable: new(false), IdleTimeout: idle})
		in := bufio.NewReader(client)
		want := func(part string) {
			t.Helper()
			if line, err := in.ReadString('\n'); err != nil || !strings.Contains(line, part) {
				t.Fatalf("read %q, %v; want %s", line, err, part)
			}
		}
		want(`"welcome"`)
		for range 3 {
			synctest.Wait()
			if ss.loop.Parked() {
				t.Fatal("a connection that has worked is parked")
			}
			time.Sleep(restTime)
			synctest.Wait()
			if !ss.loop.Parked() {
				t.Fatal("a connection that is in use no more does not rest")
			}
			if _, err := io.WriteString(client, "rand"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(restTime) // in the midst of a line
			if _, err := io.WriteString(client, "omNumber\r\n"); err != nil {
				t.Fatal(err)
			}
			want(`"randomNumber"`)
		}
		begun := time.Now()
		want(`"Bye!"`)
		if d := time.Since(begun); d != idle {
			t.Errorf("an idle client is closed after %v, not %v", d, idle)
		}
	})
}

// restServer starts a server that has one client, over a pipe.
func restServer(t *testing.T, cfg Config) (*session, net.Conn) {
	t.Helper()
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, builtin.All)
	if err != nil {
		t.Fatal(err)
	}
	s := New(api, cfg)
	api.Add(s)
	if err := api.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	ours, theirs := net.Pipe()
	s.open(theirs)
	t.Cleanup(func() {
		_ = ours.Close()
		if err := api.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s.mu.Lock()
	defer s.mu.Unlock()
	for ss := range s.sessions {
		return ss, ours
	}
	t.Fatal("there is no session")
	return nil, nil
}
