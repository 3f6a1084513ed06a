package ws_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/ws"
)

// change replaces the line of the request that starts with line. An empty replacement removes it.
func change(line, with string) string {
	lines := strings.SplitAfter(request, "\r\n")
	for i := range lines {
		if strings.HasPrefix(lines[i], line) {
			if lines[i] = with; with != "" {
				lines[i] += "\r\n"
			}
			return strings.Join(lines, "") + "\r\n"
		}
	}
	panic("no such line: " + line)
}

func TestHandshake(t *testing.T) {
	t.Parallel()
	s := echo(t, defaults(), false)
	for name, test := range map[string]struct {
		request string
		status  int
		text    string
		headers string
	}{
		"valid":                  {request + "\r\n", 101, "", "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="},
		"words in any case":      {change("Connection", "connection: UPGRADE"), 101, "", "Upgrade: websocket"},
		"several upgrades":       {change("Upgrade", "Upgrade: h2c, websocket"), 101, "", "Connection: Upgrade"},
		"compression disabled":   {change("Host", "Host: h\r\nSec-WebSocket-Extensions: permessage-deflate"), 101, "", "Sec-WebSocket-Extensions: "},
		"a page of another site": {change("Host", "Host: example.com\r\nOrigin: http://evil.example"), 403, "pages of this origin may not connect: to allow them, list the origin in webSockets.origins", ""},
		"POST":                   {change("GET", "POST / HTTP/1.1\r\nContent-Length: 0"), 405, "a WebSocket is opened with GET", "Allow: GET"},
		"an ordinary request":    {"GET / HTTP/1.1\r\nHost: h\r\n\r\n", 426, "this address is for WebSocket", "Upgrade: websocket"},
		"no Connection":          {change("Connection", ""), 426, "this address is for WebSocket", "Connection: Upgrade"},
		"no Upgrade":             {change("Upgrade", ""), 426, "this address is for WebSocket", "Upgrade: websocket"},
		"another upgrade":        {change("Upgrade", "Upgrade: h2c"), 426, "this address is for WebSocket", "Upgrade: websocket"},
		"HTTP/1.0":               {change("GET", "GET / HTTP/1.0"), 400, "over HTTP/1.1, not HTTP/1.0", ""},
		"no version":             {change("Sec-WebSocket-Version", ""), 426, "must be 13", "Sec-WebSocket-Version: 13"},
		"version 8":              {change("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 426, "must be 13", "Sec-WebSocket-Version: 13"},
		"two versions":           {change("Sec-WebSocket-Version", "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Version: 13"), 426, "must be 13", ""},
		"no key":                 {change("Sec-WebSocket-Key", ""), 400, "Sec-WebSocket-Key must be 16 bytes", ""},
		"a short key":            {change("Sec-WebSocket-Key", "Sec-WebSocket-Key: AAAA"), 400, "Sec-WebSocket-Key must be 16 bytes", ""},
		"a long key":             {change("Sec-WebSocket-Key", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAAAA"), 400, "Sec-WebSocket-Key must be 16 bytes", ""},
		"a key not in base64":    {change("Sec-WebSocket-Key", "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!=="), 400, "Sec-WebSocket-Key must be 16 bytes", ""},
		"two keys":               {change("Sec-WebSocket-Key", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="), 400, "Sec-WebSocket-Key must be 16 bytes", ""},
		"a body":                 {change("Host", "Host: h\r\nContent-Length: 2") + "hi", 400, "has no body", ""},
		"a chunked body":         {change("Host", "Host: h\r\nTransfer-Encoding: chunked") + "0\r\n\r\n", 400, "has no body", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			nc, err := net.Dial("tcp", s.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer nc.Close()
			_ = nc.SetDeadline(time.Now().Add(testTimeout))
			if _, err := io.WriteString(nc, test.request); err != nil {
				t.Fatal(err)
			}
			response, err := http.ReadResponse(bufio.NewReader(nc), nil)
			if err != nil {
				t.Fatal(err)
			}
			var body []byte
			if response.StatusCode != 101 {
				body, _ = io.ReadAll(response.Body)
			}
			if response.StatusCode != test.status || !strings.Contains(string(body), test.text) {
				t.Errorf("got %d %q, want %d %q", response.StatusCode, body, test.status, test.text)
			}
			if key, value, _ := strings.Cut(test.headers, ": "); response.Header.Get(key) != value {
				t.Errorf("the header %s is %q, want %q", key, response.Header.Get(key), value)
			}
		})
	}
}

// HTTP/2 has no upgrade. A browser retries over HTTP/1.1 only if the response does not accept a WebSocket.
func TestHandshakeOverHTTP2(t *testing.T) {
	t.Parallel()
	options := defaults()
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if new(ws.Conn).Upgrade(w, r, &options, netip.Addr{}, nil) == nil {
			t.Error("HTTP/2 was upgraded")
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	response, err := s.Client().Get(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusUpgradeRequired || !strings.Contains(string(body), "over HTTP/1.1, not HTTP/2.0") {
		t.Errorf("got %s %d %q", response.Proto, response.StatusCode, body)
	}
}

// Upgrade returns an error if the connection cannot be hijacked, or if the client is gone.
func TestUpgradeFails(t *testing.T) {
	t.Parallel()
	options := defaults()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	if err := new(ws.Conn).Upgrade(w, r, &options, netip.Addr{}, nil); err == nil || w.Code != http.StatusUpgradeRequired {
		t.Errorf("without a connection: %v, status %d", err, w.Code)
	}
	ours, theirs := net.Pipe()
	_ = ours.Close()
	if err := new(ws.Conn).Upgrade(&hijackable{httptest.NewRecorder(), theirs}, r, &options, netip.Addr{}, nil); err == nil {
		t.Error("the connection was upgraded although the client is gone")
	}
	if _, err := theirs.Write([]byte{0}); err != io.ErrClosedPipe {
		t.Errorf("the connection was not closed: %v", err)
	}
}

// hijackable is a ResponseWriter with a connection that can be hijacked.
type hijackable struct {
	*httptest.ResponseRecorder
	nc net.Conn
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.nc, bufio.NewReadWriter(bufio.NewReader(h.nc), bufio.NewWriter(h.nc)), nil
}

// FuzzUpgrade sends arbitrary headers. A request with an invalid key, version or origin is never upgraded.
func FuzzUpgrade(f *testing.F) {
	options := defaults()
	options.Compress = true
	for _, headers := range []string{"", "Origin: http://evil.example\r\n", "Origin: null\r\n", "Origin: http://example.com\r\n", "Sec-WebSocket-Extensions: permessage-deflate; a=\"b\r\n", "Host: a\r\n", "Sec-WebSocket-Version: 8\r\n"} {
		f.Add(headers)
	}
	f.Fuzz(func(t *testing.T, headers string) {
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request + headers + "\r\n\r\n")))
		if err != nil {
			return
		}
		ours, theirs := net.Pipe()
		defer ours.Close()
		defer theirs.Close()
		answered := make(chan *http.Response, 1)
		go func() {
			response, _ := http.ReadResponse(bufio.NewReader(ours), nil)
			answered <- response
		}()
		w := &hijackable{httptest.NewRecorder(), theirs}
		c := new(ws.Conn)
		if c.Upgrade(w, r, &options, netip.Addr{}, nil) != nil {
			if !slices.Contains([]int{400, 403, 405, 426}, w.Code) {
				t.Fatalf("%q: status %d", headers, w.Code)
			}
			return
		}
		if response := <-answered; response == nil || response.StatusCode != 101 {
			t.Fatalf("%q: the response is %+v", headers, response)
		}
		if origins := r.Header["Origin"]; origins != nil && (len(origins) != 1 || !strings.Contains(strings.ToLower(origins[0]), strings.ToLower(strings.TrimSuffix(strings.TrimSuffix(r.Host, ":80"), ":443")))) {
			t.Fatalf("%q: a page of %q may connect to %q", headers, origins, r.Host)
		}
		if len(r.Header["Sec-Websocket-Key"]) != 1 || len(r.Header["Sec-Websocket-Version"]) != 1 {
			t.Fatalf("%q was upgraded", headers)
		}
	})
}
