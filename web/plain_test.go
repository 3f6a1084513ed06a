package web_test

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

func plain(cfg *server.Config) { cfg.CommonWeb.Envelope = "plain" }

// problem is an error of RFC 9457.
type problem struct {
	Type, Title      string
	Status           int
	Detail, Instance string
	Code             string
	Errors           []struct{ Field, Rule, Message string }
	RetryAfter       int
}

func problemOf(t testing.TB, got testkit.Reply) (p problem) {
	t.Helper()
	if mediaType := got.Header.Get("Content-Type"); mediaType != "application/problem+json" {
		t.Errorf("the type of %d %q is %q", got.StatusCode, got.Text, mediaType)
	}
	in := json.NewDecoder(strings.NewReader(got.Text))
	in.DisallowUnknownFields()
	if err := in.Decode(&p); err != nil {
		t.Errorf("%v in %q", err, got.Text)
	}
	if p.Type != "about:blank" || p.Title == "" || p.Status != got.StatusCode || p.Detail == "" || p.Instance == "" || p.Code == "" {
		t.Errorf("%d is answered with %s", got.StatusCode, got.Text)
	}
	return p
}

type bookInput struct {
	ID    string `json:"id" required:"true"`
	Pages int    `json:"pages" minimum:"1" default:"1"`
	Fail  string `json:"fail" enum:"taken,limit,internal,panic,busy,teapot,encode"`
}

type book struct {
	ID    string `json:"id"`
	Pages int    `json:"pages"`
	Bad   any    `json:"bad,omitempty"`
}

// books are the actions of a REST style API.
var books = actionhero.Parts{
	actionhero.Action[bookInput, book]{
		Name: "bookCreate", Route: "POST /books",
		Run: func(ctx context.Context, in bookInput) (b book, err error) {
			web.SetStatus(ctx, http.StatusCreated)
			web.Header(ctx).Set("Location", "/books/"+in.ID)
			switch in.Fail {
			case "taken":
				return b, actionhero.Errorf(actionhero.CodeAlreadyExists, "the book %q is there", in.ID)
			case "limit":
				return b, &actionhero.Error{Code: actionhero.CodeResourceExhausted, Message: "wait", RetryAfter: 1500 * time.Millisecond}
			case "busy":
				return b, actionhero.Errorf(actionhero.CodeCanceled, "not now")
			case "internal":
				return b, errors.New("a secret")
			case "panic":
				panic("a secret")
			case "teapot":
				web.SetStatus(ctx, http.StatusTeapot)
				return b, actionhero.Errorf(actionhero.CodeConflict, "tea only")
			case "encode":
				return book{Bad: make(chan int)}, nil
			}
			return book{ID: in.ID, Pages: in.Pages}, nil
		},
	},
	actionhero.Action[bookInput, book]{
		Name: "bookShow", Route: "GET /books/{id}", Kind: actionhero.KindRead,
		Run: func(ctx context.Context, in bookInput) (book, error) {
			web.Header(ctx).Set("ETag", `"v`+in.ID+`"`)
			return book{ID: in.ID, Pages: in.Pages}, nil
		},
	},
	actionhero.Action[bookInput, actionhero.None]{
		Name: "bookDelete", Route: "DELETE /books/{id}",
		Run: func(context.Context, bookInput) (n actionhero.None, err error) { return n, nil },
	},
	actionhero.Action[actionhero.None, actionhero.None]{
		Name: "bookSort", Route: "POST /books/sort",
		Run: func(ctx context.Context, _ actionhero.None) (n actionhero.None, err error) {
			web.SetStatus(ctx, http.StatusAccepted)
			return n, nil
		},
	},
	actionhero.Action[actionhero.None, map[string]any]{
		Name: "bookStats", Route: "GET /stats", Kind: actionhero.KindRead,
		Run: func(context.Context, actionhero.None) (map[string]any, error) {
			return map[string]any{"error": "none", "list": []int{1, 2}, "long": strings.Repeat("long ", 1000)}, nil
		},
	},
	actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: "bookText", Route: "GET /text", Kind: actionhero.KindRead,
		Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
			return &actionhero.Content{Body: strings.NewReader("the text"), Type: "text/plain"}, nil
		},
	},
}

