package server_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// short is a time limit under test. On a busy machine it is long enough for what must happen within it.
const short = 2 * time.Second

// requestLimits are the drivers of limits on the requests of all transports.
var requestLimits = map[string]driver{
	"general.maxLimit": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.General.MaxLimit, cfg.General.DefaultLimit = 5, 5 })
		for _, c := range []testkit.Client{s.HTTP(t), s.TCP(t), s.WS(t), s.SIO(t)} {
			wantOK(t, c.Do("limitEcho", map[string]string{"limit": "5"}).JSON)
			l.wantCode(t, c.Do("limitEcho", map[string]string{"limit": "6"}).JSON)
		}
	},
	"general.actionTimeout": func(t *testing.T, l limit) {
		g := testkit.NewGate()
		s := limited(t, func(cfg *server.Config) { cfg.General.ActionTimeout = short }, g.Action())
		for _, c := range []testkit.Client{s.HTTP(t), s.TCP(t), s.WS(t), s.SIO(t)} {
			wantOK(t, c.Do("limitEcho", nil).JSON)
			l.wantCode(t, c.Do("gate", nil).JSON)
		}
	},
	"general.requestLimit": func(t *testing.T, l limit) {
		l.wantReached(t, "with retryAfter")
		for name, connect := range testkit.Transports {
			if name == "worker" { // a task has no client
				continue
			}
			s := limited(t, func(cfg *server.Config) { cfg.General.RequestLimit = 2 })
			c := connect(t, s)
			wantOK(t, c.Do("limitEcho", nil).JSON)
			if name == "http" { // for other clients, the opening is a request
				wantOK(t, c.Do("limitEcho", nil).JSON)
			}
			answer := c.Do("limitEcho", nil).JSON
			l.wantCode(t, answer)
			if !strings.Contains(answer, `"retryAfter":`) {
				t.Errorf("over %s the answer is %s", name, answer)
			}
		}
	},
}

// keyedLimits are the drivers of limits on calls with idempotency keys.
var keyedLimits = map[string]driver{
	"general.idempotencyKeys": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.General.IdempotencyKeys = 1 }, limitKeyed)
		c := s.HTTP(t)
		for range 2 {
			wantOK(t, c.Ask("POST", "/api/limitKeyed?size=1", "", "Idempotency-Key: a").Text)
		}
		answer := c.Ask("POST", "/api/limitKeyed?size=1", "", "Idempotency-Key: b").Text
		if l.wantCode(t, answer); !strings.Contains(answer, `"retryAfter":`) {
			t.Error(answer)
		}
	},
	"idempotencyKeyBytes": func(t *testing.T, l limit) {
		c := limited(t, nil, limitKeyed).HTTP(t)
		wantOK(t, c.Ask("POST", "/api/limitKeyed?size=1", "", "Idempotency-Key: "+strings.Repeat("k", l.n)).Text)
		l.wantCode(t, c.Ask("POST", "/api/limitKeyed?size=1", "", "Idempotency-Key: "+strings.Repeat("k", l.n+1)).Text)
	},
	"general.idempotencyBytes": func(t *testing.T, l limit) {
		const size = 1000
		s := limited(t, func(cfg *server.Config) { cfg.General.IdempotencyBytes = size }, limitKeyed)
		c := s.HTTP(t)
		for _, tt := range []struct {
			bytes int
			kept  bool
		}{{size - 60, true}, {size - 20, false}} {
			path := fmt.Sprint("/api/limitKeyed?size=", tt.bytes)
			wantOK(t, c.Ask("POST", path, "", "Idempotency-Key: "+path[1:]).Text)
			if again := c.Ask("POST", path, "", "Idempotency-Key: "+path[1:]).Text; tt.kept {
				wantOK(t, again)
			} else {
				l.wantCode(t, again)
			}
		}
	},
}

// limitKeyed answers a text of the given length.
var limitKeyed = actionhero.Action[struct {
	Size int `json:"size"`
}, map[string]string]{
	Name: "limitKeyed", IdempotencyKey: actionhero.KeyOptional,
	Run: func(_ context.Context, in struct {
		Size int `json:"size"`
	}) (map[string]string, error) {
		return map[string]string{"text": strings.Repeat("x", in.Size)}, nil
	},
}

