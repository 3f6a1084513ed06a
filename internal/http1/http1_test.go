package http1_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero/internal/http1"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// server is a running server. fallbacks receives the input of each connection that goes to Fallback.
type server struct {
	*http1.Server
	addr      string
	fallbacks chan []byte
}

func newServer(t testing.TB, h http.Handler) *server {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &server{addr: ln.Addr().String(), fallbacks: make(chan []byte, 100)}
	s.Server = http1.New(http1.Config{
		Handler: h, MaxHead: 64 << 10, Log: slog.New(slog.DiscardHandler),
		Eligible: func(_, path string) bool { return path != "/ineligible" },
		OnPhase:  func(net.Conn, http1.Phase) {},
		Fallback: func(nc net.Conn, read []byte) {
			s.fallbacks <- read
			_ = nc.Close()
		},
	})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go s.Serve(nc)
		}
	}()
	t.Cleanup(func() {
		_ = ln.Close()
		<-done
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return s
}

func (s *server) dial(t testing.TB) net.Conn { return dial(t, s.addr) }

func dial(t testing.TB, addr string) net.Conn {
	t.Helper()
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(20 * time.Second))
	return nc
}

// handlers returns the handlers whose responses must be the same as with net/http.
func handlers(t testing.TB) map[string]http.HandlerFunc {
	name := filepath.Join(t.TempDir(), "file.txt")
	if err := os.WriteFile(name, bytes.Repeat([]byte("line\n"), 30_000), 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]http.HandlerFunc{
		"nothing": func(http.ResponseWriter, *http.Request) {},
		"text":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "Hello") },
		"json": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Add("X-More", "1")
			w.Header().Add("X-More", "2")
			fmt.Fprint(w, "{}")
		},
		"status": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			w.Header().Set("X-Late", "too late")
			fmt.Fprint(w, "short and stout")
		},
		"odd status": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(799) },
		"no content": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusNoContent)
			if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrBodyNotAllowed) {
				panic("written")
			}
		},
		"not modified": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Etag", `"1"`)
			w.WriteHeader(http.StatusNotModified)
		},
		"many chunks": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 2000 {
				fmt.Fprintf(w, "%d and then some more of the same\n", i)
			}
		},
		"one large": func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("x"), 100_000)) },
		"known length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "50000")
			_, _ = w.Write(bytes.Repeat([]byte("x"), 20_000))
			_, _ = w.Write(bytes.Repeat([]byte("y"), 30_000))
		},
		"flushed": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "first")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "second")
			_ = http.NewResponseController(w).Flush()
		},
		"trailer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			fmt.Fprint(w, "first")
			w.(http.Flusher).Flush()
			w.Header().Set("X-Sum", "5")
		},
		"trailer of a small body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum, Content-Length, If-Match")
			w.Header().Set("X-Sum", "before")
			fmt.Fprint(w, "small")
			w.Header().Set("X-Sum", "after")
			w.Header().Set("If-Match", "never")
		},
		"trailer without a body": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			w.WriteHeader(http.StatusAccepted)
			w.Header().Set("X-Sum", "0")
		},
		"trailer of a known length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "known")
			w.Header().Set("X-Sum", "5")
		},
		"trailer of no content": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-Sum")
			w.WriteHeader(http.StatusNoContent)
			w.Header().Set("X-Sum", "5")
		},
		"trailer prefix before": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set(http.TrailerPrefix+"X-Sum", "5")
			fmt.Fprint(w, "small")
		},
		"trailer prefix after": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "small")
			w.(http.Flusher).Flush()
			w.Header().Set(http.TrailerPrefix+"X-Sum", "5")
		},
		"trailer prefix too late": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "small")
			w.Header().Set(http.TrailerPrefix+"X-Sum", "5")
		},
		"early hints with a length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "4")
			w.Header().Set("Transfer-Encoding", "identity")
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusProcessing)
			fmt.Fprint(w, "page")
		},
		"identity": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "identity")
			fmt.Fprint(w, "until the end")
		},
		"identity flushed": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "identity")
			fmt.Fprint(w, "until ")
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "the end")
		},
		"identity of a known length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "identity")
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "known")
		},
		"chunked": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			fmt.Fprint(w, "small")
		},
		"chunked with a length": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			w.Header().Set("Content-Length", "5")
			fmt.Fprint(w, "small")
		},
		"chunked without content": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Transfer-Encoding", "chunked")
			w.Header().Set("Content-Length", "5")
			w.WriteHeader(http.StatusNotModified)
		},
		"keep alive": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "keep-alive")
			fmt.Fprint(w, "more")
		},
		"closed body": func(_ http.ResponseWriter, r *http.Request) {
			_ = r.Body.Close()
			if n, err := r.Body.Read(make([]byte, 1)); r.ContentLength > 0 && err != http.ErrBodyReadAfterClose {
				panic(fmt.Sprint("it is read: ", n, err))
			}
		},
		"invalid headers": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Split", "a\r\nSet-Cookie: b=c")
			w.Header()["Bad name"] = []string{"x"}
		},
		"closing": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "close")
			fmt.Fprint(w, "bye")
		},
		"early hints": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</style.css>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			fmt.Fprint(w, "page")
		},
		"file": func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, name) },
		"echo": func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			names := make([]string, 0, len(r.Header))
			for name := range r.Header {
				names = append(names, name)
			}
			slices.Sort(names)
			fmt.Fprintf(w, "%s %d.%d %v %v\n", r.Proto, r.ProtoMajor, r.ProtoMinor, r.Close, r.TransferEncoding)
			fmt.Fprintf(w, "%s %s|%s|%s|%s|%s|%d|%.100q %x %v\n", r.Method, r.RequestURI, r.URL.Path, r.URL.RawPath, r.URL.RawQuery, r.Host, r.ContentLength, body, crc32.ChecksumIEEE(body), err)
			for _, name := range names {
				fmt.Fprintf(w, "%s=%.100q %d\n", name, r.Header[name], len(fmt.Sprint(r.Header[name])))
			}
		},
		"sniffed": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<!doctype html><p>x") },
		"content encoding": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			fmt.Fprint(w, "not really")
		},
		"no date": func(w http.ResponseWriter, _ *http.Request) { w.Header()["Date"] = nil },
		"abort":   func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) },
		"abort late": func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprint(w, "part")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
		"too short": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "10")
			fmt.Fprint(w, "short")
		},
	}
}

