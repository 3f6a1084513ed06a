//go:build !hostile

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
	"github.com/actionhero-go/actionhero/web"
)

// JSONP is always 200, so that the script runs that reads of the failure; a callback that is none is refused.
func TestJSONP(t *testing.T) {
	t.Parallel()
	f := serve(t, func(general *actionhero.Config, cfg *web.Config) {
		general.RequestLimit, cfg.Common.MaxBodyBytes = 100, 1000
		cfg.Common.TrustedProxies = []string{"127.0.0.1"}
	}, routed("show", "GET /people/{name}"), does("broken", func(context.Context) error { return errors.New("no") }))
	f.everywhere(t, func(t *testing.T, c *client) {
		for _, test := range []struct{ method, target, body, contentType, want string }{
			{"GET", "/api/randomNumber?callback=$.my_1.f", "", "", `"error":"OK"});`},
			{"GET", "/people/ann?callback=$.my_1.f&outputType=xml", "", "", `"error":"OK"});`},
			{"POST", "/api/randomNumber", "callback=$.my_1.f", isForm, `"error":"OK"});`},
			{"GET", "/api/none?callback=$.my_1.f", "", "", `"error":"none is not a known action."});`},
			{"GET", "/api/cacheTest?callback=$.my_1.f", "", "", `"error":"key is a required parameter`},
			{"DELETE", "/people/ann?callback=$.my_1.f", "", "", `"error":"this path answers to GET only"});`},
			{"POST", "/api/show?callback=$.my_1.f", `{`, isJSON, `"error":"malformed JSON`},
			{"POST", "/api/show?callback=$.my_1.f", strings.Repeat("x", 1001), isForm, `"error":"the body may have 1000 bytes at most"});`},
			{"POST", "/api/show?callback=$.my_1.f", "x", "Content-Type: text/plain", `"error":"the content type`},
			{"GET", "/api/broken?callback=$.my_1.f", "", "", `"error":"The server experienced an internal error"});`},
		} {
			headers := []string{"X-Forwarded-For: 192.0.2.1"}
			if test.contentType != "" {
				headers = append(headers, test.contentType)
			}
			got := c.ask(test.method, test.target, test.body, headers...)
			got.want(t, 200, test.want)
			got.wantHeader(t, "Content-Type: application/javascript", "X-Content-Type-Options: nosniff")
			inner, ok := strings.CutPrefix(got.text, "$.my_1.f(")
			if inner, end := strings.CutSuffix(inner, ");"); !ok || !end || !json.Valid([]byte(inner)) {
				t.Errorf("%s: the script is %q", test.target, got.text)
			}
		}
		for _, callback := range []string{"a%28", "a%5B0%5D", "a..b", ".a", "1a", "a-b", "%3Cscript%3E", "a%0Ab", "%C3%A4", "a%20", strings.Repeat("a", 65), "a&callback=b%3B"} {
			got := c.ask("GET", "/api/randomNumber?callback="+callback, "", "X-Forwarded-For: 192.0.2.2")
			got.want(t, 400, `"error":"callback must be a JavaScript name, with dots if need be, of at most 64 characters"}`)
			got.wantHeader(t, "Content-Type: application/json")
		}
	})
}

