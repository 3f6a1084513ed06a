package actionhero_test

import (
	"context"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// A room middleware that ends its goroutine fails like one that panics: the caller lives on and may call again, and no
// other member misses a message.
func TestGoexitInARoomMiddlewareIsAnInternalError(t *testing.T) {
	t.Parallel()
	log := &records{}
	var leaves *actionhero.Conn
	api := newAPI(t, actionhero.Config{AnnounceLimit: -1, Log: slog.New(log)}, actionhero.RoomMiddleware{
		Join: func(_ context.Context, _ *actionhero.Conn, room string) error {
			if room == "exit" {
				runtime.Goexit()
			}
			return nil
		},
		Say: func(_ context.Context, _ *actionhero.Conn, _, text string) (string, error) {
			if text == "exit" {
				runtime.Goexit()
			}
			return text, nil
		},
		Deliver: func(to *actionhero.Conn, _ *actionhero.RoomMessage) bool {
			if to == leaves {
				runtime.Goexit()
			}
			return true
		},
	})
	ann, annGets := connect(t, api, "a")
	bob, bobGets := connect(t, api, "a")
	eve, eveGets := connect(t, api, "a")
	leaves = bob
	for range 2 {
		for what, err := range map[string]error{
			"Move": api.Rooms.Move(t.Context(), ann, "exit"), "Join": api.Rooms.Join(t.Context(), ann, "exit"),
			"Say": api.Rooms.Say(t.Context(), ann, "", "exit"), "Say by nobody": api.Rooms.Say(t.Context(), nil, "exit", "hi"),
		} {
			failed(t, what, err, actionhero.CodeInternal, internal)
			if e := actionhero.AsError(err); e == nil || e.Err == nil || !strings.Contains(e.Err.Error(), "runtime.Goexit") {
				t.Errorf("%s: the cause is %v", what, e)
			}
		}
		_, err := api.Rooms.View(t.Context(), nil, "exit")
		failed(t, "View", err, actionhero.CodeInternal, internal)
		steps(t, api.Rooms.Broadcast(t.Context(), "a", "hi"))
	}
	want := []string{`"hi" from actionHero API`, `"hi" from actionHero API`}
	if got := [][]string{annGets.take(), bobGets.take(), eveGets.take()}; !cmp.Equal(got, [][]string{want, nil, want}) {
		t.Errorf("the members read %q", got)
	}
	if lines := log.take(); len(lines) != 2 || !strings.Contains(lines[0], "a Deliver of a room middleware failed") || !strings.Contains(lines[0], "runtime.Goexit") {
		t.Errorf("logged %q", lines)
	}
	for _, c := range []*actionhero.Conn{ann, bob, eve} {
		transport.Of(api).Disconnect(c)
	}
}

// A section of the status that fails in any way is left out, and the others are there.
func TestASectionThatFailsIsLeftOut(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(){"panic": func() { panic("oh") }, "runtime.Goexit": runtime.Goexit} {
		api := newAPI(t, actionhero.Config{})
		api.Stats.Section("broken", func(context.Context) (any, error) { fail(); return 1, nil })
		api.Stats.Section("whole", func(context.Context) (any, error) { return 2, nil })
		report, err := api.Stats.Report(t.Context())
		if !cmp.Equal(report, map[string]any{"whole": 2}) || err == nil || !strings.Contains(err.Error(), `"broken"`) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, %v", name, report, err)
		}
	}
}

// The callers that wait for the load of another caller never hang: if that load ends in a panic or with its goroutine,
// the next of them loads.
func TestCallersThatWaitForALoadNeverHang(t *testing.T) {
	t.Parallel()
	values := actionhero.CacheOf[int]{Prefix: "n:"}
	for name, fail := range map[string]func(){"panic": func() { panic("oh") }, "Goexit": runtime.Goexit} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				api := newAPI(t, actionhero.Config{})
				var loads, got atomic.Int32
				var callers sync.WaitGroup
				for range 20 {
					callers.Add(1)
					go func() {
						defer callers.Done()
						defer func() { _ = recover() }()
						n, err := values.GetOrLoad(t.Context(), api, "k", time.Minute, func(context.Context) (int, error) {
							time.Sleep(time.Second) // until all callers wait
							if loads.Add(1) <= 3 {
								fail()
							}
							return 7, nil
						})
						if n == 7 && err == nil {
							got.Add(1)
						}
					}()
				}
				callers.Wait()
				if loads.Load() != 4 || got.Load() != 17 {
					t.Errorf("%d loads, %d callers got the value; want 4 and 17", loads.Load(), got.Load())
				}
			})
		})
	}
}

// A notice that clients would take for a welcome, an answer or a message of a room is refused.
func TestANoticeIsTakenForNothingElse(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	c, gets := connect(t, api, "a")
	defer transport.Of(api).Disconnect(c)
	for _, notice := range []map[string]any{
		{"welcome": "hi"}, {"id": 5, "text": "x"}, {"messageId": nil}, {"messageCount": 1},
		{"context": "response"}, {"context": "user", "message": "x"}, {"context": "rooms", "rooms": nil},
	} {
		if n, err := api.Rooms.BroadcastNode(t.Context(), notice); n != 0 || err == nil || !strings.Contains(err.Error(), "a notice must not have") {
			t.Errorf("%v: %d clients, %v", notice, n, err)
		}
	}
	for _, notice := range []map[string]any{{"context": "api"}, {"hello": 1}, {"context": 7}} {
		if n, err := api.Rooms.BroadcastNode(t.Context(), notice); n != 1 || err != nil {
			t.Errorf("%v: %d clients, %v", notice, n, err)
		}
	}
	if got := gets.take(); len(got) != 3 {
		t.Errorf("the client got %q", got)
	}
}
