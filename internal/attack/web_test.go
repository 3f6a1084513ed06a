//go:build hostile

package attack_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

const host = "Host: localhost\r\n"

const last = "Connection: close\r\n"

func get(target string) string { return "GET " + target + " HTTP/1.1\r\n" + host + last + "\r\n" }

func postBody(target, contentType, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\n%s%sContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", target, host, last, contentType, len(body), body)
}

// wellBehavedHTTP starts clients that do no harm: one with a new connection for each call, and one over HTTPS that keeps
// its own.
func (s *target) wellBehavedHTTP(t testing.TB) (check func()) {
	fresh := testkit.StartProbe("HTTP, a connection for each call", func() error {
		answer, err := ask(s.DialHTTP, get("/api/randomNumber"))
		if err == nil && !strings.HasSuffix(answer, `"error":"OK"}`) {
			err = errors.New("the answer is " + answer)
		}
		return err
	})
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.ClientTLS.Clone()}, Timeout: time.Minute}
	kept := testkit.StartProbe("HTTPS, one connection", func() error {
		resp, err := client.Get("https://" + s.Web.TLSAddr().String() + "/public/plain.txt")
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		if text, err := io.ReadAll(resp.Body); err != nil || string(text) != testkit.Plain {
			return errors.Join(err, errors.New("the file is not the file: "+string(text)))
		}
		return nil
	})
	return func() {
		t.Helper()
		fresh.Check(t)
		kept.Check(t)
		client.CloseIdleConnections()
	}
}

// ask sends bytes as they are and returns all that comes until the server closes the connection. A server that does
// not close it at once is an error.
func ask(dial dialer, request string) (string, error) {
	nc, err := dial()
	if err != nil {
		return "", err
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(atOnce))
	// The server may close before it has read it all; its answer up to then counts.
	go func() { _, _ = io.WriteString(nc, request) }()
	answer, err := io.ReadAll(nc)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return string(answer), errors.New("the server does not close the connection")
	}
	return string(answer), nil
}

// replies takes apart what a server said on one connection.
func replies(t testing.TB, text string) (list []testkit.Reply) {
	t.Helper()
	in := bufio.NewReader(strings.NewReader(text))
	for {
		if _, err := in.Peek(1); err != nil {
			return list
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatalf("answer %d of %q: %v", len(list)+1, text, err)
		}
		list = append(list, testkit.Reply{Response: resp, Text: body(t, resp)})
	}
}

func body(t testing.TB, resp *http.Response) string {
	t.Helper()
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("after %.300q: %v", text, err)
	}
	return string(text)
}

// fileRequests are all the ways in which a client can ask for a file.
func fileRequests(name string) (requests []string) {
	for _, path := range testkit.Encodings(name) {
		for _, prefix := range []string{"/public/", "/public", "/file/", "/", "//", "/public//", "/api/file?fileName=", "/file/?fileName=", "/?action=file&fileName=", "http://x/public/"} {
			requests = append(requests, get(prefix+path))
		}
	}
	object, _ := json.Marshal(map[string]string{"fileName": name})
	quoted := testkit.Encodings(name)[1]
	return append(requests,
		postBody("/api/file", "application/json", string(object)),
		postBody("/api/file", "application/json", `{"fileName":"`+name+`"}`),
		postBody("/file", "application/x-www-form-urlencoded", "fileName="+quoted),
		postBody("/api/file", "multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=fileName\r\n\r\n"+name+"\r\n--b--\r\n"),
	)
}

