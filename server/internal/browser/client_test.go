package browser_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/clients/js"
)

// module writes the client script to a file for Node.
func module(t *testing.T) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "actionhero.mjs")
	if err := os.WriteFile(name, js.Script, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// node prepares a run of Node; flags come before the name of the script.
func node(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		t.Fatal("no node on the PATH: install Node.js 20 or later")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*browserWait)
	t.Cleanup(cancel)
	return exec.CommandContext(ctx, path, args...)
}

// webSocketFlags returns the flags with which Node has a WebSocket.
func webSocketFlags(t *testing.T) []string {
	t.Helper()
	out, err := node(t, "-p", "typeof WebSocket").Output()
	if err != nil {
		t.Fatal(err)
	}
	if string(out) == "undefined\n" { // before Node 22
		return []string{"--experimental-websocket"}
	}
	return nil
}

// The client against a WebSocket and a clock of the test's own.
func TestClient(t *testing.T) {
	t.Parallel()
	cmd := node(t, "testdata/client.test.mjs")
	cmd.Env = append(os.Environ(), "MODULE="+module(t))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// move is an action that moves its client to another room.
var move = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "move", Description: "Moves you to the cellar",
	Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		req := actionhero.RequestFrom(ctx)
		return n, req.API.Rooms.Move(ctx, req.Conn, "cellar")
	},
}

// The client against a server that stops and starts.
func TestClientLive(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil, move)
	orders := make(chan func())
	control := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		act, done := map[string]func(){"/stop": s.Stop, "/start": s.Start}[r.URL.Path], make(chan struct{})
		select {
		case orders <- func() { defer close(done); act() }:
			<-done
		case <-t.Context().Done():
		}
	}))
	defer control.Close()
	cmd := node(t, append(webSocketFlags(t), "testdata/live.test.mjs")...)
	cmd.Env = append(os.Environ(), "MODULE="+module(t), "SITE="+s.url, "CONTROL="+control.URL)
	ended := make(chan struct{})
	var out []byte
	var err error
	go func() {
		defer close(ended)
		out, err = cmd.CombinedOutput()
	}()
	for {
		select {
		case order := <-orders: // here, because only the test's own goroutine may end it
			order()
			continue
		case <-ended:
		}
		if err != nil {
			t.Errorf("%v:\n%s", err, out)
		}
		return
	}
}
