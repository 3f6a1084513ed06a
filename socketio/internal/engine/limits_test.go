package engine_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

const unknownSession = `{"code":1,"message":"Session ID unknown"}`

func TestTooLarge(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxPayload = 1000 }, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		fits := "4" + strings.Repeat("x", 999)
		s.Want(200, "ok", "POST", q, fits)
		s.Want(200, fits, "GET", q, "")
		s.Want(413, "", "POST", q, fits+"x")
		s.Want(400, unknownSession, "GET", q, "")

		q = s.OpenPolling() // without a length
		body, more := newSlowBody()
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
		if resp.StatusCode != http.StatusRequestEntityTooLarge || s.last().told() != 1 {
			t.Errorf("%v", resp)
		}

		k := s.OpenSocket()
		k.Send(fits)
		k.Want(fits)
		k.Send(fits + "x")
		k.WantClosed(ws.TooBig)
	})
}

// A client that polls and stops to do so is closed when too much waits for it, by number or by size.
func TestQueueIsBounded(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		for _, test := range []struct{ size, fit int }{{10, 256}, {300_000, 4}} {
			q := s.OpenPolling()
			c := s.last()
			message := engine.Prepare([]byte(strings.Repeat("x", test.size)))
			for i := range test.fit {
				if c.session.Queue(message) {
					t.Fatalf("message %d of %d bytes wants to be sent", i, test.size)
				}
			}
			if c.told() != 0 {
				t.Fatal("it is closed too early")
			}
			if !c.session.Queue(message) {
				t.Error("nobody is told to close it")
			}
			c.session.Flush()
			if c.told() != 1 || !s.log.has("does not fetch what it is sent") {
				t.Error("it is not closed")
			}
			s.Want(400, unknownSession, "GET", q, "")
			if c.session.Queue(message) {
				t.Error("it takes more")
			}
		}
	})
}

func TestWebSocketThatDoesNotRead(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.OpenSocket()
		c := s.last()
		message := engine.Prepare([]byte(strings.Repeat("x", 1000)))
		for range 300 {
			if c.session.Queue(message) {
				c.session.Flush()
			}
		}
		synctest.Wait()
		if c.told() != 1 || !s.log.has("does not read what it is sent") {
			t.Error("it is not closed")
		}
		for {
			_, _, err := k.Read(t.Context())
			if err == nil {
				continue
			}
			if code := websocket.CloseStatus(err); code != ws.TryAgainLater {
				t.Errorf("it ends with %v", err)
			}
			return
		}
	})
}

// Who asks for more than may wait gets all of it, if it polls: the POST waits until then.
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

// Requests of one POST run side by side, as many as may; the one after them waits, and so does the POST.
func TestInFlightIsBounded(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxInFlight = 2 }, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		post := s.Start("POST", q, "4hold\x1e4hold\x1e4quick")
		time.Sleep(time.Second)
		s.last().hold <- struct{}{}
		post(200, "ok")
		synctest.Wait()
		s.Want(200, "4hold\x1e4quick", "GET", q, "")
		close(s.last().hold)
		s.Want(200, "4hold", "GET", q, "")
	})
}

// The sessions without a connection are bounded: the one that has been so for the longest time goes.
func TestAbsentAreBounded(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxDetached = 3 }, func(t *testing.T, s *server) {
		polls := s.OpenPolling()
		waits := s.Start("GET", polls, "")
		k := s.OpenSocket()
		var absent []string
		for range 3 {
			absent = append(absent, s.OpenPolling())
		}
		s.Want(200, "ok", "POST", absent[0], "4a")
		s.Want(200, "4a", "GET", absent[0], "") // and is the last to leave now
		absent = append(absent, s.OpenPolling())
		synctest.Wait()
		s.Want(400, unknownSession, "GET", absent[1], "")
		s.Want(200, "ok", "POST", absent[0], "4a")
		s.Want(200, "ok", "POST", polls, "4b")
		waits(200, "4b")
		synctest.Wait()
		s.Want(400, unknownSession, "GET", absent[2], "")
		k.Send("4c")
		k.Want("4c")
		if n := s.engine.Len(); n != 4 || !s.log.has("too many clients have no connection") {
			t.Errorf("%d sessions are left", n)
		}
		k.CloseNormal()
	})
}

