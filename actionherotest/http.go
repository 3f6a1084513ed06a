package actionherotest

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"testing"

	"github.com/actionhero-go/actionhero/server"
)

// HTTPClient sends HTTP requests to a server under test. Like a browser, it keeps the cookies that the server sets. It
// does not follow redirects.
type HTTPClient struct {
	Header http.Header // sent with each request

	t      testing.TB
	client http.Client
	base   string
}

// HTTP returns a client of the server s.
func HTTP(t testing.TB, s *server.Server) *HTTPClient {
	t.Helper()
	addr := s.Web.Addr()
	if addr == nil {
		t.Fatal("the server does not listen for HTTP")
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return &HTTPClient{
		Header: http.Header{}, t: t, base: "http://" + addr.String(),
		client: http.Client{Transport: transport, Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// Cookie returns the value of the cookie with this name that the server has set, or "".
func (c *HTTPClient) Cookie(name string) string {
	c.t.Helper()
	base, err := url.Parse(c.base)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, cookie := range c.client.Jar.Cookies(base) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// Response is the response to a request of an [HTTPClient].
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	t      testing.TB
}

// Do sends a request and returns the response, whatever its status. path is the path with the query, such as
// "/api/greet?name=Ann". body is nil, a []byte that is sent as it is, or a value that is sent as JSON. If the server
// does not answer, Do fails the test.
func (c *HTTPClient) Do(method, path string, body any) *Response {
	c.t.Helper()
	var content io.Reader
	raw, isRaw := body.([]byte)
	if body != nil && !isRaw {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			c.t.Fatalf("the body of %s %s: %v", method, path, err)
		}
	}
	if body != nil {
		content = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, content)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header = c.Header.Clone()
	if body != nil && !isRaw {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := c.client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return &Response{resp.StatusCode, resp.Header, text, c.t}
}

// Decode decodes the body, a JSON object, into v. If the body does not decode, Decode fails the test.
func (r *Response) Decode(v any) {
	r.t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.t.Fatalf("the body does not decode: %v: %s", err, r.Body)
	}
}
