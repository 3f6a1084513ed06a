package engine_test

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/ws"
)

// What follows are the cases that the description of Engine.IO protocol 4 and its test suite have, section by section.
// The suite also wants a binary message back as a binary one; this server has none to send.

func TestHandshakePolling(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		status, text := s.do("GET", polling, "")
		h := s.handshake(text)
		if status != 200 || len(h.Upgrades) != 1 || h.Upgrades[0] != "websocket" || h.PingInterval != 25000 || h.PingTimeout != 20000 || h.MaxPayload != 1000000 {
			t.Errorf("%d %+v", status, h)
		}
		const transport, version, method, request = `{"code":0,"message":"Transport unknown"}`,
			`{"code":5,"message":"Unsupported protocol version"}`, `{"code":2,"message":"Bad handshake method"}`, `{"code":3,"message":"Bad request"}`
		s.want(400, version, "GET", "transport=polling", "")
		s.want(400, version, "GET", "transport=polling&EIO=abc", "")
		s.want(400, version, "GET", "transport=polling&EIO=3", "")
		s.want(400, transport, "GET", "EIO=4", "")
		s.want(400, transport, "GET", "EIO=4&transport=abc", "")
		s.want(400, method, "POST", polling, "")
		s.want(400, method, "PUT", polling, "")
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", polling+"&sid=abc", "")
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "POST", polling+"&sid="+h.SID[1:], "4a")
		s.want(400, request, "PUT", polling+"&sid="+h.SID, "")
	})
}

func TestHandshakeWebSocket(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.dial("")
		h := s.handshake(k.read())
		if len(h.Upgrades) != 0 || h.PingInterval != 25000 || h.PingTimeout != 20000 || h.MaxPayload != 1000000 {
			t.Errorf("%+v", h)
		}
		k.leave()
		for _, query := range []string{"transport=websocket", "transport=websocket&EIO=abc", "EIO=4", "EIO=4&transport=abc", "EIO=4&transport=websocket&sid=abc"} {
			c, resp, err := websocket.Dial(t.Context(), "http://test/socket.io/?"+query, &websocket.DialOptions{HTTPClient: s.http})
			if err == nil || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %v, %v, %v", query, c, resp, err)
			}
		}
		s.want(400, `{"code":3,"message":"Bad request"}`, "GET", "EIO=4&transport=websocket", "")
	})
}

func TestMessagesPolling(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		s.want(200, "ok", "POST", q, "4hello")
		s.want(200, "4hello", "GET", q, "")
		s.want(200, "ok", "POST", q, "4test1\x1e6\x1e4nothing\x1e4test2")
		synctest.Wait()
		s.want(200, "4test1\x1e4test2", "GET", q, "")
		s.want(200, "ok", "POST", q, "bAQIDBA==")
		s.want(200, "4bytes\x01\x02\x03\x04", "GET", q, "")
	})
}

func TestMessagesWebSocket(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.connect()
		k.send("4hello")
		k.want("4hello")
		if err := k.Write(t.Context(), websocket.MessageBinary, []byte{1, 2, 3, 4}); err != nil {
			t.Error(err)
		}
		k.want("4bytes\x01\x02\x03\x04")
		k.send("6")
		k.send("4")
		k.want("4")
		k.leave()
	})
}

func TestInvalidPackets(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		for _, body := range []string{"abc", "", "4a\x1e", "4a\x1e7", "b!!!", "2", "0", "\x1e", "é"} {
			q := s.poll()
			s.want(400, `{"code":3,"message":"Bad request"}`, "POST", q, body)
			s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
		}
		for _, text := range []string{"abc", "", "2", "2probe", "0", "7"} {
			k := s.connect()
			k.send(text)
			k.ended(ws.PolicyError)
		}
		if n := s.engine.Len(); n != 0 || !s.log.has("none of Engine.IO protocol 4") {
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestTwoRequestsAtATime(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		first := s.later("GET", q, "")
		s.want(400, `{"code":3,"message":"Bad request"}`, "GET", q, "")
		first(200, "1")
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
	})
}

func TestTwoPosts(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		body, more := newSlowBody()
		r, err := http.NewRequestWithContext(t.Context(), "POST", "http://test/socket.io/?"+q, body)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan int)
		go func() {
			resp, err := s.http.Do(r)
			if err != nil {
				t.Error(err)
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
		synctest.Wait()
		s.want(400, `{"code":3,"message":"Bad request"}`, "POST", q, "4b")
		more("4a")
		<-done
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
	})
}

func TestAbortedPoll(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", "http://test/socket.io/?"+q, nil)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp, err := s.http.Do(r); err == nil {
				t.Errorf("%v", resp)
			}
		}()
		synctest.Wait()
		cancel()
		<-done
		synctest.Wait()
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
	})
}

func TestHeartbeatPolling(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		start := time.Now()
		for i := range 3 {
			s.want(200, "2", "GET", q, "")
			if took := time.Since(start); took != time.Duration(i+1)*25*time.Second {
				t.Errorf("the ping %d comes after %v", i+1, took)
			}
			s.want(200, "ok", "POST", q, "3")
		}
	})
}

func TestHeartbeatWebSocket(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.connect()
		start := time.Now()
		for i := range 3 {
			k.want("2")
			if took := time.Since(start); took != time.Duration(i+1)*25*time.Second {
				t.Errorf("the ping %d comes after %v", i+1, took)
			}
			k.send("3")
		}
		k.want("2")
		k.send("4not an answer")
		k.want("4not an answer")
		k.ended(ws.PolicyError)
		if took := time.Since(start); took != 4*25*time.Second+20*time.Second {
			t.Errorf("it ends after %v", took)
		}
	})
}

// A client that polls may vanish for less than the ping timeout, and costs nothing after it.
func TestVanishedPoller(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		time.Sleep(25*time.Second + 20*time.Second - time.Millisecond)
		s.want(200, "2", "GET", q, "")
		s.want(200, "ok", "POST", q, "3\x1e4back")
		s.want(200, "4back", "GET", q, "")
		time.Sleep(25*time.Second + 20*time.Second)
		synctest.Wait()
		if n := s.engine.Len(); n != 0 || s.last().told() != 1 || !s.log.has("ping timeout") {
			t.Errorf("%d sessions are left", n)
		}
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
	})
}

func TestCloseByClient(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		poll := s.later("GET", q, "")
		s.want(200, "ok", "POST", q, "1\x1e4after")
		poll(200, "6")
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")

		q = s.poll() // the GET may come after the POST
		s.want(200, "ok", "POST", q, "1")
		s.want(200, "6", "GET", q, "")
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")

		q = s.poll()
		s.want(200, "ok", "POST", q, "1")
		time.Sleep(101 * time.Millisecond)
		s.want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")

		k := s.connect()
		k.send("1")
		k.ended(ws.Normal)
	})
}

func TestUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.poll()
		k := s.dial("&" + q)
		k.send("2probe")
		k.want("3probe")
		start := time.Now()
		s.want(200, "6", "GET", q, "")
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("the GET takes %v", took)
		}
		k.send("5")
		k.send("4hello")
		k.want("4hello")

		s.want(400, `{"code":3,"message":"Bad request"}`, "GET", q, "")
		s.want(400, `{"code":3,"message":"Bad request"}`, "POST", q, "4a")
		second := s.dial("&" + q)
		second.ended(ws.PolicyError)
		k.send("4still here")
		k.want("4still here")
		k.want("2")
		k.leave()
	})
}
