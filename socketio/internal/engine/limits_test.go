package engine_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

const unknownSession = `{"code":1,"message":"Session ID unknown"}`

func TestMessageTooLarge(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxPayload = 1000 }, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		fits := "4" + strings.Repeat("x", 999)
		s.Want(200, "ok", "POST", q, fits)
		s.Want(200, fits, "GET", q, "")
		s.Want(413, "", "POST", q, fits+"x")
		s.Want(400, unknownSession, "GET", q, "")

		q = s.OpenPolling() // a body without Content-Length
		body, more := newDelayedBody()
		go more(fits + strings.Repeat("x", 5000))
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"?"+q, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := s.HTTP.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge || s.lastClient().timesClosed() != 1 {
			t.Errorf("%v", resp)
		}

		k := s.OpenSocket()
		k.Send(fits)
		k.Want(fits)
		k.Send(fits + "x")
		k.WantClosed(ws.TooBig)
	})
}

// A POST must be complete within MessageTimeout, as a message over WebSocket must, although its bytes keep coming.
func TestSlowPOST(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		body, to := io.Pipe()
		go func() {
			for err := error(nil); err == nil; _, err = io.WriteString(to, "4x\x1e") {
				time.Sleep(time.Second)
			}
		}()
		answered := make(chan error, 1)
		go func() {
			resp, err := s.HTTP.Post(s.URL+"?"+q, "text/plain", body)
			if err == nil {
				err = resp.Body.Close()
			}
			answered <- err
		}()
		time.Sleep(14 * time.Second)
		if n := s.lastClient().timesClosed(); n != 0 {
			t.Error("the session is closed too early")
		}
		time.Sleep(3 * time.Second)
		if n := s.lastClient().timesClosed(); n != 1 {
			t.Errorf("the session is closed %d times", n)
		}
		_ = body.Close()
		<-answered
	})
}

// A client that stops polling is closed when its queue exceeds MaxMessages or MaxBytes.
func TestQueueIsBounded(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		for _, test := range []struct{ size, fit int }{{10, 256}, {300_000, 3}} {
			q := s.OpenPolling()
			c := s.lastClient()
			time.Sleep(3 * time.Second) // without a GET
			message := engine.Prepare([]byte(strings.Repeat("x", test.size)))
			for i := range test.fit {
				if c.session.Queue(message) {
					t.Fatalf("Queue of message %d of %d bytes returns true", i, test.size)
				}
			}
			if c.timesClosed() != 0 {
				t.Fatal("it is closed too early")
			}
			if !c.session.Queue(message) {
				t.Error("Queue returns false for the message that overflows the queue")
			}
			c.session.Flush()
			if c.timesClosed() != 1 || !s.logged("does not fetch what it is sent") {
				t.Error("it is not closed")
			}
			s.Want(400, unknownSession, "GET", q, "")
			if c.session.Queue(message) {
				t.Error("Queue returns true after the close")
			}
		}
	})
}

func TestWebSocketThatDoesNotRead(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.OpenSocket()
		c := s.lastClient()
		message := engine.Prepare([]byte(strings.Repeat("x", 1000)))
		for i := range 300 {
			if c.session.Queue(message) {
				c.session.Flush()
			}
			if i == 0 {
				time.Sleep(time.Second) // the write makes no progress
			}
		}
		synctest.Wait()
		if c.timesClosed() != 1 || !s.logged("does not read what it is sent") {
			t.Error("it is not closed")
		}
		for {
			_, _, err := k.Read(t.Context())
			if err == nil {
				continue
			}
			if code := websocket.CloseStatus(err); code != ws.TryAgainLater {
				t.Errorf("the connection ends with %v", err)
			}
			return
		}
	})
}