func TestHTTPNoFileOutsideIsServed(t *testing.T) {
	t.Parallel()
	for _, root := range []string{"api", "public"} {
		s := newTarget(t, func(cfg *server.Config) { cfg.CommonWeb.RootEndpointType = root })
		handler := func(request string) (string, error) {
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(request)))
			if err != nil {
				return "", nil // it would come no further
			}
			w := httptest.NewRecorder()
			s.Web.ServeHTTP(w, r)
			return w.Body.String(), nil
		}
		for way, ask := range map[string]struct {
			ask   func(request string) (string, error)
			every int // a connection for each of thousands of requests would take long
		}{
			"handler": {handler, 1},
			"HTTP":    {func(request string) (string, error) { return ask(s.DialHTTP, request) }, 7},
			"HTTPS":   {func(request string) (string, error) { return ask(s.DialHTTPS("http/1.1"), request) }, 67},
		} {
			t.Run(root+" "+way, func(t *testing.T) {
				t.Parallel()
				n := 0
				for _, name := range s.tree.Names() {
					for _, request := range fileRequests(name) {
						if n++; n%ask.every != 0 {
							continue
						}
						if answer, err := ask.ask(request); err != nil || testkit.Leaks(answer) {
							t.Errorf("%.200q: %v, %.300q", request, err, answer)
						}
					}
				}
				for _, name := range []string{"plain.txt", "inside"} {
					seen := 0
					for _, request := range fileRequests(name) {
						if answer, err := ask.ask(request); err == nil && strings.HasSuffix(answer, testkit.Plain) {
							seen++
						}
					}
					if seen < 12 {
						t.Errorf("%s was served for %d requests only: the test shows nothing", name, seen)
					}
				}
			})
		}
	}
}

func TestHTTPNoFileOutsideIsServedOverHTTP2(t *testing.T) {
	t.Parallel()
	s := newTarget(t, nil)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.ClientTLS.Clone(), ForceAttemptHTTP2: true}}
	t.Cleanup(client.CloseIdleConnections)
	for _, name := range append(s.tree.Names(), "plain.txt") {
		for _, path := range testkit.Encodings(name)[:3] {
			resp, err := client.Get("https://" + s.Web.TLSAddr().String() + "/public/" + path)
			if err != nil {
				continue // the client refuses to send it
			}
			text := body(t, resp)
			if resp.ProtoMajor != 2 || testkit.Leaks(text) {
				t.Errorf("%.200q over %s: %.300q", path, resp.Proto, text)
			}
			if name == "plain.txt" && text != testkit.Plain {
				t.Errorf("%s is not served: %q", path, text)
			}
		}
	}
}