// webLimits are the drivers of limits on HTTP.
var webLimits = map[string]driver{
	"commonWeb.maxConnections": func(t *testing.T, l limit) {
		l.wantReached(t, "the connection closes")
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.MaxConns = 1 })
		wantOneConnection(t, s)
	},
	"commonWeb.maxConnectionsPerAddress": func(t *testing.T, l limit) {
		l.wantReached(t, "the connection closes")
		address := outwardAddress(t)
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.MaxConnsPerAddr, cfg.HTTPServer.BindIP = 1, address })
		wantOneConnection(t, s)
	},
	"commonWeb.maxBodyBytes": func(t *testing.T, l limit) {
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBodyBytes = 100 })
		body := `{"text":"` + strings.Repeat("x", 100-len(`{"text":""}`)) + `"}`
		wantOK(t, post(t, s, body).Text)
		post(t, s, body+" ").Want(t, 413, `"errorCode":"invalidInput"`)
		l.wantReached(t, "status 413")
	},
	"commonWeb.maxBufferedBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "503 with Retry-After")
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBufferedBytes = 64 << 10 })
		body := `{"text":"` + strings.Repeat("x", 80<<10-len(`{"text":""}`)) + `"}`
		wantOK(t, post(t, s, body).Text)
		wantBusy(t, post(t, s, body+" "))
	},
	"commonWeb.maxUploadBytesTotal": func(t *testing.T, l limit) {
		l.wantReached(t, "503 with Retry-After")
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.MaxUploadBytes = 64 << 10 })
		upload := func(n int) testkit.Reply {
			return s.HTTP(t).Ask("POST", "/api/limitEcho", formOf(`name="upload"; filename="x"`+"\r\n\r\n"+strings.Repeat("x", n)), formType)
		}
		wantOK(t, upload(64<<10).Text)
		wantBusy(t, upload(64<<10+1))
	},
	"commonWeb.maxHeaderBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "status 431")
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.MaxHeaderBytes = 8 << 10 })
		s.HTTP(t).Ask("GET", "/api/limitEcho", "", "X-Long: "+strings.Repeat("x", 7<<10)).Want(t, 200, "")
		s.HTTP(t).Ask("GET", "/api/limitEcho", "", "X-Long: "+strings.Repeat("x", 16<<10)).Want(t, 431, "") // net/http adds 4 KiB
	},
	"commonWeb.headerTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "the connection closes")
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.HeaderTimeout = short })
		c := s.HTTPConn(t)
		c.Send("GET /api/limitEcho HTTP/1.1\r\nHost: localhost\r\n")
		c.WantClosed()
	},
	"commonWeb.readTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "status 408")
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.ReadTimeout = short })
		c := s.HTTPConn(t)
		c.Send("POST /api/limitEcho HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5\r\n\r\n{")
		if got := c.Next("POST"); got.StatusCode != http.StatusRequestTimeout {
			t.Errorf("a body that does not end is answered with %d", got.StatusCode)
		}
	},
	"commonWeb.writeTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "the connection closes")
		s, closed := endless(t, func(cfg *server.Config) { cfg.CommonWeb.WriteTimeout = short })
		s.HTTPConn(t).Send("GET /api/endless HTTP/1.1\r\nHost: localhost\r\n\r\n")
		wantSignal(t, closed)
	},
	"commonWeb.idleTimeout": func(t *testing.T, l limit) {
		l.wantReached(t, "the connection closes")
		s := limited(t, func(cfg *server.Config) { cfg.CommonWeb.IdleTimeout = short })
		c := s.HTTPConn(t)
		c.Send("GET /api/limitEcho HTTP/1.1\r\nHost: localhost\r\n\r\n")
		wantOK(t, c.Next("GET").Text)
		c.WantClosed()
	},
	"httpsServer.maxStreams": func(t *testing.T, l limit) {
		l.wantReached(t, "the request waits")
		g := testkit.NewGate()
		s := testkit.Start(t, testkit.Options{TLS: true, Parts: actionhero.Parts{g.Action()}, Change: func(cfg *server.Config) { cfg.HTTPSServer.MaxStreams = 2 }})
		var dials atomic.Int32
		cfg := s.ClientTLS.Clone()
		cfg.NextProtos = []string{"h2"}
		transport := &http.Transport{ForceAttemptHTTP2: true, DialTLSContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			dials.Add(1)
			return (&tls.Dialer{Config: cfg}).DialContext(ctx, network, address)
		}}
		t.Cleanup(transport.CloseIdleConnections)
		ask := func(action string) {
			resp, err := (&http.Client{Transport: transport}).Get("https://" + s.Web.TLSAddr().String() + "/api/" + action)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
		}
		ask("randomNumber") // the client knows the limit from now on
		var asking sync.WaitGroup
		for conns, requests := range []int{2, 1} { // the third request would wait, so the client opens a second connection
			for range requests {
				asking.Go(func() { ask("gate") })
			}
			for range requests {
				<-g.Begun
			}
			if n := int(dials.Load()); n < conns+1 { // it may open more than it needs
				t.Errorf("the client has opened %d connections, want %d", n, conns+1)
			}
		}
		g.Open()
		asking.Wait()
	},
	"httpsServer.maxRequests": func(t *testing.T, l limit) {
		l.wantReached(t, "503 without a body, with Retry-After")
		g := testkit.NewGate()
		s := testkit.Start(t, testkit.Options{TLS: true, Parts: actionhero.Parts{g.Action()}, Change: func(cfg *server.Config) { cfg.HTTPSServer.MaxRequests = 8 }})
		c := s.HTTPS(t, true)
		var asking sync.WaitGroup
		asking.Go(func() { _, _ = c.Try(t.Context(), "GET", "/api/gate", http.NoBody) })
		<-g.Begun
		got := c.Ask("GET", "/api/randomNumber", "")
		if got.StatusCode != http.StatusServiceUnavailable || got.Text != "" || got.Header.Get("Retry-After") == "" {
			t.Errorf("beyond the limit the answer is %d %q", got.StatusCode, got.Text)
		}
		g.Open()
		asking.Wait()
	},
}

