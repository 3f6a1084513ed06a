package web_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// JSONP always has status 200, so that the script runs and can report the error. An invalid callback is refused.
func TestJSONP(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.General.RequestLimit, cfg.CommonWeb.MaxBodyBytes = 100, 1000
		cfg.CommonWeb.TrustedProxies = []string{"127.0.0.1"}
	}, reads(routed("show", "GET /people/{name}")), reads(does("broken", func(context.Context) error { return errors.New("no") })))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range []struct{ method, target, body, contentType, want string }{
			{"GET", "/api/randomNumber?callback=$.my_1.f", "", "", `"error":"OK"});`},
			{"GET", "/people/ann?callback=$.my_1.f&outputType=xml", "", "", `"error":"OK"});`},
			{"POST", "/api/randomNumber", "callback=$.my_1.f", isForm, `"error":"OK"});`},
			{"GET", "/api/none?callback=$.my_1.f", "", "", `"error":"none is not a known action.","errorCode":"notFound"});`},
			{"DELETE", "/people/ann?callback=$.my_1.f", "", "", `"error":"this path answers to GET only","errorCode":"invalidInput"});`},
			{"POST", "/api/show?callback=$.my_1.f", `{`, isJSON, `"error":"malformed JSON`},
			{"POST", "/api/show?callback=$.my_1.f", strings.Repeat("x", 1001), isForm, `"error":"the body may have 1000 bytes at most",`},
			{"POST", "/api/show?callback=$.my_1.f", "x", "Content-Type: text/plain", `"error":"the content type`},
			{"GET", "/api/broken?callback=$.my_1.f", "", "", `"error":"The server experienced an internal error","errorCode":"internal"});`},
		} {
			headers := []string{"X-Forwarded-For: 192.0.2.1"}
			if test.contentType != "" {
				headers = append(headers, test.contentType)
			}
			got := c.Ask(test.method, test.target, test.body, headers...)
			got.Want(t, 200, test.want)
			got.WantHeader(t, "Content-Type: application/javascript", "X-Content-Type-Options: nosniff")
			inner, ok := strings.CutPrefix(got.Text, "$.my_1.f(")
			if inner, end := strings.CutSuffix(inner, ");"); !ok || !end || !json.Valid([]byte(inner)) {
				t.Errorf("%s: the script is %q", test.target, got.Text)
			}
		}
		for _, callback := range []string{"a%28", "a%5B0%5D", "a..b", ".a", "1a", "a-b", "%3Cscript%3E", "a%0Ab", "%C3%A4", "a%20", strings.Repeat("a", 65), "a&callback=b%3B"} {
			got := c.Ask("GET", "/api/randomNumber?callback="+callback, "", "X-Forwarded-For: 192.0.2.2")
			got.Want(t, 400, `"error":"callback must be a JavaScript name, with dots if need be, of at most 64 characters"`)
			got.WantHeader(t, "Content-Type: application/json")
		}
	})
}

// XML is well-formed for every response.
func TestXML(t *testing.T) {
	t.Parallel()
	keys := map[string]string{
		"plain": "plain", "a b": "a_b", "1a": "_1a", "-a": "_-a", "": "_", "<a>": "_a_", "ä": "ä", "xml:a": "xml_a", "a\x00": "a_", "\u00b5": "_", "\u00aaa": "_a", "日本": "日本", ".": "_.", "a\xffb": "a_b",
	}
	s := start(t, nil, actionhero.Action[personInput, map[string]any]{
		Name: "odd",
		Run: func(_ context.Context, in personInput) (map[string]any, error) {
			out := map[string]any{"name": in.Name, "list": []any{1, nil, true, []any{"x"}, map[string]any{"a": 1.5e300}}, "none": []any{}, "object": map[string]any{}}
			for key := range keys {
				out["of"+strconv.Quote(key)] = map[string]any{strings.ToValidUTF8(key, "\ufffd"): key + "]]>&<\u0000\u000b\u2028"}
			}
			return out, nil
		},
	})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("GET", "/api/odd?outputType=xml&name=%3C%2FXML%3E%26%22%01%FF%0D%0A", "")
		got.Want(t, 200, `<error>OK</error></XML>`)
		got.Want(t, 200, `<list>1</list><list></list><list>true</list><list>x</list><list><a>1.5e+300</a></list>`)
		got.WantHeader(t, "Content-Type: application/xml")
		names := map[string]bool{}
		for in := xml.NewDecoder(strings.NewReader(got.Text)); ; {
			token, err := in.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, got.Text)
			}
			if start, ok := token.(xml.StartElement); ok {
				names[start.Name.Local] = true
			}
		}
		for key, name := range keys {
			if !names[name] {
				t.Errorf("%q is no element %s", key, name)
			}
		}
		c.Ask("GET", "/api/none?outputType=xml", "").Want(t, 404, "<error>none is not a known action.</error><errorCode>notFound</errorCode></XML>")
		c.Ask("GET", "/api/odd?outputType=json", "").Want(t, 200, `"error":"OK"}`)
	})
}