// With the plain envelope, an answer is the output alone, by a route and by the name of the action.
func TestAPlainAnswerIsTheOutputAlone(t *testing.T) {
	t.Parallel()
	s := start(t, plain, books)
	s.Put(t, "a.txt", "a file")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("POST", "/books", `{"id":"7"}`, isJSON)
		got.Want(t, 201, "")
		got.WantHeader(t, "Content-Type: application/json", "Location: /books/7", "Cache-Control: private, no-store", "Vary: Accept")
		for request, want := range map[string]string{
			"GET /books/7?pages=3":                    `{"id":"7","pages":3}`,
			"GET /api/bookShow?id=7":                  `{"id":"7","pages":1}`,
			"GET /bookShow?id=8&callback=f":           `{"id":"8","pages":1}`,
			"GET /api/bookShow?id=7&outputType=xml":   `<?xml version="1.0" encoding="UTF-8"?>` + "\n<XML><id>7</id><pages>1</pages></XML>",
			"POST /api?action=bookShow&id=7":          `{"id":"7","pages":1}`,
			"GET /text":                               "the text",
			"GET /public/a.txt":                       "a file",
			"GET /stats":                              `{"error":"none","list":[1,2],"long":"` + strings.Repeat("long ", 1000) + `"}`,
			"PUT /api/bookCreate?id=9&outputType=xml": `<?xml version="1.0" encoding="UTF-8"?>` + "\n<XML><id>9</id><pages>1</pages></XML>",
		} {
			method, target, _ := strings.Cut(request, " ")
			status := 200
			if strings.Contains(target, "Create") {
				status = 201
			}
			if got := c.Ask(method, target, ""); got.StatusCode != status || got.Text != want {
				t.Errorf("%s: %d %q, want %q", request, got.StatusCode, got.Text, want)
			}
			if method != "GET" {
				continue
			}
			head := c.Ask("HEAD", target, "")
			if head.StatusCode != status || head.Text != "" || head.Header.Get("Content-Type") != c.Ask("GET", target, "").Header.Get("Content-Type") {
				t.Errorf("HEAD of %s: %d %q", target, head.StatusCode, head.Text)
			}
		}
		for request, status := range map[string]int{"DELETE /books/7": 204, "POST /api/bookDelete?id=7": 204, "POST /books/sort": 202} {
			method, target, _ := strings.Cut(request, " ")
			got := c.Ask(method, target, "")
			if got.StatusCode != status || got.Text != "" || got.Header["Content-Type"] != nil {
				t.Errorf("%s: %d %q as %q", request, got.StatusCode, got.Text, got.Header["Content-Type"])
			}
		}
		got = c.Ask("GET", "/stats", "", "Accept-Encoding: gzip", "Cookie: a=b")
		got.WantHeader(t, "Content-Encoding: gzip", "Content-Type: application/json")
		if vary := strings.Join(got.Header["Vary"], ","); vary != "Accept,Accept-Encoding" {
			t.Errorf("Vary is %q", vary)
		}
		for tag, status := range map[string]int{`"v7"`: 304, `W/"v7"`: 304, `"a", "v7"`: 304, "*": 304, `"v8"`: 200, "v7": 200, "": 200} {
			got := c.Ask("GET", "/books/7", "", "If-None-Match: "+tag)
			got.Want(t, status, "")
			if got.WantHeader(t, `Etag: "v7"`); (got.Text == "") != (status == 304) {
				t.Errorf("If-None-Match: %s: %d %q", tag, got.StatusCode, got.Text)
			}
		}
		s.Log.Await(t, 1, "status", "204")
	})
}

