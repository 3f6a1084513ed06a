//go:build hostile

package attack_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/logging"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// echo is a handler that is mounted: it reads nothing of the body.
var echo = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("mounted")) })

// TestHTTPSmuggling has requests whose end two programs may see in different places. The next bytes may be
// meant as the request of another client, so they must not be answered.
func TestHTTPSmuggling(t *testing.T) {
	t.Parallel()
	s := newTarget(t, func(cfg *server.Config) { cfg.CommonWeb.AllowedOrigins = []string{"*"} })
	if err := s.Web.Mount("/mounted/", echo); err != nil {
		t.Fatal(err)
	}
	const second = "GET /api/status HTTP/1.1\r\n" + host + "\r\n"
	const form = "Content-Type: application/x-www-form-urlencoded\r\n"
	heads := map[string]string{
		"both":                      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
		"both, the other way round": "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
		"both, in lower case":       "content-length: 5\r\ntransfer-encoding: chunked\r\n",
		"both, in upper case":       "Content-Length: 5\r\nTransfer-Encoding: CHUNKED\r\n",
		"chunked twice":             "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"two encodings":             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
		"a list of encodings":       "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked\r\n",
		"an encoding of no kind":    "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
		"a tab before":              "Content-Length: 5\r\nTransfer-Encoding:\tchunked\r\n",
		"a vertical tab before":     "Content-Length: 5\r\nTransfer-Encoding: \x0bchunked\r\n",
		"a space before the colon":  "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
		"a line of its own":         "Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n",
		"a bare line feed":          "Content-Length: 5\nTransfer-Encoding: chunked\r\n",
		"a bare carriage return":    "Content-Length: 5\rX: y\r\nTransfer-Encoding: chunked\r\n",
		"quotes":                    "Content-Length: 5\r\nTransfer-Encoding: \"chunked\"\r\n",
		"two lengths":               "Content-Length: 5\r\nContent-Length: 0\r\n",
		"a list of lengths":         "Content-Length: 5, 0\r\n",
		"a signed length":           "Content-Length: +5\r\nTransfer-Encoding: chunked\r\n",
		"a negative length":         "Content-Length: -5\r\n",
		"a length in hex":           "Content-Length: 0x5\r\n",
	}
	for name, head := range heads {
		for _, target := range []string{"POST /api/randomNumber", "GET /public/plain.txt", "POST /mounted/x", "BREW /api/randomNumber", "OPTIONS /api/randomNumber"} {
			preflight := ""
			if strings.HasPrefix(target, "OPTIONS") {
				preflight = "Origin: http://a\r\nAccess-Control-Request-Method: POST\r\n"
			}
			for _, version := range []string{"1.1", "1.0"} {
				text, err := ask(s.DialHTTP, target+" HTTP/"+version+"\r\n"+host+preflight+form+head+"\r\n0\r\n\r\n"+second+second)
				if err != nil {
					t.Errorf("%s, %s: %v after %q", name, target, err, text)
				}
				if list := replies(t, text); len(list) > 1 || strings.Contains(text, "stats") {
					t.Errorf("%s, %s: %d answers: %.2000q", name, target, len(list), text)
				}
			}
		}
	}
	// The test would show nothing if a second request were never answered.
	if text, err := ask(s.DialHTTP, strings.TrimSuffix(second, "\r\n")+"\r\n"+get("/api/status")); err != nil || len(replies(t, text)) != 2 {
		t.Errorf("two requests on one connection: %v, %q", err, text)
	}
}

func TestHTTPThousandPanics(t *testing.T) {
	leaks := testkit.CheckLeaks(t)
	s := newTarget(t, nil, boom)
	s.API.Use(panics)
	wellBehaved := s.wellBehavedHTTP(t)
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 20}}
	var clients sync.WaitGroup
	for c := range 20 {
		clients.Go(func() {
			for i := range 50 {
				n := c*50 + i
				resp, err := client.Get(fmt.Sprintf("http://%s/api/boom?limit=%d&key=%s", s.Web.Addr(), n, []string{"middleware", "action"}[c%2]))
				if err != nil {
					t.Error(err)
					continue
				}
				if text := body(t, resp); resp.StatusCode != 500 || !strings.Contains(text, `"error":"The server experienced an internal error"`) {
					t.Errorf("%d: %s", resp.StatusCode, text)
				}
			}
		})
	}
	clients.Wait()
	wellBehaved()
	client.CloseIdleConnections()
	s.Stop()
	leaks()
	failures := s.Log.With("cause", "panic: ")
	seen := map[string]bool{}
	for _, e := range failures {
		seen[e.Attrs["params"]] = true
		if e.Level != slog.LevelError || !strings.Contains(e.Attrs["cause"], boomFile) {
			t.Fatalf("a panic is logged as %+v: without its stack", e)
		}
	}
	if len(failures) != 1000 || len(seen) != 1000 {
		t.Errorf("1000 panics are logged %d times, %d different ones", len(failures), len(seen))
	}
}