// A flood of sessions that nobody comes back for takes a bounded place.
func TestFloodOfSessions(t *testing.T) {
	run(t, func(cfg *engine.Config) { cfg.MaxDetached = 50 }, func(t *testing.T, s *server) {
		for range 1000 {
			s.OpenPolling()
		}
		synctest.Wait()
		if n := s.engine.Len(); n != 50 {
			t.Errorf("%d sessions are left", n)
		}
		time.Sleep(46 * time.Second)
		if n := s.engine.Len(); n != 0 {
			t.Errorf("%d sessions are left after the ping timeout", n)
		}
	})
}

// A close by the server reaches a client that is between two polls, after what it was sent before.
func TestCloseByServer(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		s.Want(200, "ok", "POST", q, "4last words")
		synctest.Wait()
		s.Want(200, "ok", "POST", q, "4bye\x1e4ignored")
		synctest.Wait()
		if s.last().told() != 1 {
			t.Error("the client is not told")
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

// A fault in a request ends its session, and nothing else.
func TestFault(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		poll := s.Start("GET", q, "")
		s.Want(200, "ok", "POST", q, "4panic")
		poll(200, "1")
		k := s.OpenSocket()
		k.Send("4panic")
		if _, _, err := k.Read(t.Context()); err == nil {
			t.Error("the connection goes on")
		}
		k = s.OpenSocket()
		k.Send("4fine")
		k.Want("4fine")
		k.CloseNormal()
		if !s.log.has("as asked") {
			t.Error("the fault is not logged")
		}
	})
}

func TestSlowRequestsHoldUpNobody(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.OpenSocket()
		k.Send("4hold")
		k.Send("4quick")
		k.Want("4quick")
		k.Want("2")
		k.Send("3")
		close(s.last().hold)
		k.Want("4hold")
		k.CloseNormal()
	})
}

func TestStop(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		polls, between := s.OpenPolling(), ""
		poll := s.Start("GET", polls, "")
		between = s.OpenPolling()
		k := s.OpenSocket()
		k.Send("4hold")
		busy := s.last()
		probes := s.OpenPolling()
		probe := s.DialSocket("&" + probes)
		probe.Send("2probe")
		probe.Want("3probe")
		upgrades := s.OpenPolling()
		upgrade := s.DialSocket("&" + upgrades)
		upgrade.Send("2probe")
		upgrade.Want("3probe")
		worked := s.OpenPolling()
		s.Want(200, "ok", "POST", worked, "4hold")
		s.stopped = true
		stopped := make(chan error)
		go func() { stopped <- s.engine.Stop(t.Context(), func() { t.Error("the requests are cancelled") }) }()
		synctest.Wait()
		s.Want(503, "the server is stopping\n", "GET", enginetest.Polling, "")
		s.Want(503, "the server is stopping\n", "POST", between, "4a")
		if _, resp, err := websocket.Dial(t.Context(), s.URL+"?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: s.HTTP}); err == nil || resp.StatusCode != 503 {
			t.Errorf("a WebSocket: %v, %v", resp, err)
		}
		upgrade.Send("5")
		synctest.Wait()
		answer := s.Start("GET", worked, "")
		close(s.last().hold)
		answer(200, "4hold")
		poll(200, "1")
		probe.WantClosed(ws.GoingAway)
		upgrade.WantClosed(ws.GoingAway)
		close(busy.hold)
		k.Want("4hold")
		k.WantClosed(ws.GoingAway)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
		s.Want(503, "the server is stopping\n", "GET", between, "")
	})
}