// A polling client gets all replies, even if they exceed the queue: the POST blocks while the queue is half full.
func TestManyRequestsInOnePost(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		const n = 1000
		var body strings.Builder
		for i := range n {
			fmt.Fprintf(&body, "\x1e4number %d", i)
		}
		post := s.Start("POST", q, body.String()[1:])
		got, polls := "", 0
		for polls < 100 && len(got) < body.Len() {
			polls++
			_, text := s.Do("GET", q, "")
			got += "\x1e" + text
			synctest.Wait()
		}
		post(200, "ok")
		if got != body.String() || polls < 4 {
			t.Errorf("%d bytes of answers come in %d polls, want %d: %.100q", len(got), polls, body.Len(), got)
		}
	})
}

// At most MaxInFlight requests of one POST run concurrently. The next request waits, and the POST with it.
func TestInFlightIsBounded(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxInFlight = 2 }, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		post := s.Start("POST", q, "4hold\x1e4hold\x1e4quick")
		time.Sleep(time.Second)
		s.lastClient().hold <- struct{}{}
		post(200, "ok")
		synctest.Wait()
		s.Want(200, "4hold\x1e4quick", "GET", q, "")
		close(s.lastClient().hold)
		s.Want(200, "4hold", "GET", q, "")
	})
}

// If more than MaxDetached sessions have no connection, the one that has had none for the longest time is closed.
func TestDetachedAreBounded(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxDetached = 3 }, func(t *testing.T, s *server) {
		polls := s.OpenPolling()
		waits := s.Start("GET", polls, "")
		k := s.OpenSocket()
		var detached []string
		for range 3 {
			detached = append(detached, s.OpenPolling())
		}
		s.Want(200, "ok", "POST", detached[0], "4a")
		s.Want(200, "4a", "GET", detached[0], "") // now it is the last one in the list
		detached = append(detached, s.OpenPolling())
		synctest.Wait()
		s.Want(400, unknownSession, "GET", detached[1], "")
		s.Want(200, "ok", "POST", detached[0], "4a")
		s.Want(200, "ok", "POST", polls, "4b")
		waits(200, "4b")
		synctest.Wait()
		s.Want(400, unknownSession, "GET", detached[2], "")
		k.Send("4c")
		k.Want("4c")
		if n := s.sessions(); n != 4 || !s.logged("too many clients have no connection") {
			t.Errorf("%d sessions are left", n)
		}
		k.CloseNormal()
	})
}

// Clients that only open sessions occupy at most MaxDetached of them, until the ping timeout.
func TestFloodOfSessions(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxDetached = 50 }, func(t *testing.T, s *server) {
		for range 1000 {
			s.OpenPolling()
		}
		synctest.Wait()
		if n := s.sessions(); n != 50 {
			t.Errorf("%d sessions are left", n)
		}
		time.Sleep(46 * time.Second)
		if n := s.sessions(); n != 0 {
			t.Errorf("%d sessions are left after the ping timeout", n)
		}
	})
}

// A client between two GETs gets the close packet of the server, after the queued packets.
func TestCloseByServer(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		s.Want(200, "ok", "POST", q, "4last words")
		synctest.Wait()
		s.Want(200, "ok", "POST", q, "4bye\x1e4ignored")
		synctest.Wait()
		if s.lastClient().timesClosed() != 1 {
			t.Error("Closed is not called")
		}
		s.Want(200, "4last words", "GET", q, "")
		s.Want(200, "ok", "POST", q, "1")
		s.Want(200, "1", "GET", q, "")
		s.Want(400, unknownSession, "GET", q, "")

		q = s.OpenPolling()
		poll := s.Start("GET", q, "")
		s.Want(200, "ok", "POST", q, "4bye")
		poll(200, "1")
		s.Want(400, unknownSession, "GET", q, "")

		q = s.OpenPolling()
		s.Want(200, "ok", "POST", q, "4bye")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		s.Want(400, unknownSession, "GET", q, "")

		k := s.OpenSocket()
		k.Send("4last words")
		k.Want("4last words")
		k.Send("4bye")
		k.WantClosed(ws.Normal)
	})
}