func TestHTTPForwardedFor(t *testing.T) {
	t.Parallel()
	limited := func(proxies ...string) *target {
		return newTarget(t, func(cfg *server.Config) {
			cfg.General.RequestLimit, cfg.CommonWeb.TrustedProxies = 3, proxies
		})
	}
	from := func(s *target, header string) (int, string) {
		text, err := ask(s.DialHTTP, "GET /api/randomNumber HTTP/1.1\r\n"+host+last+"X-Forwarded-For: "+header+"\r\n\r\n")
		if err != nil {
			t.Fatal(err)
		}
		list := replies(t, text)
		return list[0].StatusCode, list[0].Text
	}
	stranger := limited()
	for i := range 4 {
		status, text := from(stranger, "192.0.2."+strconv.Itoa(i))
		if !strings.Contains(text, `"remoteAddress":"127.0.0.1"`) || (status == 429) != (i == 3) {
			t.Errorf("a stranger's header, request %d: %d %s", i+1, status, text)
		}
	}
	trusting := limited("127.0.0.1", "10.0.0.0/8")
	for header, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "203.0.113.5, 192.0.2.1": "192.0.2.1", "192.0.2.9, 10.0.0.1": "192.0.2.9", "2001:db8::1": "2001:db8::1",
		"": "127.0.0.1", "unknown": "127.0.0.1", "192.0.2.7, <script>": "127.0.0.1", "10.0.0.1\", \"x": "127.0.0.1",
	} {
		if _, text := from(trusting, header); want != "127.0.0.1" && !strings.Contains(text, `"remoteAddress":"`+want+`"`) {
			t.Errorf("X-Forwarded-For: %s: %s", header, text)
		}
	}
	for i := range 4 {
		// Addresses that the client writes before the one that the proxy adds are not believed.
		if status, _ := from(trusting, fmt.Sprintf("198.51.100.%d, 192.0.2.77", i)); (status == 429) != (i == 3) {
			t.Errorf("request %d behind a proxy: %d", i+1, status)
		}
	}
}

// TestHTTPFloodOfAddresses counts on a limiter that would keep every address to need more than 100 bytes for each.
func TestHTTPFloodOfAddresses(t *testing.T) {
	s := newTarget(t, func(cfg *server.Config) {
		cfg.General.RequestLimit, cfg.Log.LogRequests, cfg.CommonWeb.TrustedProxies = 100, new(false), []string{"127.0.0.1"}
	})
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	flood := func(from, to int) {
		r := httptest.NewRequest("GET", "/api/randomNumber", nil)
		r.RemoteAddr = "127.0.0.1:1"
		for i := from; i < to; i++ {
			r.Header.Set("X-Forwarded-For", fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff))
			s.Web.ServeHTTP(httptest.NewRecorder(), r)
		}
	}
	const full = 150_000
	before := heap()
	flood(0, full)
	filled := heap()
	flood(full, 2*full)
	after := heap()
	t.Logf("%d addresses: %d KiB more, %d: %d KiB more", full, (filled-before)>>10, 2*full, (after-before)>>10)
	if after-filled > 2<<20 || after-before > 32<<20 {
		t.Errorf("the limiter grew from %d to %d and then to %d KiB", before>>10, filled>>10, after>>10)
	}
}

// TestHTTPLogsCannotBeForged has the real log write what a client sends with line ends and escape codes.
func TestHTTPLogsCannotBeForged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	log, file, err := logging.New(logging.Config{Level: "debug", Folder: dir, File: "api.log", MaxSize: 10 << 20})
	if err != nil {
		t.Fatal(err)
	}
	s := newTarget(t, func(cfg *server.Config) { cfg.General.Log = log }, odd)
	const forged = "\r\n2038-01-19 | [action @ web] to: 1.2.3.4 | action: forged\x1b[2J\x1b]0;owned\x07\u2028\u0085"
	requests := []string{
		get("/api/odd?key=" + testkit.Encodings(forged)[2]), get("/api/" + testkit.Encodings(forged)[2]), get("/public/" + testkit.Encodings(forged)[2]),
		postBody("/api/odd", "application/json", `{"key":"\r\n\u001b[2J","list":["\n"]}`), "GET /api/odd HTTP/1.1\r\n" + host + last + "User-Agent: \x1b[2J\r\n\r\n",
	}
	for _, request := range requests {
		if _, err := ask(s.DialHTTP, request); err != nil {
			t.Fatal(err)
		}
	}
	s.Stop()
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(dir, "api.log"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	n := 0
	for _, line := range lines {
		if strings.Contains(line, "@ web]") {
			n++
		}
		if strings.ContainsAny(line, "\x1b\x07\r\u2028\u0085") || !strings.HasPrefix(line, "{") {
			t.Errorf("the log has %q", line)
		}
	}
	if n != len(requests)-strings.Count(strings.Join(requests, ""), "User-Agent") {
		t.Errorf("%d requests made %d lines: %s", len(requests), n, text)
	}
}

// TestHTTPBodiesOfAllURLs sends the body of every kind of request slowly, to a server that is less patient.
func TestHTTPBodiesOfAllURLs(t *testing.T) {
	t.Parallel()
	s := newTarget(t, func(cfg *server.Config) {
		cfg.CommonWeb.ReadTimeout, cfg.CommonWeb.AllowedOrigins = 300*time.Millisecond, []string{"*"}
	}, boom, large)
	if err := s.Web.Mount("/mounted/", echo); err != nil {
		t.Fatal(err)
	}
	var clients sync.WaitGroup
	for _, target := range []string{"POST /api/nothing", "POST /api/boom", "POST /api/large", "GET /public/big.bin", "GET /public/none", "POST /mounted/x", "BREW /", "OPTIONS /", "HEAD /api/status", "GET /file/plain.txt"} {
		for _, kind := range []string{"application/json", "text/plain", "multipart/form-data; boundary=b", "none"} {
			for _, length := range []string{"Content-Length: 100", "Content-Length: 1000000", "Transfer-Encoding: chunked", "Expect: 100-continue\r\nContent-Length: 100"} {
				clients.Go(func() {
					// The body never comes; ask wants the connection closed.
					head := target + " HTTP/1.1\r\n" + host + "Content-Type: " + kind + "\r\n" + length + "\r\n\r\n"
					if text, err := ask(s.DialHTTP, head); err != nil {
						t.Errorf("%q: %v after %.300q", head, err, text)
					}
				})
			}
		}
	}
	clients.Wait()
}
