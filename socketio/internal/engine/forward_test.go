package engine_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

var (
	errCut   = errors.New("the nodes are cut off")
	errStuck = errors.New("no answer comes")
)

// wires connects the engines of one cluster.
type wires struct {
	mu      sync.Mutex
	engines map[string]*engine.Engine
	calls   int
	// fault is asked before a call and before its answer, unless it is nil. An error is the result of the call.
	fault func(to string, kind byte, answering bool) error
}

func (w *wires) with(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

func (w *wires) count() (n int) {
	w.with(func() { n = w.calls })
	return n
}

// lose makes the n-th call of the kind fail, or its answer.
func (w *wires) lose(kind byte, n int, answer bool) {
	w.with(func() {
		w.fault = func(_ string, k byte, answering bool) error {
			if k == kind && answering == answer {
				if n--; n == 0 {
					return errCut
				}
			}
			return nil
		}
	})
}

// wire is the end of one engine. The tags of all engines but the one of the stranger are the same.
type wire struct {
	*wires
	id  string
	tag uint32
}

func (w wire) Tag() uint32 { return w.tag }

func (w wire) Find(_ context.Context, tag uint32) (ids []string, err error) {
	w.with(func() {
		for id := range w.engines {
			if id != w.id && tag == tagOf(id) {
				ids = append(ids, id)
			}
		}
	})
	slices.Sort(ids)
	return ids, nil
}

// tagOf gives a and c the same tag.
func tagOf(id string) uint32 {
	if id == "b" {
		return 0xb
	}
	return 0xac
}

func (w wire) Call(ctx context.Context, id string, message []byte) ([]byte, error) {
	fails := func(answering bool) (err error) {
		w.with(func() {
			if w.fault != nil {
				err = w.fault(id, message[0], answering)
			}
		})
		return err
	}
	var e *engine.Engine
	w.with(func() {
		e = w.engines[id]
		w.calls++
	})
	if e == nil {
		return nil, engine.ErrNoNode
	}
	if err := fails(false); err == errStuck {
		<-ctx.Done()
		return nil, ctx.Err()
	} else if err != nil {
		return nil, err
	}
	type result struct {
		answer []byte
		err    error
	}
	results := make(chan result, 1)
	go func() {
		answer, err := e.HandleCall(ctx, w.id, slices.Clone(message))
		results <- result{answer, err}
	}()
	select {
	case r := <-results:
		if err := fails(true); err != nil {
			return nil, err
		}
		return r.answer, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// runNodes runs a test with the engines a, b and c. a and c have the same tag, and b receives the requests.
func runNodes(t *testing.T, change func(*engine.Config), test func(t *testing.T, net *wires, a, b *server)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := &wires{engines: map[string]*engine.Engine{}}
		servers := map[string]*server{}
		var ends []func()
		for _, id := range []string{"a", "b", "c"} {
			s := &server{log: new(testkit.Recorder)}
			cfg := engine.Config{
				PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, UpgradeTimeout: 10 * time.Second,
				MessageTimeout: 15 * time.Second, WriteTimeout: 10 * time.Second,
				MaxPayload: 1_000_000, MaxInFlight: 100, MaxMessages: 256, MaxBytes: 1 << 20, MaxDetached: 10_000, MaxForwarded: 100,
				Log: slog.New(s.log), Open: s.newClient, Nodes: wire{net, id, tagOf(id)},
			}
			if change != nil {
				change(&cfg)
			}
			s.engine = engine.New(cfg)
			net.engines[id] = s.engine
			var stop func()
			s.Client, stop = enginetest.Serve(t, s.engine)
			servers[id] = s
			ends = append(ends, func() {
				if !s.stopped {
					if err := s.engine.Stop(t.Context(), func() {}); err != nil {
						t.Errorf("Stop: %v", err)
					}
				}
				stop()
			})
		}
		test(t, net, servers["a"], servers["b"])
		for _, end := range ends {
			end()
		}
	})
}

const unknown = `{"code":1,"message":"Session ID unknown"}`

// Each request of a session may reach another node: all messages arrive once, in their order, in both directions.
func TestEachRequestMayReachAnotherNode(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, _ *wires, a, b *server) {
		q := a.OpenPolling()
		for range 3 {
			b.Want(200, "ok", "POST", q, "4one\x1e4two")
			b.Want(200, "4one\x1e4two", "GET", q, "")
			b.Want(200, "ok", "POST", q, "4three")
			a.Want(200, "4three", "GET", q, "")
			a.Want(200, "ok", "POST", q, "4four")
			want := b.Start("GET", q, "")
			want(200, "4four")
		}
		if address := a.lastClient().session.Remote(); address != b.lastAddress(t) {
			t.Errorf("the address is %v", address)
		}
		want := b.Start("GET", q, "")
		want(200, "2") // the ping
		b.Want(200, "ok", "POST", q, "3")
		want = b.Start("GET", q, "")
		b.Want(200, "ok", "POST", q, "1") // the client leaves
		want(200, "6")
		time.Sleep(time.Second)
		b.Want(400, unknown, "GET", q, "")
	})
}