// requests are ordinary requests.
var requests = []string{
	"GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
	"HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n",
	"GET /a/b%20c/x%2fy?q=1&r=%20 HTTP/1.1\r\nhost: example.com:8080\r\nx-lower: v \r\nX-Lower:w\r\nAccept:\t*/*\r\n\r\n",
	"GET /? HTTP/1.1\r\nHost: [::1]:80\r\nConnection: keep-alive\r\n\r\n",
	"GET /!'()* HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
	"GET /\xc3\xa4?\xc3\xa4 HTTP/1.1\r\nHost: x\r\nX-Text: \xc3\xa4\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 7\r\n\r\n{\"a\":1}",
	"DELETE /a HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n",
	"GET /a HTTP/1.0\r\n\r\n",
	"HEAD /a HTTP/1.0\r\nHost: x\r\n\r\n",
	"POST /a HTTP/1.0\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0a\r\n0123456789\r\n0\r\n\r\n",
	"PUT /a HTTP/1.1\r\ntransfer-encoding: CHUNKED\r\nHost: x\r\n\r\n0\r\n\r\n",
	"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 12000\r\n\r\n" + strings.Repeat("large", 2400),
	"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("FA\r\n"+strings.Repeat("large", 50)+"\r\n", 60) + "0000\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("large", 3000) + "\r\n\r\n",
	"GET /a HTTP/1.1\r\nHost: x\r\nRange: bytes=5-9\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\nF: 6\r\nG: 7\r\n\r\n",
}

// The same handlers give the same responses here and with net/http.
func TestSameAsNetHTTP(t *testing.T) {
	t.Parallel()
	for name, h := range handlers(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t, h)
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			srv := &http.Server{Handler: h, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)}
			go func() { _ = srv.Serve(ln) }()
			t.Cleanup(func() { _ = srv.Close() })
			for _, request := range requests {
				want, got := exchange(t, ln.Addr().String(), request), exchange(t, s.addr, request)
				if strings.Contains(request, " HTTP/1.0\r\n") {
					want.Informational = nil // net/http sends them although HTTP/1.0 has none
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%.80q has another response (-net/http +here):\n%s", request, diff)
				}
			}
			if len(s.fallbacks) > 0 {
				t.Errorf("%d requests went to Fallback; the first begins %.80q", len(s.fallbacks), <-s.fallbacks)
			}
		})
	}
}

// result is the part of a response that must be the same.
type result struct {
	Informational []string // status and headers
	Proto, Status string
	Header        http.Header
	Body          string
	Err           string
	Trailer       http.Header
	Close         bool
	Coding        []string
	Kept          bool // the connection serves another request
}