// With the plain envelope, each error is a problem of RFC 9457, whatever refuses the request.
func TestAPlainErrorIsAProblem(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		plain(cfg)
		cfg.CommonWeb.MaxBodyBytes, cfg.CommonWeb.AllowedHosts = 1000, []string{"good.example"}
	}, books, web.Mount("/mounted", echo("mounted")), web.Mount("POST /form", echo("form")))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range []struct {
			request, body, header string
			status                int
			code, detail          string
		}{
			{"POST /books", `{"id":"7","fail":"taken"}`, isJSON, 409, "alreadyExists", `the book "7" is there`},
			{"POST /books", `{"id":"7","fail":"busy"}`, isJSON, 499, "canceled", "not now"},
			{"POST /books", `{"id":"7","fail":"teapot"}`, isJSON, 418, "conflict", "tea only"},
			{"POST /books", `{"id":"7","fail":"internal"}`, isJSON, 500, "internal", "The server experienced an internal error"},
			{"POST /books", `{"id":"7","fail":"panic"}`, isJSON, 500, "internal", "The server experienced an internal error"},
			{"POST /books", `{"id":"7","fail":"encode"}`, isJSON, 500, "internal", "The server experienced an internal error"},
			{"POST /books", `{"id"`, isJSON, 400, "invalidInput", "malformed JSON"},
			{"POST /books", "<id/>", "Content-Type: text/html", 415, "invalidInput", "the content type of a body must be"},
			{"POST /books", strings.Repeat("x", 1001), isForm, 413, "invalidInput", "the body may have 1000 bytes at most"},
			{"POST /mounted", strings.Repeat("x", 1001), isForm, 413, "invalidInput", "the body may have 1000 bytes at most"},
			{"POST /mounted", "", "Origin: https://evil.example", 403, "permissionDenied", "a page of another site may not send POST"},
			{"DELETE /books/7", "", "Origin: https://evil.example", 403, "permissionDenied", "a page of another site may not run"},
			{"PUT /books/7", "", "", 405, "invalidInput", "this path answers to"},
			{"GET /form", "", "", 405, "invalidInput", "this path answers to POST only"},
			{"GET /api/bookDelete?id=7", "", "", 405, "invalidInput", "is not run by GET"},
			{"BREW /books", "", "", 405, "invalidInput", "the method BREW is not supported here"},
			{"PUT /public/a.txt", "", "", 405, "invalidInput", "this path answers to GET"},
			{"GET /bookz/7", "", "", 404, "notFound", `there is nothing at the path "/bookz/7"`},
			{"GET /", "", "", 404, "notFound", `there is nothing at the path "/"`},
			{"GET /api/none", "", "", 404, "notFound", "none is not a known action."},
			{"GET /?action=none", "", "", 404, "notFound", "none is not a known action."},
			{"GET /a%2Fb", "", "", 404, "notFound", "a path with an escaped slash"},
		} {
			method, target, _ := strings.Cut(test.request, " ")
			var headers []string
			if test.header != "" {
				headers = []string{test.header}
			}
			got := c.Ask(method, target, test.body, headers...)
			if p := problemOf(t, got); got.StatusCode != test.status || p.Code != test.code || !strings.Contains(p.Detail, test.detail) {
				t.Errorf("%s: %d %s", test.request, got.StatusCode, got.Text)
			}
			if got.Header.Get("Location") == "" && test.status == 405 && got.Header.Get("Allow") == "" {
				t.Errorf("%s: there is no Allow", test.request)
			}
			if test.status == 500 && problemOf(t, got).Instance != got.Header.Get("X-Request-Id") {
				t.Errorf("%s: the instance of %s is not %q", test.request, got.Text, got.Header.Get("X-Request-Id"))
			}
		}
		p := problemOf(t, c.Ask("POST", "/books", `{"pages":0}`, isJSON))
		if fmt.Sprint(p.Errors) != "[{id required id must be given} {pages minimum pages must be at least 1}]" {
			t.Errorf("the errors of two inputs are %v", p.Errors)
		}
		limited := c.Ask("POST", "/books", `{"id":"7","fail":"limit"}`, isJSON)
		if p := problemOf(t, limited); p.RetryAfter != 2 || p.Status != 429 || p.Title != "Too Many Requests" {
			t.Errorf("a limit is answered with %s", limited.Text)
		}
		limited.WantHeader(t, "Retry-After: 2")
		if head := c.Ask("HEAD", "/nothing", ""); head.StatusCode != 404 || head.Text != "" || head.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("HEAD is answered with %d %q", head.StatusCode, head.Text)
		}
		trace := problemOf(t, c.Ask("GET", "/nothing", "", "Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
		if trace.Instance != "4bf92f3577b34da6a3ce929d0e0e4736" {
			t.Errorf("the instance is %q", trace.Instance)
		}
	})
	r := s.HTTPConn(t)
	r.Send("GET /stats HTTP/1.1\r\nHost: evil.example\r\n\r\n")
	if p := problemOf(t, r.Next("GET")); p.Status != http.StatusMisdirectedRequest {
		t.Errorf("another host: %+v", p)
	}
}

// A client gets XML if it prefers XML to JSON. A browser, which accepts anything, does not.
func TestAPlainAnswerIsNegotiated(t *testing.T) {
	t.Parallel()
	s := start(t, plain, books)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for accept, asXML := range map[string]bool{
			"application/xml": true, "text/xml": true, "Application/XML; q=0.5": true, "application/xml, application/json;q=0.9": true,
			"application/json;q=0.2, application/problem+xml;q=0.3": true, "application/json": false, "*/*": false, "": false,
			"application/xml, application/json": false, "application/xml;q=0.5, application/json": false, "application/xml;q=0": false,
			"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": false, "application/xml, application/*;q=0.1": false, "image/png": false,
		} {
			for target, want := range map[string][2]string{
				"/books/7": {"application/json", "application/xml"}, "/nothing": {"application/problem+json", "application/problem+xml"},
			} {
				got, mediaType := c.Ask("GET", target, "", "Accept: "+accept), want[0]
				if asXML {
					mediaType = want[1]
				}
				got.WantHeader(t, "Content-Type: "+mediaType, "Vary: Accept")
			}
		}
		got := c.Ask("POST", "/books", `{"pages":0}`, isJSON, "Accept: application/xml")
		var p struct {
			XMLName xml.Name `xml:"urn:ietf:rfc:7807 problem"`
			Title   string   `xml:"title"`
			Status  int      `xml:"status"`
			Errors  []struct {
				Field string `xml:"field"`
			} `xml:"errors"`
		}
		if err := xml.Unmarshal([]byte(got.Text), &p); err != nil || p.Status != 400 || p.Title != "Bad Request" || len(p.Errors) != 2 || p.Errors[1].Field != "pages" {
			t.Errorf("%v in %s", err, got.Text)
		}
	})
}