// lastAddress returns the address that the server sees of a client.
func (s *server) lastAddress(t *testing.T) any {
	t.Helper()
	s.OpenPolling()
	return s.lastClient().session.Remote()
}

// A body and a response longer than a message between nodes arrive whole.
func TestLongBodiesReachAnotherNode(t *testing.T) {
	for _, n := range []int{16 << 10, 16<<10 + 1, 192 << 10, 192<<10 + 1, 384<<10 + 1, 700_000} {
		t.Run("", func(t *testing.T) {
			runNodes(t, nil, func(t *testing.T, _ *wires, a, b *server) {
				q := a.OpenPolling()
				text := "4" + strings.Repeat("0123456789", n/10+1)[:n-1]
				b.Want(200, "ok", "POST", q, text)
				b.Want(200, text, "GET", q, "")
			})
		})
	}
}

// A session that no node has is refused without a call, or by one call to each node with its tag, before its body is read.
func TestAnUnknownSessionIsRefusedByItsNode(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, net *wires, a, b *server) {
		_, sid, _ := strings.Cut(a.OpenPolling(), "&sid=")
		for guess, calls := range map[string]int{
			sid[:26]: 0, sid[:26] + "0000000b": 0, sid[:26] + "000000aX": 0, sid[:26] + "00000123": 0, strings.ToLower(sid): 2,
		} {
			before := net.count()
			b.Want(400, unknown, "GET", enginetest.Polling+"&sid="+guess, "")
			if got := net.count() - before; got != calls {
				t.Errorf("%s: %d calls", guess, got)
			}
			b.Want(400, unknown, "POST", enginetest.Polling+"&sid="+guess, "4x")
		}
		b.Want(400, `{"code":3,"message":"Bad request"}`, "POST", enginetest.Polling+"&sid="+sid, "9")
		b.Want(400, unknown, "POST", enginetest.Polling+"&sid="+sid, "4x")
	})
}

// A node that has joined less than a second ago may be missing on the lists of the others. Its sessions are found nevertheless.
func TestTheSessionsOfANewNodeAreFound(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, net *wires, a, b *server) {
		q := a.OpenPolling()
		engines := net.engines
		net.with(func() { net.engines = map[string]*engine.Engine{"b": engines["b"]} })
		want := b.Start("POST", q, "4x")
		time.Sleep(time.Second)
		net.with(func() { net.engines = engines })
		want(200, "ok")
		b.Want(200, "4x", "GET", q, "")
	})
}