// Each address has its own limit for actions. Files count as well. Requests above it get the header Retry-After.
func TestRequestLimit(t *testing.T) {
	t.Parallel()
	const limit = 3
	s := start(t, func(cfg *server.Config) {
		cfg.General.RequestLimit, cfg.General.RequestLimitWindow = limit, 300*time.Hour
		cfg.CommonWeb.TrustedProxies = []string{"127.0.0.1"}
	})
	s.Put(t, "a.txt", "the file")
	ways := map[string]int{"fast_path": 1, "net/http": 2, "HTTP/2": 3, "HTTPS": 4}
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		n := ways[t.Name()[strings.Index(t.Name(), "/")+1:]]
		for _, address := range []string{fmt.Sprintf("192.0.2.%d", n), fmt.Sprintf("2001:db8:0:%d::1", n)} {
			from := "X-Forwarded-For: " + address
			for i := range limit - 1 {
				got := c.Ask("GET", []string{"/api/randomNumber", "/api/none"}[i], "", from)
				if left := got.Envelope(t).Requestor.RequestsRemaining; left == nil || *left != limit-1-i {
					t.Errorf("%s, request %d: %s", address, i, got.Text)
				}
				got.WantHeader(t, "Retry-After")
			}
			c.Ask("GET", "/public/a.txt", "", from).Want(t, 200, "the file")
			for _, target := range []string{"/api/randomNumber", "/api/none", "/api?action=file&fileName=a.txt", "/api/randomNumber?limit=x"} {
				got := c.Ask("GET", target, "", from)
				got.Want(t, 429, `"error":"too many requests: 3 are allowed in 300h0m0s"`)
				got.WantHeader(t, "Retry-After: 360000")
				if left := got.Envelope(t).Requestor.RequestsRemaining; left == nil || *left != 0 {
					t.Errorf("%s: %s", target, got.Text)
				}
			}
			got := c.Ask("POST", "/api/randomNumber", "{", from, isJSON)
			got.Want(t, 429, "too many requests")
			got = c.Ask("GET", "/public/a.txt", "", from)
			got.Want(t, 429, `"errorCode":"resourceExhausted","retryAfter":360000}`)
			got.WantHeader(t, "Retry-After: 360000", "Content-Type: application/json")
		}
		// The addresses of one network are one client.
		c.Ask("GET", "/api/randomNumber", "", fmt.Sprintf("X-Forwarded-For: 2001:db8:0:%d:ffff::2", n)).Want(t, 429, "")
		c.Ask("GET", "/api/randomNumber", "", fmt.Sprintf("X-Forwarded-For: 2001:db8:1:%d::2", n)).Want(t, 200, "")
	})
	if e := start(t, always200).HTTP(t).Ask("GET", "/api/randomNumber", "").Envelope(t); e.Requestor.RequestsRemaining != nil {
		t.Errorf("without a limit %d requests remain", *e.Requestor.RequestsRemaining)
	}
}