// A server that stops refuses requests, and requests above a limit, in the plain envelope as well.
func TestAPlainRefusalOfAStoppedAndOfALimitedServer(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { plain(cfg); cfg.General.RequestLimit = 2 }, books)
	c := s.HTTP(t)
	for _, left := range []string{"1", "0"} {
		if header := c.Ask("GET", "/books/7", "").Header.Get("RateLimit"); !strings.Contains(header, ";r="+left+";") {
			t.Errorf("RateLimit is %q, want %s left", header, left)
		}
	}
	if p := problemOf(t, c.Ask("GET", "/books/7", "")); p.Status != 429 || p.RetryAfter == 0 {
		t.Errorf("a third request: %+v", p)
	}
	s.Stop()
	recorder := &writer{header: http.Header{}}
	r, err := http.NewRequest("GET", "http://localhost/books/7", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = "127.0.0.1:4711"
	s.Web.ServeHTTP(recorder, r)
	if recorder.status != 503 || recorder.header.Get("Retry-After") != "1" || !strings.Contains(recorder.text.String(), `"title":"Service Unavailable","status":503,"detail":"The server is stopping"`) {
		t.Errorf("a stopped server: %d %s", recorder.status, recorder.text.String())
	}
}

// writer is an http.ResponseWriter that keeps the response.
type writer struct {
	header http.Header
	status int
	text   strings.Builder
}

func (w *writer) Header() http.Header         { return w.header }
func (w *writer) WriteHeader(status int)      { w.status = status }
func (w *writer) Write(p []byte) (int, error) { return w.text.Write(p) }

// A setting that only the classic envelope has is refused.
func TestThePlainEnvelopeRefusesSettingsOfTheClassicOne(t *testing.T) {
	t.Parallel()
	s := testkit.New(t, testkit.Options{})
	for want, change := range map[string]func(*web.CommonConfig){
		"commonWeb.envelope is plain and commonWeb.jsonp is on":             func(c *web.CommonConfig) { c.JSONP = new(true) },
		"commonWeb.envelope is plain and commonWeb.echoParams is on":        func(c *web.CommonConfig) { c.EchoParams = new(true) },
		"commonWeb.envelope is plain and commonWeb.returnErrorCodes is off": func(c *web.CommonConfig) { c.ReturnErrorCodes = new(false) },
		`commonWeb.envelope is "simple": it must be classic or plain`:       func(c *web.CommonConfig) { c.Envelope = "simple" },
	} {
		cfg := web.Config{Common: web.CommonConfig{Envelope: "plain"}}
		change(&cfg.Common)
		if _, err := web.New(s.API, cfg); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got  %v\nwant %s…", err, want)
		}
	}
}

// An answer 304 varies by the same headers as the one with a body.
func TestANotModifiedAnswerVaries(t *testing.T) {
	t.Parallel()
	tagged := actionhero.Action[actionhero.None, map[string]int]{
		Name: "tagged", Kind: actionhero.KindRead,
		Run: func(ctx context.Context, _ actionhero.None) (map[string]int, error) {
			web.Header(ctx).Set("ETag", `"1"`)
			return map[string]int{strings.Repeat("long", 1000): 1}, nil
		},
	}
	for compress, want := range map[bool]string{true: "Accept, Accept-Encoding", false: "Accept"} {
		s := start(t, func(cfg *server.Config) {
			plain(cfg)
			cfg.CommonWeb.Compress = &compress
		}, tagged)
		everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
			full := c.Ask("GET", "/api/tagged", "")
			got := c.Ask("GET", "/api/tagged", "", `If-None-Match: "1"`)
			got.Want(t, http.StatusNotModified, "")
			got.WantHeader(t, `Etag: "1"`)
			for _, header := range []http.Header{full.Header, got.Header} {
				if vary := strings.Join(header.Values("Vary"), ", "); vary != want {
					t.Errorf("the answer varies by %q, want %q", vary, want)
				}
			}
		})
	}
}