// A WebSocket for a session of another node is refused, and the session goes on over long-polling.
func TestAnUpgradeAtAnotherNodeIsRefused(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, _ *wires, a, b *server) {
		q := a.OpenPolling()
		b.Want(400, unknown, "GET", strings.Replace(q, "polling", "websocket", 1), "")
		b.Want(200, "ok", "POST", q, "4x")
		b.Want(200, "4x", "GET", q, "")
	})
}

// The end of the client's request ends the session, as it does without another node.
func TestAnAbortedForwardedPollEndsItsSession(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, _ *wires, a, b *server) {
		q := a.OpenPolling()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", b.URL+"?"+q, nil)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := b.HTTP.Do(r)
			done <- err
		}()
		synctest.Wait()
		cancel()
		<-done
		if n := a.sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// If anything between the nodes is lost, the session ends on both sides at once, so that no message is lost in silence.
func TestALostForwardEndsItsSession(t *testing.T) {
	long := "4" + strings.Repeat("x", 500_000)
	for name, test := range map[string]struct {
		kind   byte
		n      int
		answer bool
		method string
	}{
		"request of a GET":    {'g', 1, false, "GET"},
		"answer to a GET":     {'g', 1, true, "GET"},
		"part of a response":  {'w', 2, false, "GET"},
		"answer to a part":    {'w', 1, true, "GET"},
		"request of a POST":   {'p', 1, false, "POST"},
		"answer to a POST":    {'p', 1, true, "POST"},
		"piece of a body":     {'b', 1, false, "POST"},
		"answer with a piece": {'b', 2, true, "POST"},
	} {
		t.Run(name, func(t *testing.T) {
			runNodes(t, nil, func(t *testing.T, net *wires, a, b *server) {
				q := a.OpenPolling()
				a.Want(200, "ok", "POST", q, long)
				net.lose(test.kind, test.n, test.answer)
				if status, text := b.Do(test.method, q, long); status != 503 && status != 400 {
					t.Errorf("%d %.100q", status, text)
				}
				if n := a.sessions(); n != 0 {
					t.Errorf("%d sessions", n)
				}
				net.with(func() { net.fault = nil })
				b.Want(400, unknown, "GET", q, "")
			})
		})
	}
}

// If the node of the session is gone, the client reads that the session is unknown, also if its request waits there.
func TestTheEndOfTheNodeOfASessionIsAnUnknownSession(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, net *wires, a, b *server) {
		q := a.OpenPolling()
		want := b.Start("GET", q, "")
		net.with(func() {
			delete(net.engines, "a")
			net.fault = func(to string, _ byte, _ bool) error {
				if to == "a" {
					return errCut
				}
				return nil
			}
		})
		a.lastClient().session.Flush()
		a.lastClient().session.Reply([]byte("x"))
		a.lastClient().session.Send() // ends the wait, but no answer arrives
		want(400, unknown)
		b.Want(400, unknown, "POST", q, "4x")
	})
}

// A node that does not answer ends the request of the client as late as the client itself would.
func TestAForwardedPollWaitsNoLongerThanItsClient(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, net *wires, a, b *server) {
		q := a.OpenPolling()
		net.with(func() { net.fault = func(string, byte, bool) error { return errStuck } })
		began := time.Now()
		b.Want(503, "the server of the session cannot be reached now\n", "GET", q, "")
		if took := time.Since(began); took != 45*time.Second {
			t.Errorf("it takes %v", took)
		}
	})
}

// A stop of the receiving node answers the waiting polls. The sessions go on at the other nodes, and lose nothing.
func TestAStopOfAnotherNodeKeepsTheSession(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, _ *wires, a, b *server) {
		q := a.OpenPolling()
		want := b.Start("GET", q, "")
		b.stopped = true
		if err := b.engine.Stop(t.Context(), func() {}); err != nil {
			t.Errorf("Stop: %v", err)
		}
		want(200, "6")
		b.Want(503, "the server is stopping\n", "GET", q, "")
		a.Want(200, "ok", "POST", q, "4x")
		a.Want(200, "4x", "GET", q, "")
	})
}