func TestHTTPOddInputs(t *testing.T) {
	t.Parallel()
	s := newTarget(t, nil, odd)
	const object, form, multi = "application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
	part := func(head, body string) string { return "--b\r\n" + head + "\r\n\r\n" + body + "\r\n" }
	field := part("Content-Disposition: form-data; name=key", "v")
	for name, test := range map[string]struct {
		request string
		status  int
		want    string // part of the answer
	}{
		"64 levels":              {postBody("/api/odd", object, `{"any":`+strings.Repeat("[", 63)+strings.Repeat("]", 63)+"}"), 200, "[[[["},
		"65 levels":              {postBody("/api/odd", object, `{"any":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)+"}"), 400, "64 levels"},
		"a million levels":       {postBody("/api/odd", object, `{"any":`+strings.Repeat("[", 1_000_000)), 400, "64 levels"},
		"a million objects":      {postBody("/api/odd", object, `{"any":`+strings.Repeat(`{"a":`, 1_000_000)), 400, "64 levels"},
		"10,000 params":          {postBody("/api/odd", object, `{"key":"v"`+many(9_999, `,"k%d":1`)+"}"), 200, `"key":"v"`},
		"10,001 params":          {postBody("/api/odd", object, `{"key":"v"`+many(10_000, `,"k%d":1`)+"}"), 400, "10000 parameters"},
		"500,000 params":         {postBody("/api/odd", object, `{"key":"v"`+many(500_000, `,"k%d":1`)+"}"), 400, "10000 parameters"},
		"10,001 of a form":       {postBody("/api/odd", form, many(10_001, "k%d=1&")), 400, "10000 parameters"},
		"10,001 values of one":   {postBody("/api/odd", form, strings.Repeat("list=1&", 10_001)), 400, "10000 parameters"},
		"1,001 parts":            {postBody("/api/odd", multi, strings.Repeat(field, 1001)+"--b--\r\n"), 400, "1000 parts"},
		"many headers of a part": {postBody("/api/odd", multi, part(many(20_000, "X-%d: a\r\n")+"Content-Disposition: form-data; name=key", "v")+"--b--\r\n"), 400, "multipart"},
		"a part without end":     {postBody("/api/odd", multi, field+"--b\r\nContent-Disposition: form-data; name=list\r\n\r\nx"), 400, "multipart"},
		"no boundary":            {postBody("/api/odd", "multipart/form-data", field), 400, "boundary"},
		"a duplicate key":        {postBody("/api/odd", object, `{"key":"a","key":"b"}`), 400, "twice"},
		"a duplicate stranger":   {postBody("/api/odd", object, `{"x":"a","\u0078":"b"}`), 400, "twice"},
		"invalid UTF-8":          {postBody("/api/odd", object, "{\"key\":\"a\xffb\"}"), 200, "a\ufffdb"},
		"invalid UTF-8 in a URL": {get("/api/odd?key=a%ff%00b&%ff=1"), 200, "a\ufffd\\u0000b"},
		"half a surrogate":       {postBody("/api/odd", object, `{"key":"\ud800"}`), 200, `"error":"OK"`},
		"null":                   {postBody("/api/odd", object, `null`), 400, "object"},
		"null for each":          {postBody("/api/odd", object, `{"key":null,"n":null,"list":null,"map":null,"any":null,"limit":null}`), 200, `"error":"OK"`},
		"a list":                 {postBody("/api/odd", object, `[]`), 400, "object"},
		"white space":            {postBody("/api/odd", object, "   \n"), 400, "object"},
		"two objects":            {postBody("/api/odd", object, `{}{}`), 400, "offset 2"},
		"a huge number":          {postBody("/api/odd", object, `{"n":1e999999999}`), 400, "n must be"},
		"a long number":          {postBody("/api/odd", object, `{"n":`+strings.Repeat("9", 1<<20)+`}`), 400, "n must be"},
		"a long limit":           {get("/api/odd?limit=" + strings.Repeat("9", 1000)), 400, "limit must be"},
		"a negative offset":      {get("/api/odd?offset=-1"), 400, "offset must be"},
		"a list of limits":       {postBody("/api/odd", object, `{"limit":[1]}`), 400, "limit must be"},
		"a broken escape":        {get("/api/odd?key=%zz"), 200, `"key":"%zz"`},
		"a body that is large":   {postBody("/api/odd", object, `{"key":"`+strings.Repeat("a", 10<<20)+`"}`), 413, "10485760 bytes"},
		"a body of chunks":       {"POST /api/odd HTTP/1.1\r\n" + host + "Content-Type: " + object + "\r\nTransfer-Encoding: chunked\r\n\r\na00010\r\n{\"key\":\"" + strings.Repeat("a", 10<<20+8) + "\r\n0\r\n\r\n", 413, "10485760 bytes"},
		"an unknown type":        {postBody("/api/odd", "text/odd", "x"), 415, "content type"},
		"an odd type":            {postBody("/api/odd", ";;;\x01", "x"), 400, ""},
		"a long callback":        {get("/api/odd?callback=" + strings.Repeat("a", 65)), 400, "callback"},
		"a callback that runs":   {get("/api/odd?callback=alert(1)//"), 400, "callback"},
		"an action with markup":  {get("/api/%3Cscript%3E%0d%0aX:%20y"), 404, `<script>\r\nX: y is not a known action.`},
		"a long key of a cache":  {get("/api/cacheTest?value=v&key=" + strings.Repeat("k", 1100)), 400, "key"},
		"a long name of a room":  {get("/api/say?message=m&room=" + strings.Repeat("r", 129)), 400, "128 bytes"},
		"an XML of odd names":    {postBody("/api/odd?outputType=xml", object, `{"map":{"<a b='c'>":{"":1,"1":2,"\u0000":[[[]]]}},"key":"<![CDATA[\u0008"}`), 200, "</XML>"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := ask(s.DialHTTP, test.request)
			if err != nil {
				t.Fatal(err)
			}
			list := replies(t, text)
			if len(list) != 1 || list[0].StatusCode != test.status || !strings.Contains(list[0].Text, test.want) {
				t.Fatalf("%d answers, %.600q: want one, of status %d, that has %q", len(list), text, test.status, test.want)
			}
			if test.want != "" && list[0].Header.Get("Content-Type") == "application/json" && !json.Valid([]byte(list[0].Text)) {
				t.Errorf("the answer is not JSON: %s", list[0].Text)
			}
		})
	}
}

// TestHTTPOddHeads has requests that are no HTTP, or too much of it: each is refused or the connection closed.
func TestHTTPOddHeads(t *testing.T) {
	t.Parallel()
	s := newTarget(t, nil)
	for name, test := range map[string]struct {
		request string
		status  int // 0: no answer at all is fine
	}{
		"a long header":          {"GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 100<<10) + "\r\n\r\n", 431},
		"many headers":           {"GET / HTTP/1.1\r\n" + host + many(10_000, "X-%d: a\r\n") + "\r\n", 431},
		"a header without end":   {"GET / HTTP/1.1\r\n" + host + "X: " + strings.Repeat("a", 4<<20), 431},
		"a long URL":             {get("/api/status?key=" + strings.Repeat("a", 100<<10)), 431},
		"a line without end":     {strings.Repeat("A", 4<<20), 431},
		"no HTTP":                {"hello\r\n\r\n", 400},
		"no version":             {"GET /api/status\r\n\r\n", 400},
		"another version":        {"GET /api/status HTTP/7.3\r\n" + host + "\r\n", 505},
		"an SSH client":          {"SSH-2.0-OpenSSH_9.6\r\n\r\n", 400},
		"a TLS hello":            {"\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00\r\n\r\n", 400},
		"HTTP/2 without TLS":     {h2Open, 0},
		"zeros":                  {strings.Repeat("\x00", 1<<20), 431},
		"a method of no kind":    {"BREW /api/status HTTP/1.1\r\n" + host + last + "\r\n", 405},
		"a method with a NUL":    {"G\x00T / HTTP/1.1\r\n" + host + "\r\n", 400},
		"a NUL in a header":      {"GET / HTTP/1.1\r\n" + host + "X: a\x00b\r\n\r\n", 400},
		"a header of two lines":  {"GET /api/randomNumber HTTP/1.1\r\n" + host + last + "X: a\r\n b\r\n\r\n", 0},
		"no name of a header":    {"GET / HTTP/1.1\r\n" + host + ": a\r\n\r\n", 400},
		"a space before a colon": {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400},
		"no host":                {"GET / HTTP/1.1\r\n\r\n", 400},
		"two hosts":              {"GET / HTTP/1.1\r\n" + host + host + "\r\n", 400},
		"a proxy's request":      {"CONNECT example.org:80 HTTP/1.1\r\n" + host + last + "\r\n", 421},
		"a URL of nothing":       {"GET * HTTP/1.1\r\n" + host + last + "\r\n", 0},
		"a broken URL":           {"GET /%zz HTTP/1.1\r\n" + host + "\r\n", 400},
		"an upgrade":             {"GET /api/randomNumber HTTP/1.1\r\n" + host + "Connection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n", 200},
		"an odd expectation":     {"POST /api/odd HTTP/1.1\r\n" + host + last + "Expect: miracles\r\nContent-Length: 1\r\n\r\nx", 417},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, err := ask(s.DialHTTP, test.request)
			if err != nil {
				if test.status != 0 || text != "" {
					t.Fatalf("%v after %q", err, text)
				}
				return
			}
			if list := replies(t, text); test.status != 0 && (len(list) != 1 || list[0].StatusCode != test.status) {
				t.Errorf("got %.300q, want one answer of status %d", text, test.status)
			}
		})
	}
}