// A panic in a request closes its session only.
func TestPanic(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		poll := s.Start("GET", q, "")
		s.Want(200, "ok", "POST", q, "4panic")
		poll(200, "1")
		k := s.OpenSocket()
		k.Send("4panic")
		if _, _, err := k.Read(t.Context()); err == nil {
			t.Error("the connection stays open")
		}
		k = s.OpenSocket()
		k.Send("4fine")
		k.Want("4fine")
		k.CloseNormal()
		if !s.logged("as asked") {
			t.Error("the fault is not logged")
		}
	})
}

func TestSlowRequestDelaysNothing(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.OpenSocket()
		k.Send("4hold")
		k.Send("4quick")
		k.Want("4quick")
		k.Want("2")
		k.Send("3")
		close(s.lastClient().hold)
		k.Want("4hold")
		k.CloseNormal()
	})
}

// A polling client that comes back in time is not closed, however many messages came between two of its GETs.
func TestAPollingClientThatReadsIsNotCut(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		c := s.lastClient()
		message := engine.Prepare([]byte("somebody has entered"))
		for range 10 {
			for range 1000 {
				if c.session.Queue(message) {
					c.session.Flush()
				}
			}
			time.Sleep(time.Second)
			if status, text := s.Do("GET", q, ""); status != 200 || strings.Count(text, "\x1e") != 999 {
				t.Fatalf("%d with %d packets", status, 1+strings.Count(text, "\x1e"))
			}
		}
	})
}

// Sessions that do not poll share the bytes of a message, so many of them cost little more than one.
func TestPollingSessionsShareMessages(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		const sessions, size = 60, 60 << 10
		var queries []string
		for range sessions {
			queries = append(queries, s.OpenPolling())
		}
		messages := make([][]byte, 10)
		for i := range messages {
			messages[i] = engine.Prepare([]byte(strings.Repeat(fmt.Sprint(i), size)))
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for _, m := range messages {
			for _, c := range s.allClients() {
				if c.session.Queue(m) {
					t.Error("the session is full, or polls")
				}
			}
		}
		if runtime.ReadMemStats(&after); after.TotalAlloc-before.TotalAlloc > sessions*10*size/2 { // other tests run at the same time
			t.Errorf("%d KiB for messages that exist already", (after.TotalAlloc-before.TotalAlloc)>>10)
		}
		for _, q := range queries {
			if status, text := s.Do("GET", q, ""); status != 200 || len(text) != len(messages)*(1+size)+len(messages)-1 || text[:2] != "40" || text[len(text)-1] != '9' {
				t.Fatalf("%d, %d bytes: %.20q", status, len(text), text)
			}
		}
	})
}

// An address has at most MaxPerAddress sessions, over both transports. A session that ends makes room for another.
func TestSessionsOfAnAddressAreBounded(t *testing.T) {
	run(t, func(cfg *engine.Config) {
		cfg.MaxPerAddress = 2
		cfg.RemoteIP = func(r *http.Request) string { return r.URL.Query().Get("from") }
	}, func(t *testing.T, s *server) {
		const refusal = `{"code":6,"message":"Too many sessions of this address"}`
		open := func(from string) (status int, text string) {
			return s.Do("GET", enginetest.Polling+"&from="+from, "")
		}
		k := s.DialSocket("&from=2001:db8::1")
		s.Handshake(k.Next())
		_, text := open("2001:db8::2") // of the same /64 network
		q := enginetest.Polling + "&sid=" + s.Handshake(text).SID
		for range 3 {
			if status, text := open("2001:db8::3"); status != 429 || text != refusal {
				t.Errorf("one session too many: %d %q", status, text)
			}
		}
		if status, _ := open("2001:db8:1::3"); status != 200 {
			t.Errorf("another address gets %d", status)
		}
		_, resp, err := websocket.Dial(t.Context(), s.URL+"?EIO=4&transport=websocket&from=2001:db8::4", &websocket.DialOptions{HTTPClient: s.HTTP})
		if err == nil || resp.StatusCode != 429 {
			t.Errorf("a WebSocket too many: %v, %v", resp, err)
		}
		s.Want(200, "ok", "POST", q, "1") // the session ends
		time.Sleep(time.Second)
		for _, from := range []string{"2001:db8::3", "192.0.2.1"} {
			if status, text := open(from); status != 200 {
				t.Errorf("after the end of a session %s gets %d %q", from, status, text)
			}
		}
		s.Want(400, `{"code":3,"message":"Bad request"}`, "GET", "EIO=4&transport=websocket&from=192.0.2.1", "") // no handshake: it counts no session
		if status, _ := open("192.0.2.1"); status != 200 {
			t.Errorf("after a failed handshake an open gets %d", status)
		}
		k.CloseNormal()
	})
}