// XML is well-formed whatever an action answers.
func TestXML(t *testing.T) {
	t.Parallel()
	keys := map[string]string{
		"plain": "plain", "a b": "a_b", "1a": "_1a", "-a": "_-a", "": "_", "<a>": "_a_", "ä": "ä", "xml:a": "xml_a", "a\x00": "a_", "\u00b5": "_", "\u00aaa": "_a", "日本": "日本", ".": "_.", "a\xffb": "a_b",
	}
	f := serve(t, nil, actionhero.Action[personInput, map[string]any]{
		Name: "odd",
		Run: func(_ context.Context, in personInput) (map[string]any, error) {
			out := map[string]any{"name": in.Name, "list": []any{1, nil, true, []any{"x"}, map[string]any{"a": 1.5e300}}, "none": []any{}, "object": map[string]any{}}
			for key := range keys {
				out["of"+strconv.Quote(key)] = map[string]any{strings.ToValidUTF8(key, "\ufffd"): key + "]]>&<\u0000\u000b\u2028"}
			}
			return out, nil
		},
	})
	f.everywhere(t, func(t *testing.T, c *client) {
		got := c.ask("GET", "/api/odd?outputType=xml&name=%3C%2FXML%3E%26%22%01%FF%0D%0A", "")
		got.want(t, 200, `<error>OK</error></XML>`)
		got.want(t, 200, `<list>1</list><list></list><list>true</list><list>x</list><list><a>1.5e+300</a></list>`)
		got.wantHeader(t, "Content-Type: application/xml")
		names := map[string]bool{}
		for in := xml.NewDecoder(strings.NewReader(got.text)); ; {
			token, err := in.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%v in %s", err, got.text)
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
		c.ask("GET", "/api/none?outputType=xml", "").want(t, 404, "<error>none is not a known action.</error></XML>")
		c.ask("GET", "/api/odd?outputType=json", "").want(t, 200, `"error":"OK"}`)
	})
}

// Each address has its own limit; who is over it is told when to come again, whatever is asked for.
func TestRequestLimit(t *testing.T) {
	t.Parallel()
	const limit = 3
	f := serve(t, func(general *actionhero.Config, cfg *web.Config) {
		general.RequestLimit, general.RequestLimitWindow = limit, 300*time.Hour
		cfg.Common.TrustedProxies = []string{"127.0.0.1"}
	})
	f.put(t, "a.txt", "the file")
	ways := map[string]int{"lean": 1, "net/http": 2, "HTTP/2": 3}
	f.everywhere(t, func(t *testing.T, c *client) {
		n := ways[t.Name()[strings.Index(t.Name(), "/")+1:]]
		for _, address := range []string{fmt.Sprintf("192.0.2.%d", n), fmt.Sprintf("2001:db8:0:%d::1", n)} {
			from := "X-Forwarded-For: " + address
			for i := range limit {
				got := c.ask("GET", []string{"/api/randomNumber", "/api/none", "/api/cacheTest"}[i], "", from)
				if left := got.envelope(t).Requestor.RequestsRemaining; left == nil || *left != limit-1-i {
					t.Errorf("%s, request %d: %s", address, i, got.text)
				}
				got.wantHeader(t, "Retry-After")
			}
			for _, target := range []string{"/api/randomNumber", "/api/none", "/api?action=file&fileName=a.txt", "/api/randomNumber?limit=x"} {
				got := c.ask("GET", target, "", from)
				got.want(t, 429, `"error":"too many requests: 3 are allowed in 300h0m0s"`)
				got.wantHeader(t, "Retry-After: 360000")
				if left := got.envelope(t).Requestor.RequestsRemaining; left == nil || *left != 0 {
					t.Errorf("%s: %s", target, got.text)
				}
			}
			got := c.ask("POST", "/api/randomNumber", "{", from, isJSON)
			got.want(t, 429, "too many requests")
			c.ask("GET", "/public/a.txt", "", from).want(t, 200, "the file") // files are not limited
		}
		// The addresses of one network are one client.
		c.ask("GET", "/api/randomNumber", "", fmt.Sprintf("X-Forwarded-For: 2001:db8:0:%d:ffff::2", n)).want(t, 429, "")
		c.ask("GET", "/api/randomNumber", "", fmt.Sprintf("X-Forwarded-For: 2001:db8:1:%d::2", n)).want(t, 200, "")
	})
	if e := serve(t, always200).plain(t).ask("GET", "/api/randomNumber", "").envelope(t); e.Requestor.RequestsRemaining != nil {
		t.Errorf("without a limit %d requests remain", *e.Requestor.RequestsRemaining)
	}
}
