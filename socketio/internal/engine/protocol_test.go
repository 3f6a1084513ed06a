package engine_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

// The tests in this file follow the specification of Engine.IO protocol 4 and its test suite, section by section. The
// suite also expects binary messages to be returned as binary messages; this server never sends any.

func TestHandshakePolling(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		status, text := s.Do("GET", enginetest.Polling, "")
		h := s.Handshake(text)
		if status != 200 || len(h.Upgrades) != 1 || h.Upgrades[0] != "websocket" || h.PingInterval != 25000 || h.PingTimeout != 20000 || h.MaxPayload != 1000000 {
			t.Errorf("%d %+v", status, h)
		}
		const transport, version, method, request = `{"code":0,"message":"Transport unknown"}`,
			`{"code":5,"message":"Unsupported protocol version"}`, `{"code":2,"message":"Bad handshake method"}`, `{"code":3,"message":"Bad request"}`
		s.Want(400, version, "GET", "transport=polling", "")
		s.Want(400, version, "GET", "transport=polling&EIO=abc", "")
		s.Want(400, version, "GET", "transport=polling&EIO=3", "")
		s.Want(400, transport, "GET", "EIO=4", "")
		s.Want(400, transport, "GET", "EIO=4&transport=abc", "")
		s.Want(400, method, "POST", enginetest.Polling, "")
		s.Want(400, method, "PUT", enginetest.Polling, "")
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", enginetest.Polling+"&sid=abc", "")
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "POST", enginetest.Polling+"&sid="+h.SID[1:], "4a")
		s.Want(400, request, "PUT", enginetest.Polling+"&sid="+h.SID, "")
	})
}

func TestHandshakeWebSocket(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.DialSocket("")
		h := s.Handshake(k.Next())
		if len(h.Upgrades) != 0 || h.PingInterval != 25000 || h.PingTimeout != 20000 || h.MaxPayload != 1000000 {
			t.Errorf("%+v", h)
		}
		k.CloseNormal()
		for _, query := range []string{"transport=websocket", "transport=websocket&EIO=abc", "EIO=4", "EIO=4&transport=abc", "EIO=4&transport=websocket&sid=abc"} {
			c, resp, err := websocket.Dial(t.Context(), s.URL+"?"+query, &websocket.DialOptions{HTTPClient: s.HTTP})
			if err == nil || resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s: %v, %v, %v", query, c, resp, err)
			}
		}
		s.Want(400, `{"code":3,"message":"Bad request"}`, "GET", "EIO=4&transport=websocket", "")
	})
}

func TestMessagesPolling(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		s.Want(200, "ok", "POST", q, "4hello")
		s.Want(200, "4hello", "GET", q, "")
		s.Want(200, "ok", "POST", q, "4test1\x1e6\x1e4nothing\x1e4test2")
		synctest.Wait()
		s.Want(200, "4test1\x1e4test2", "GET", q, "")
		s.Want(200, "ok", "POST", q, "bAQIDBA==")
		s.Want(200, "4bytes\x01\x02\x03\x04", "GET", q, "")
	})
}

func TestMessagesWebSocket(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.OpenSocket()
		k.Send("4hello")
		k.Want("4hello")
		k.SendBinary(1, 2, 3, 4)
		k.Want("4bytes\x01\x02\x03\x04")
		k.Send("6")
		k.Send("4")
		k.Want("4")
		k.CloseNormal()
	})
}

func TestInvalidPackets(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		for _, body := range []string{"abc", "", "4a\x1e", "4a\x1e7", "b!!!", "2", "0", "\x1e", "é"} {
			q := s.OpenPolling()
			s.Want(400, `{"code":3,"message":"Bad request"}`, "POST", q, body)
			s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
		}
		for _, text := range []string{"abc", "", "2", "2probe", "0", "7"} {
			k := s.OpenSocket()
			k.Send(text)
			k.WantClosed(ws.PolicyError)
		}
		if n := s.sessions(); n != 0 || !s.logged("none of Engine.IO protocol 4") {
			t.Errorf("%d sessions are left", n)
		}
	})
}

func TestTwoGets(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		first := s.Start("GET", q, "")
		s.Want(400, `{"code":3,"message":"Bad request"}`, "GET", q, "")
		first(200, "1")
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
	})
}

func TestTwoPosts(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		body, more := newDelayedBody()
		r, err := http.NewRequestWithContext(t.Context(), "POST", s.URL+"?"+q, body)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan int)
		go func() {
			resp, err := s.HTTP.Do(r)
			if err != nil {
				t.Error(err)
			}
			resp.Body.Close()
			done <- resp.StatusCode
		}()
		synctest.Wait()
		s.Want(400, `{"code":3,"message":"Bad request"}`, "POST", q, "4b")
		more("4a")
		<-done
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
	})
}