func wantBusy(t *testing.T, got testkit.Reply) {
	t.Helper()
	got.Want(t, http.StatusServiceUnavailable, `"errorCode":"unavailable"`)
	if got.Header.Get("Retry-After") == "" {
		t.Error("the answer has no Retry-After")
	}
}

// wantOneConnection fails the test unless the web server serves one connection and closes the next one.
func wantOneConnection(t *testing.T, s *testkit.Server) {
	t.Helper()
	first, second := s.HTTPConn(t), s.HTTPConn(t)
	first.Send("GET /api/limitEcho HTTP/1.1\r\nHost: localhost\r\n\r\n")
	wantOK(t, first.Next("GET").Text)
	if rest, err := io.ReadAll(second.In); len(rest) > 0 {
		t.Errorf("the second connection reads %q, %v", rest, err)
	}
	_ = first.Close()
	if !testkit.Within(testkit.Wait, func() bool {
		nc, err := s.DialHTTP()
		if err != nil {
			return false
		}
		defer nc.Close()
		_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
		_, _ = io.WriteString(nc, "GET /api/limitEcho HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
		text, _ := io.ReadAll(nc)
		return strings.Contains(string(text), " 200 ")
	}) {
		t.Error("after the first connection has closed, no other one is served")
	}
}

// outwardAddress returns an address of this machine that is not a loopback address. The limit exempts loopback. On a machine
// without another address, only the tests of package netlisten show the limit.
func outwardAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has loopback addresses alone")
	return ""
}

// endless starts a server with the action "endless", whose answer has no end. The channel is closed when the server
// stops sending it.
func endless(t *testing.T, change func(cfg *server.Config)) (*testkit.Server, <-chan struct{}) {
	closed := make(chan struct{})
	return limited(t, change, actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: "endless", Kind: actionhero.KindRead,
		Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
			return &actionhero.Content{Name: "x.bin", Body: &zeros{closed: closed}}, nil
		},
	}), closed
}

// zeros is an endless text.
type zeros struct {
	once   sync.Once
	closed chan struct{}
}

func (z *zeros) Read(p []byte) (int, error) { return len(p), nil }

func (z *zeros) Close() error {
	z.once.Do(func() { close(z.closed) })
	return nil
}

func wantSignal(t *testing.T, closed <-chan struct{}) {
	t.Helper()
	select {
	case <-closed:
	case <-time.After(testkit.Wait):
		t.Error("the server still sends to a client that does not read")
	}
}
