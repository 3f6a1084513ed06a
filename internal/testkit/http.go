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

// HTTPClient is the HTTP client of the standard library. It reuses connections, follows no redirects and decompresses
// no responses.
type HTTPClient struct {
	*http.Client
	Base    string   // URL of the server, without a slash at the end
	Headers []string // headers of every request, each "Name: value"

	t testing.TB
}

// HTTP returns an HTTP client of the server.
func (s *Server) HTTP(t testing.TB) *HTTPClient {
	return newHTTP(t, "http://"+s.Web.Addr().String(), &http.Transport{})
}

// HTTPS returns a client of the server that uses TLS and trusts the certificate of the server. If http2 is true, the
// client uses HTTP/2, otherwise HTTP/1.1.
func (s *Server) HTTPS(t testing.TB, http2 bool) *HTTPClient {
	return s.HTTPSWith(t, s.ClientTLS, http2)
}

// HTTPSWith returns a client like [Server.HTTPS], but with the TLS configuration cfg.
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

// Do sends a GET request that runs an action with params, and returns the answer.
func (c *HTTPClient) Do(action string, params map[string]string) Answer {
	c.t.Helper()
	values := url.Values{}
	for name, value := range params {
		values.Set(name, value)
	}
	return answerOf(c.t, c.Ask("GET", "/api/"+action+"?"+values.Encode(), "").Text)
}

// Ask sends a request and returns the response with its body. Each of headers is "Name: value". If the request fails,
// Ask ends the test.
func (c *HTTPClient) Ask(method, target, body string, headers ...string) Reply {
	c.t.Helper()
	var in io.Reader = http.NoBody
	if body != "" {
		in = strings.NewReader(body)
	}
	return c.Send(method, target, in, headers...)
}

// Send sends a request like [HTTPClient.Ask], but reads the request body from body.
func (c *HTTPClient) Send(method, target string, body io.Reader, headers ...string) Reply {
	c.t.Helper()
	got, err := c.Try(c.t.Context(), method, target, body, headers...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, target, err)
	}
	return got
}

// Try sends a request like [HTTPClient.Send], but returns an error instead of ending the test.
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

// Reply is an HTTP response together with its whole body, Text.
type Reply struct {
	*http.Response
	Text string
}

// Envelope holds the members that tests check in the response to an action.
type Envelope struct {
	Error     string
	Requestor struct {
		RemoteAddress     string
		RequestsRemaining *int
		Params            map[string]any `json:"recievedParams"`
	} `json:"requestorInformation"`
}

// Envelope parses the body of the response to an action. If the body is not JSON, Envelope ends the test.
func (r Reply) Envelope(t testing.TB) (e Envelope) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Text), &e); err != nil {
		t.Fatalf("%q: %v", r.Text, err)
	}
	return e
}

// Want fails the test unless the response has the given status and a body that contains text.
func (r Reply) Want(t testing.TB, status int, text string) {
	t.Helper()
	if r.StatusCode != status || !strings.Contains(r.Text, text) {
		t.Errorf("%s %s is answered with %d %.600s\nwant %d …%.200s…", r.Request.Method, r.Request.URL, r.StatusCode, r.Text, status, text)
	}
}

// WantHeader fails the test unless the response has the given headers, each "Name: value". A header without a value
// must be missing.
func (r Reply) WantHeader(t testing.TB, headers ...string) {
	t.Helper()
	for _, header := range headers {
		name, want, _ := strings.Cut(header, ": ")
		if got := strings.Join(r.Header.Values(name), " | "); got != want {
			t.Errorf("%s %s: the header %s is %q, want %q", r.Request.Method, r.Request.URL, name, got, want)
		}
	}
}

// HTTPConn is a connection to the web server over which a test sends requests as raw bytes.
type HTTPConn struct {
	net.Conn
	In *bufio.Reader

	t testing.TB
}

// DialHTTP opens a connection to the HTTP port of the server.
func (s *Server) DialHTTP() (net.Conn, error) { return net.Dial("tcp", s.Web.Addr().String()) }

// HTTPConn opens a connection to the HTTP port of the server. All reads and writes must end within [Wait] after the
// opening.
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

// Send sends text unchanged. If sending fails, Send ends the test.
func (c *HTTPConn) Send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// Next reads the next response. method is the HTTP method of the request, which decides whether the response has a
// body.
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

// WantClosed fails the test unless the server closes the connection without sending more bytes.
func (c *HTTPConn) WantClosed() {
	c.t.Helper()
	if rest, err := io.ReadAll(c.In); errors.Is(err, os.ErrDeadlineExceeded) || len(rest) > 0 {
		c.t.Errorf("at the end come %q, %v", rest, err)
	}
}