func exchange(t *testing.T, addr, request string) (r result) {
	t.Helper()
	nc := dial(t, addr)
	defer nc.Close()
	if _, err := io.WriteString(nc, request); err != nil {
		t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	in := bufio.NewReader(nc)
	resp, err := http.ReadResponse(in, &http.Request{Method: method})
	for ; err == nil && resp.StatusCode < 200; resp, err = http.ReadResponse(in, &http.Request{Method: method}) {
		r.Informational = append(r.Informational, fmt.Sprint(resp.Status, resp.Header))
	}
	if err != nil {
		r.Err = err.Error()
		return r
	}
	body, err := io.ReadAll(resp.Body)
	r.Coding, r.Close = resp.TransferEncoding, resp.Close
	r.Proto, r.Status, r.Header, r.Body, r.Trailer = resp.Proto, resp.Status, resp.Header, string(body), resp.Trailer
	if err != nil {
		r.Err = err.Error()
	}
	r.Header.Del("Content-Length") // net/http buffers another number of bytes before it sends chunks
	if r.Header["Date"] != nil {
		r.Header.Set("Date", "now")
	}
	if _, err := io.WriteString(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err == nil {
		next, err := http.ReadResponse(in, nil)
		r.Kept = err == nil
		if err == nil {
			_ = next.Body.Close()
		}
	}
	return r
}

// A request that is not ordinary goes to Fallback, with the input that was read.
func TestFallback(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the handler was called") }))
	for _, request := range []string{
		"GET /ineligible HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.0\r\nHost: x\r\nConnection: keep-alive\r\n\r\n",
		"POST / HTTP/1.0\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.0\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n",
		"GET / HTTP/0.9\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x/y\r\n\r\n",
		"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nA: b\nC: d\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nA: \x00\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nA\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nConnection: close\r\n\r\n",
		"GET // HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /../a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /%2e%2e/a HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /?a b HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n",
		"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
		"CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n",
		"BREW / HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
		chunkedHead + "1;a=b\r\nx\r\n0\r\n\r\n",
		chunkedHead + "0\r\nX-Trailer: x\r\n\r\n",
		chunkedHead + "3\nabc\n0\n\n",
		chunkedHead + "3\r\nabcd\r\n0\r\n\r\n",
		chunkedHead + "3 \r\nabc\r\n0\r\n\r\n",
		chunkedHead + "0x3\r\nabc\r\n0\r\n\r\n",
		chunkedHead + "+3\r\nabc\r\n0\r\n\r\n",
		chunkedHead + "-1\r\n",
		chunkedHead + "\r\n0\r\n\r\n",
		chunkedHead + "00003\r\nabc\r\n0\r\n\r\n",
		chunkedHead + "3\r\nthe rest does not come",
		chunkedHead + "3\r\nab",
		chunkedHead + "FFFF\r\n" + strings.Repeat("x", 30_000),
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nExpect: a miracle\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nabc",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 30\r\n\r\nthe rest does not come",
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 30_000),
		"GET / HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("X: x\r\n", 100) + "\r\n",
		"\x16\x03\x01",
		"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		nc := s.dial(t)
		if _, err := io.WriteString(nc, request); err != nil {
			t.Fatal(err)
		}
		if read := <-s.fallbacks; !strings.HasPrefix(request, string(read)) || len(read) < min(3, len(request)) {
			t.Errorf("of %.80q, Fallback got %.80q", request, read)
		}
		_ = nc.Close()
	}
}

const chunkedHead = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

// A client that expects 100-continue reads it once, whether its body comes at once, after it, or too late: net/http then
// gets the request without the header.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v %s", body, err, r.Header.Get("Expect"))
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	const head, next, interim = "POST / HTTP/1.1\r\nexpect: 100-Continue\r\nHost: x\r\nContent-Length: 3\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"
	continued := func() {
		t.Helper()
		got := make([]byte, len(interim))
		if _, err := io.ReadFull(in, got); err != nil || string(got) != interim {
			t.Fatalf("the client reads %q, %v", got, err)
		}
	}
	for range 2 {
		fmt.Fprint(nc, head+"abc"+next)
		expect(t, in, "abc <nil> 100-Continue")
		expect(t, in, " <nil> ")
		fmt.Fprint(nc, head)
		continued()
		fmt.Fprint(nc, "abc"+next)
		expect(t, in, "abc <nil> 100-Continue")
		expect(t, in, " <nil> ")
	}
	fmt.Fprint(nc, head+"ab")
	continued()
	if read, want := string(<-s.fallbacks), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nab"; read != want {
		t.Errorf("Fallback got %q, want %q", read, want)
	}
}

// Requests may come in parts, and several in one write.
func TestPartsAndPipelines(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %v", r.URL.Path, body, err)
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for _, one := range []string{
		"POST /1 HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc",
		"POST /1 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n02\r\nbc\r\n0\r\n\r\n",
	} {
		for i := range len(one) {
			if _, err := nc.Write([]byte{one[i]}); err != nil {
				t.Fatal(err)
			}
		}
		expect(t, in, "/1 abc <nil>")
		two := "GET /2 HTTP/1.1\r\nHost: x\r\n\r\n"
		if _, err := io.WriteString(nc, strings.Repeat(one+two, 200)); err != nil {
			t.Fatal(err)
		}
		for range 200 {
			expect(t, in, "/1 abc <nil>")
			expect(t, in, "/2  <nil>")
		}
	}
}

func expect(t *testing.T, in *bufio.Reader, want string) {
	t.Helper()
	resp, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || string(body) != want {
		t.Fatalf("the response is %q, %v; want %q", body, err, want)
	}
}

// A write beyond the declared Content-Length fails, and its bytes do not get into the next response.
func TestTooLong(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "2")
		fmt.Fprint(w, "ab")
		if _, err := w.Write([]byte("c")); !errors.Is(err, http.ErrContentLength) {
			t.Errorf("Write: %v", err)
		}
	}))
	nc := s.dial(t)
	in := bufio.NewReader(nc)
	for range 2 {
		fmt.Fprint(nc, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		expect(t, in, "ab")
	}
}