func TestAbortedPoll(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		ctx, cancel := context.WithCancel(t.Context())
		r, err := http.NewRequestWithContext(ctx, "GET", s.URL+"?"+q, nil)
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan struct{})
		go func() {
			defer close(done)
			if resp, err := s.HTTP.Do(r); err == nil {
				t.Errorf("%v", resp)
			}
		}()
		synctest.Wait()
		cancel()
		<-done
		synctest.Wait()
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
	})
}

func TestHeartbeatPolling(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		start := time.Now()
		for i := range 3 {
			s.Want(200, "2", "GET", q, "")
			if took := time.Since(start); took != time.Duration(i+1)*25*time.Second {
				t.Errorf("the ping %d comes after %v", i+1, took)
			}
			s.Want(200, "ok", "POST", q, "3")
		}
	})
}

func TestHeartbeatWebSocket(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		k := s.OpenSocket()
		start := time.Now()
		for i := range 3 {
			k.Want("2")
			if took := time.Since(start); took != time.Duration(i+1)*25*time.Second {
				t.Errorf("the ping %d comes after %v", i+1, took)
			}
			k.Send("3")
		}
		k.Want("2")
		k.Send("4not an answer")
		k.Want("4not an answer")
		k.WantClosed(ws.PolicyError)
		if took := time.Since(start); took != 4*25*time.Second+20*time.Second {
			t.Errorf("it is closed after %v", took)
		}
	})
}

// A polling client may send no request for PingInterval plus PingTimeout. After that its session is closed.
func TestVanishedPoller(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		time.Sleep(25*time.Second + 20*time.Second - time.Millisecond)
		s.Want(200, "2", "GET", q, "")
		s.Want(200, "ok", "POST", q, "3\x1e4back")
		s.Want(200, "4back", "GET", q, "")
		time.Sleep(25*time.Second + 20*time.Second)
		synctest.Wait()
		if n := s.sessions(); n != 0 || s.lastClient().timesClosed() != 1 || !s.logged("ping timeout") {
			t.Errorf("%d sessions are left", n)
		}
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")
	})
}

func TestCloseByClient(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		poll := s.Start("GET", q, "")
		s.Want(200, "ok", "POST", q, "1\x1e4after")
		poll(200, "6")
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")

		q = s.OpenPolling() // the POST overtakes a GET
		s.Want(200, "ok", "POST", q, "1")
		s.Want(200, "6", "GET", q, "")
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")

		q = s.OpenPolling()
		s.Want(200, "ok", "POST", q, "1")
		time.Sleep(101 * time.Millisecond)
		s.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", q, "")

		k := s.OpenSocket()
		k.Send("1")
		k.WantClosed(ws.Normal)
	})
}

func TestUpgrade(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		k := s.DialSocket("&" + q)
		k.Send("2probe")
		k.Want("3probe")
		start := time.Now()
		s.Want(200, "6", "GET", q, "")
		if took := time.Since(start); took != 100*time.Millisecond {
			t.Errorf("the GET takes %v", took)
		}
		k.Send("5")
		k.Send("4hello")
		k.Want("4hello")

		s.Want(400, `{"code":3,"message":"Bad request"}`, "GET", q, "")
		s.Want(400, `{"code":3,"message":"Bad request"}`, "POST", q, "4a")
		second := s.DialSocket("&" + q)
		second.WantClosed(ws.PolicyError)
		k.Send("4still here")
		k.Want("4still here")
		k.Want("2")
		k.CloseNormal()
	})
}

// A client with the option forceBase64 sends binary messages as text over both transports.
func TestBinaryInBase64OverBothTransports(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		s.Want(200, "ok", "POST", q, "bAQIDBA==")
		s.Want(200, "4bytes\x01\x02\x03\x04", "GET", q, "")
		k := s.OpenSocket()
		k.Send("bAQIDBA==")
		k.Want("4bytes\x01\x02\x03\x04")
		k.SendBinary(5)
		k.Want("4bytes\x05")
		k.Send("bA*")
		k.WantClosed(ws.PolicyError)
	})
}

// A POST with more requests than half of the queue takes replies continues as soon as a GET has fetched them, also if that
// GET was waiting before.
func TestABurstOfRequestsDoesNotStallBesideAWaitingGET(t *testing.T) {
	run(t, nil, func(t *testing.T, s *server) {
		q := s.OpenPolling()
		poll := s.Start("GET", q, "")
		start := time.Now()
		packets := func(n int) string { return strings.TrimSuffix(strings.Repeat("4x\x1e", n), "\x1e") }
		post := s.Start("POST", q, packets(300))
		poll(200, packets(128))
		for n := 128; n < 300; {
			_, text := s.Do("GET", q, "")
			if n += strings.Count(text, "4x"); strings.Contains(text, "2") {
				t.Fatal("the server has sent nothing but a ping")
			}
		}
		post(200, "ok")
		if took := time.Since(start); took > time.Second {
			t.Errorf("the POST stalls for %v", took)
		}
	})
}
