package testkit

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"
)

// HTTPClient is the standard library's client. It keeps its connections, follows no redirect and inflates nothing.
type HTTPClient struct {
	*http.Client
	Base    string   // URL of the server, without a slash at the end
	Headers []string // of every request

	t testing.TB
}

// HTTP makes a client of HTTP.
func (s *Server) HTTP(t testing.TB) *HTTPClient {
	return newHTTP(t, "http://"+s.Web.Addr().String(), &http.Transport{})
}

// HTTPS makes a client of HTTP/1.1 or HTTP/2 over TLS.
func (s *Server) HTTPS(t testing.TB, http2 bool) *HTTPClient {
	return s.HTTPSWith(t, s.ClientTLS, http2)
}

// HTTPSWith is [Server.HTTPS] with another configuration of TLS.
func (s *Server) HTTPSWith(t testing.TB, cfg *tls.Config, http2 bool) *HTTPClient {
	return newHTTP(t, "https://"+s.Web.TLSAddr().String(), &http.Transport{TLSClientConfig: cfg.Clone(), ForceAttemptHTTP2: http2})
}

func newHTTP(t testing.TB, base string, transport *http.Transport) *HTTPClient {
	transport.DisableCompression = true
	transport.ExpectContinueTimeout = Wait
	t.Cleanup(transport.CloseIdleConnections)
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &HTTPClient{&http.Client{Transport: transport, CheckRedirect: stay, Timeout: 3 * Wait}, base, nil, t}
}

// Do runs an action.
func (c *HTTPClient) Do(action string, params map[string]string) Answer {
	c.t.Helper()
	values := url.Values{}
	for name, value := range params {
		values.Set(name, value)
	}
	return answerOf(c.t, c.Ask("GET", "/api/"+action+"?"+values.Encode(), "").Text)
}

// Ask sends a request; each header is "Name: value".
func (c *HTTPClient) Ask(method, target, body string, headers ...string) Reply {
	c.t.Helper()
	var in io.Reader = http.NoBody
	if body != "" {
		in = strings.NewReader(body)
	}
	return c.Send(method, target, in, headers...)
}

// Send is [HTTPClient.Ask] with a body to read from.
func (c *HTTPClient) Send(method, target string, body io.Reader, headers ...string) Reply {
	c.t.Helper()
	got, err := c.Try(c.t.Context(), method, target, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, target, err)
	}
	return got
}

// Try is [HTTPClient.Send] for requests that may fail.
func (c *HTTPClient) Try(ctx context.Context, method, target string, body io.Reader, headers ...string) (got Reply, err error) {
	r, err := http.NewRequestWithContext(ctx, method, c.Base+target, body)
	if err != nil {
		return got, err
	}
	for _, header := range append(headers, c.Headers...) {
		name, value, _ := strings.Cut(header, ": ")
		r.Header.Add(name, value)
	}
	if got.Response, err = c.Client.Do(r); err != nil {
		return got, err
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	got.Text = string(text)
	return got, err
}

// Reply is an answer with its body.
type Reply struct {
	*http.Response
	Text string
}

// Envelope is what the answers to actions have.
type Envelope struct {
	Error     string
	Requestor struct {
		RemoteAddress     string
		RequestsRemaining *int
		Params            map[string]any `json:"recievedParams"`
	} `json:"requestorInformation"`
}

// Envelope reads the body as the answer to an action.
func (r Reply) Envelope(t testing.TB) (e Envelope) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Text), &e); err != nil {
		t.Fatalf("%q: %v", r.Text, err)
	}
	return e
}

// Want demands a status, and a body that contains a text.
func (r Reply) Want(t testing.TB, status int, text string) {
	t.Helper()
	if r.StatusCode != status || !strings.Contains(r.Text, text) {
		t.Errorf("%s %s is answered with %d %.600s\nwant %d …%.200s…", r.Request.Method, r.Request.URL, r.StatusCode, r.Text, status, text)
	}
}

// WantHeader demands headers, each "Name: value"; without a value it must not be there.
func (r Reply) WantHeader(t testing.TB, headers ...string) {
	t.Helper()
	for _, header := range headers {
		name, want, _ := strings.Cut(header, ": ")
		if got := strings.Join(r.Header.Values(name), " | "); got != want {
			t.Errorf("%s %s: the header %s is %q, want %q", r.Request.Method, r.Request.URL, name, got, want)
		}
	}
}

// HTTPConn is a connection to the web server whose requests are bytes.
type HTTPConn struct {
	net.Conn
	In *bufio.Reader

	t testing.TB
}

// DialHTTP connects to the port for HTTP.
func (s *Server) DialHTTP() (net.Conn, error) { return net.Dial("tcp", s.Web.Addr().String()) }

// HTTPConn connects to the port for HTTP; all that the test does with it must happen within [Wait].
func (s *Server) HTTPConn(t testing.TB) *HTTPConn {
	t.Helper()
	nc, err := s.DialHTTP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(Wait))
	return &HTTPConn{nc, bufio.NewReader(nc), t}
}

// Send sends a text as it is.
func (c *HTTPConn) Send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// Next reads the answer to a request with the method.
func (c *HTTPConn) Next(method string) Reply {
	c.t.Helper()
	resp, err := http.ReadResponse(c.In, &http.Request{Method: method})
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return Reply{resp, string(text)}
}

// WantClosed demands that the server closes the connection and has nothing more to say.
func (c *HTTPConn) WantClosed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.In); errors.Is(err, os.ErrDeadlineExceeded) || len(rest) > 0 {
		c.t.Errorf("at the end come %q, %v", rest, err)
	}
}