// A stop that cannot reach the node of the session ends with its context, and the client reads an error.
func TestAStopWaitsForNoNode(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, net *wires, a, b *server) {
		q := a.OpenPolling()
		want := b.Start("GET", q, "")
		net.with(func() {
			net.fault = func(_ string, kind byte, _ bool) error {
				if kind == 'r' {
					return errCut
				}
				return nil
			}
		})
		b.stopped = true
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.engine.Stop(ctx, func() {}); err == nil {
			t.Error("Stop returns nil")
		}
		want(503, "the server of the session cannot be reached now\n")
		if n := a.sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// Requests for other nodes have a limit, for all clients and for one address.
func TestForwardedRequestsAreBounded(t *testing.T) {
	for _, change := range []func(*engine.Config){
		func(cfg *engine.Config) { cfg.MaxForwarded = 2 },
		func(cfg *engine.Config) { cfg.MaxPerAddress = 1 },
	} {
		t.Run("", func(t *testing.T) {
			runNodes(t, nil, func(t *testing.T, net *wires, a, b *server) {
				cfg := engine.Config{
					PingInterval: 25 * time.Second, PingTimeout: 20 * time.Second, MaxForwarded: 100, MaxInFlight: 1, MaxMessages: 9, MaxBytes: 9,
					Log: slog.New(slog.DiscardHandler), Nodes: wire{net, "d", 0xd}, Open: b.newClient,
				}
				change(&cfg)
				d := engine.New(cfg)
				client, stop := enginetest.Serve(t, d)
				var wants []func(int, string)
				for range 2 {
					wants = append(wants, client.Start("GET", a.OpenPolling(), ""))
				}
				client.Want(503, "too many requests wait for other servers\n", "GET", a.OpenPolling(), "")
				for _, want := range wants {
					want(200, "2")
				}
				if err := d.Stop(t.Context(), func() {}); err != nil {
					t.Error(err)
				}
				stop()
			})
		})
	}
}

// Two polls of one session at the same time end it, at whichever nodes they arrive.
func TestTwoPollsAtTwoNodesEndTheSession(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, _ *wires, a, b *server) {
		q := a.OpenPolling()
		want := b.Start("GET", q, "")
		a.Want(400, `{"code":3,"message":"Bad request"}`, "GET", q, "")
		want(200, "1")
		b.Want(400, unknown, "GET", q, "")
	})
}

// The faults of a body have the same effects at each node.
func TestAFaultyBodyEndsTheSessionAtEachNode(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, _ *wires, a, b *server) {
		q := a.OpenPolling()
		b.Want(413, "", "POST", q, "4"+strings.Repeat("x", 1_000_000))
		b.Want(400, unknown, "GET", q, "")
		if n := a.sessions(); n != 0 {
			t.Errorf("%d sessions", n)
		}
	})
}

// A damaged message between nodes is an error, never a panic.
func TestADamagedMessageOfANodeIsAnError(t *testing.T) {
	runNodes(t, nil, func(t *testing.T, _ *wires, a, b *server) {
		sid := strings.Repeat("A", 26) + "000000ac"
		head := strings.Repeat("t", 8) + sid
		for _, text := range []string{"", "g", "g" + head[:41], "z" + head, "p" + head, "p" + head + "\x00", "p" + head + "\x00\xff", "b" + head, "w" + head + "\x00x", "r" + head + "x"} {
			if answer, err := a.engine.HandleCall(t.Context(), "b", []byte(text)); err == nil {
				t.Errorf("%q is answered with %q", text, answer)
			}
		}
		_, own, _ := strings.Cut(a.OpenPolling(), "&sid=")
		a.engine.HandleCall(t.Context(), "b", []byte("p"+strings.Repeat("t", 8)+own+"\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7fx"))
		if n := a.sessions(); n != 0 {
			t.Errorf("%d sessions after a body of a damaged length", n)
		}
	})
}
