package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// answers reports whether the server with this name answers at an address. Another program may have the port by now.
func answers(t *testing.T, address, name string) bool {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 30 * time.Second}
	resp, err := client.Get("http://" + address + "/api/who")
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	var out struct{ Name string }
	return json.NewDecoder(resp.Body).Decode(&out) == nil && out.Name == name
}

// named returns a server on free ports, with an action that answers with its name.
func named(t *testing.T, name string) *server.Server {
	t.Helper()
	cfg := quiet()
	cfg.Tasks.Memory, cfg.Tasks.Path = false, filepath.Join(t.TempDir(), "data")
	s, err := server.New(cfg, builtin.Stock, actionhero.Action[actionhero.None, map[string]string]{
		Name: "who", Kind: actionhero.KindRead,
		Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"name": name}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// The example of the original: a program starts a server, restarts it and stops it, as often as it likes. Each time the
// server answers, and after each stop its ports and its goroutines are gone. The servers next to it notice nothing.
func TestAProgramStartsRestartsAndStopsServers(t *testing.T) { // not parallel: it looks at all goroutines
	before := goleak.IgnoreCurrent()
	other := named(t, "other")
	if err := other.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := named(t, "own")
	for run := range 3 {
		for i, do := range []func(context.Context) error{s.Start, s.Restart, s.Restart} {
			if err := do(t.Context()); err != nil {
				t.Fatalf("run %d, step %d: %v", run, i, err)
			}
			if !answers(t, s.Web.Addr().String(), "own") || !answers(t, other.Web.Addr().String(), "other") {
				t.Errorf("run %d, step %d: a server does not answer", run, i)
			}
		}
		old := s.Web.Addr().String()
		if err := errors.Join(s.Stop(t.Context()), s.Stop(t.Context())); err != nil {
			t.Fatal(err)
		}
		if answers(t, old, "own") {
			t.Errorf("run %d: the stopped server answers", run)
		}
	}
	if err := other.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, "no goroutine is left", func() bool { return goleak.Find(before) == nil })
}

// Servers start and stop at the same time, without a word about each other.
func TestServersOfOneProgramLiveSideBySide(t *testing.T) {
	t.Parallel()
	var all sync.WaitGroup
	for i := range 3 {
		name := fmt.Sprint("server ", i)
		s := named(t, name)
		all.Go(func() {
			for range 2 {
				if err := s.Start(t.Context()); err != nil {
					t.Errorf("%s: %v", name, err)
					return
				}
				if !answers(t, s.Web.Addr().String(), name) {
					t.Errorf("%s does not answer", name)
				}
				if err := s.Stop(t.Context()); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
	all.Wait()
}