// A client that is about to change to WebSocket does so before it is told of the end: in between it would not notice.
func TestStopDuringUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		s.stopped = true
		stopped := make(chan error)
		go func() { stopped <- s.engine.Stop(t.Context(), func() { t.Error("the requests are cancelled") }) }()
		time.Sleep(500 * time.Millisecond)
		k.Send("5")
		k.WantClosed(ws.GoingAway)
		if err := <-stopped; err != nil {
			t.Error(err)
		}
	})
}

// A stop whose time is over cancels the requests and cuts the connections.
func TestStopInTime(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.OpenSocket()
		k.Send("4hold")
		c := s.last()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		s.stopped = true
		cancelled := false
		go func() {
			for {
				if _, _, err := k.Read(t.Context()); err != nil {
					return
				}
				_ = k.Write(t.Context(), websocket.MessageText, []byte("3"))
			}
		}()
		synctest.Wait()
		if err := s.engine.Stop(ctx, func() { cancelled = true; close(c.hold) }); !errors.Is(err, context.DeadlineExceeded) || !cancelled {
			t.Errorf("Stop: %v, %v", err, cancelled)
		}
	})
}

func TestOrigins(t *testing.T) {
	origins, err := ws.NewOrigins([]string{"https://friend.example", "https://*.wide.example"})
	if err != nil {
		t.Fatal(err)
	}
	run(t, func(cfg *engine.Config) { cfg.Origins = origins }, func(t *testing.T, s *server) {
		send := func(method, query, origin, body string) *http.Response {
			r, err := http.NewRequestWithContext(t.Context(), method, s.URL+"?"+query, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Origin", origin)
			if method == http.MethodOptions {
				r.Header.Set("Access-Control-Request-Method", "POST")
				r.Header.Set("Access-Control-Request-Headers", "x-mine")
			}
			resp, err := s.HTTP.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			text, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body = io.NopCloser(strings.NewReader(string(text)))
			return resp
		}
		q := s.OpenPolling()
		sessions := s.engine.Len()
		for _, origin := range []string{"https://friend.example", "https://a.wide.example", "http://test"} {
			for _, resp := range []*http.Response{send("POST", q, origin, "4a"), send("GET", q, origin, ""), send("GET", "EIO=3&transport=polling", origin, "")} {
				head := resp.Header
				if resp.StatusCode == 403 || head.Get("Access-Control-Allow-Origin") != origin || head.Get("Access-Control-Allow-Credentials") != "true" || head.Get("Vary") != "Origin" {
					t.Errorf("%s: %d %v", origin, resp.StatusCode, head)
				}
			}
			resp := send("OPTIONS", q, origin, "")
			if head := resp.Header; resp.StatusCode != 204 || head.Get("Access-Control-Allow-Methods") != "GET, POST" || head.Get("Access-Control-Allow-Headers") != "x-mine" {
				t.Errorf("%s: %d %v", origin, resp.StatusCode, head)
			}
		}
		for _, origin := range []string{"https://evil.example", "null", "https://friend.example.evil.example", "http://friend.example", "https://wide.example", "http://test:8080", "file://"} {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				for _, query := range []string{enginetest.Polling, q, "EIO=4&transport=websocket"} {
					resp := send(method, query, origin, "4a")
					text, _ := io.ReadAll(resp.Body)
					if resp.StatusCode != 403 || string(text) != `{"code":4,"message":"Forbidden"}` || resp.Header.Get("Access-Control-Allow-Origin") != "" {
						t.Errorf("%s: %s %s: %d %s", origin, method, query, resp.StatusCode, text)
					}
				}
			}
			_, resp, err := websocket.Dial(t.Context(), s.URL+"?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: s.HTTP, HTTPHeader: http.Header{"Origin": {origin}}})
			if err == nil || resp.StatusCode != 403 {
				t.Errorf("%s: %v, %v", origin, resp, err)
			}
		}
		if n := s.engine.Len(); n != sessions {
			t.Errorf("%d sessions were made", n-sessions)
		}
	})
}