// Code of the app that ends its goroutine fails only its request: the place is given back, and the answers of the POST come.
func TestARequestMayEndItsGoroutine(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxInFlight = 2 }, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		s.Want(200, "ok", "POST", q, strings.Repeat("4goexit\x1e", 10)+"4after")
		s.Want(200, strings.Repeat("4ended\x1e", 10)+"4after", "GET", q, "")
		poll := s.Start("GET", q, "")
		s.Want(200, "ok", "POST", q, "4hold, goexit")
		close(s.lastClient().hold)
		poll(200, "4ended")
	})
}

// If another client holds more than a polling session when the budget is exceeded, that client pays, not the session.
func TestAPollingSessionDoesNotPayForALongerQueue(t *testing.T) {
	const limit = 200_000
	budget := sendqueue.NewBudget(limit)
	run(t, func(cfg *engine.Config) { cfg.Budget = budget }, func(t *testing.T, s *server) {
		nc, other := net.Pipe()
		defer other.Close()
		var longest sendqueue.Queue
		var failure error
		config := sendqueue.Config{MaxMessages: 10, MaxBytes: limit, WriteTimeout: time.Minute, Budget: budget}
		longest.Init(&config, nc, netip.Prefix{}, func(err error) { failure = err; _ = nc.Close() })
		if longest.Add(make([]byte, limit-10_000)) {
			longest.Flush()
		}
		time.Sleep(time.Second)
		s.OpenPolling()
		for range 3 {
			if c := s.lastClient(); c.session.Queue(engine.Prepare(make([]byte, 9_000))) {
				c.session.Flush()
			}
		}
		if s.lastClient().timesClosed() != 0 || !errors.Is(failure, sendqueue.ErrBudget) {
			t.Errorf("the polling session is closed %d times; the other client: %v", s.lastClient().timesClosed(), failure)
		}
	})
}

// If the queues of all clients exceed the budget, the next message closes the polling sessions with long queues, and only those.
// The budget gets the bytes of a session back when the session polls or ends.
func TestPollingSessionsShareABudget(t *testing.T) {
	budget := sendqueue.NewBudget(200_000)
	run(t, func(cfg *engine.Config) { cfg.Budget = budget }, func(t *testing.T, s *server) {
		queue := func(c *echoClient, n int) {
			if c.session.Queue(engine.Prepare([]byte(strings.Repeat("x", n)))) {
				c.session.Flush()
			}
		}
		s.OpenPolling()
		small := s.lastClient()
		s.OpenPolling()
		greedy := s.lastClient()
		q := s.OpenPolling()
		for range 10 {
			queue(small, 10)
			queue(greedy, 15_000)
		}
		shared := engine.Prepare([]byte(strings.Repeat("y", 10_000)))
		for _, c := range s.allClients() {
			c.session.Queue(shared)
			c.session.Queue(shared)
		}
		if used := budget.Used(); used != 10*11+10*15_001+10_001 {
			t.Errorf("%d bytes count", used)
		}
		queue(greedy, 60_000)
		queue(small, 10)
		if greedy.timesClosed() != 1 || small.timesClosed() != 0 || s.lastClient().timesClosed() != 0 {
			t.Error("the wrong session is closed")
		}
		s.Do("GET", q, "")
		s.Want(200, "ok", "POST", q, "4hello")
		if used := budget.Used(); used != 11*11+10_001+6 {
			t.Errorf("after the close %d bytes count", used)
		}
		if err := s.engine.Stop(t.Context(), func() {}); err != nil {
			t.Error(err)
		}
		s.stopped = true
		time.Sleep(time.Minute)
		if used := budget.Used(); used != 0 {
			t.Errorf("after the stop %d bytes count", used)
		}
	})
}

// A response that its client does not read counts, like the queue from which it came. If the budget is exceeded, it ends.
func TestUnreadResponsesToPollsCount(t *testing.T) {
	const limit = 200_000
	budget := sendqueue.NewBudget(limit)
	run(t, func(cfg *engine.Config) { cfg.Budget = budget }, func(t *testing.T, s *server) {
		poll := func(q string) (read func() error) {
			r, err := http.NewRequestWithContext(t.Context(), "GET", s.URL+"?"+q, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.HTTP.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return func() error {
				defer resp.Body.Close()
				_, err := io.Copy(io.Discard, resp.Body)
				return err
			}
		}
		long := engine.Prepare(make([]byte, 120_000))
		first := s.OpenPolling()
		s.lastClient().session.Queue(long)
		read := poll(first)
		if used := budget.Used(); used != 120_001 {
			t.Errorf("%d bytes count", used)
		}
		if err := read(); err != nil {
			t.Error(err)
		}
		if synctest.Wait(); budget.Used() != 0 {
			t.Errorf("%d bytes count after all is read", budget.Used())
		}
		second := s.OpenPolling()
		victim := s.lastClient()
		victim.session.Queue(engine.Prepare(make([]byte, 150_000)))
		read = poll(second)
		other := s.OpenPolling()
		if s.lastClient().session.Queue(engine.Prepare(make([]byte, 100_000))) {
			s.lastClient().session.Flush()
		}
		if err := read(); err == nil || victim.timesClosed() != 1 || s.lastClient().timesClosed() != 0 || budget.Used() != 100_001 {
			t.Errorf("the unread response ends with %v, its session is closed %d times, the other one %d times, %d bytes count", err, victim.timesClosed(), s.lastClient().timesClosed(), budget.Used())
		}
		s.Do("GET", other, "")
	})
}

// The polling sessions of one address together pay for the budget, however short the queue of each is. They pay for what
// other clients are sent, too.
func TestOneAddressWithManyPollingSessionsPaysForTheBudget(t *testing.T) {
	const limit = 200_000
	budget, ip := sendqueue.NewBudget(limit), "203.0.113.1"
	run(t, func(cfg *engine.Config) {
		cfg.Budget, cfg.RemoteIP = budget, func(*http.Request) string { return ip }
	}, func(t *testing.T, s *server) {
		queue := func(c *echoClient, n int) {
			if c.session.Queue(engine.Prepare(make([]byte, n))) {
				c.session.Flush()
			}
			if used := budget.Used(); used > limit {
				t.Fatalf("%d bytes wait", used)
			}
		}
		for range 49 {
			s.OpenPolling()
			queue(s.lastClient(), 4_000)
		}
		ip = "203.0.113.2"
		s.OpenPolling()
		for range 4 {
			queue(s.lastClient(), 8_000)
		}
		closed := 0
		for _, c := range s.allClients()[:49] {
			closed += c.timesClosed()
		}
		if closed < 8 || closed > 12 || s.lastClient().timesClosed() != 0 {
			t.Errorf("%d sessions of the address with many are closed, and %d of the other", closed, s.lastClient().timesClosed())
		}
	})
}
