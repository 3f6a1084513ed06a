package web_test

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// brief is a handler that the fast path may call. Its answer says whether net/http serves the request.
type brief struct{ name string }

func (brief) FastPath() {}

func (b brief) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	slow := r.Context().Value(http.ServerContextKey) != nil
	fmt.Fprintf(w, "%s %s %d slow=%v", b.name, r.Method, len(body), slow)
}

// The fast path calls a handler with FastPath at its own path only, and leaves every choice between patterns to the mux.
func TestAHandlerWithFastPathNeedsNoNetHTTP(t *testing.T) {
	t.Parallel()
	s := start(t, nil, web.Mount("/brief", web.MaxBody(10, web.CrossOrigin(brief{"brief"}))), web.Mount("/tree/", brief{"tree"}),
		web.Mount("GET /one", brief{"one"}), web.Mount("/two", brief{"two"}), web.Mount("POST /two", brief{"method"}),
		web.Mount("/v/{id}", brief{"value"}), web.Mount("/closed", web.Protect(actionhero.Public, brief{"closed"})), web.Mount("/plain", echo("plain")))
	for target, want := range map[string]string{
		"/brief": "brief GET 0 slow=false", "/brief?a=%41": "brief GET 0 slow=false", "/bri%65f": "brief GET 0 slow=true", "/tree/": "tree GET 0 slow=true",
		"/one": "one GET 0 slow=true", "/two": "two GET 0 slow=true", "/v/1": "value GET 0 slow=true", "/closed": "closed GET 0 slow=true",
		"/plain": `plain: GET /plain "" <nil>`, "/briefly": `"error":"briefly is not a known action."`,
	} {
		s.HTTP(t).Ask("GET", target, "").Want(t, map[bool]int{true: 404, false: 200}[target == "/briefly"], want)
	}
	s.HTTP(t).Ask("POST", "/two", "").Want(t, 200, "method POST 0 slow=true")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for size, status := range map[int]int{10: 200, 11: 413} {
			body := strings.Repeat("x", size)
			want := map[int]string{200: "brief POST 10 slow=", 413: ""}[status]
			c.Ask("POST", "/brief", body).Want(t, status, want)
			c.Send("POST", "/brief", chunked(body)).Want(t, status, want)
		}
		got := c.Ask("GET", "/brief", "")
		if got.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("the headers are %v", got.Header)
		}
	})
}

// A pattern of a host wins over a path, so in an app with one the mux chooses for each request.
func TestAPatternOfAHostWinsOverAHandlerWithFastPath(t *testing.T) {
	t.Parallel()
	s := start(t, nil, web.Mount("/brief", brief{"brief"}))
	ask := func(host, want string) {
		t.Helper()
		p := s.HTTPConn(t)
		p.Send("GET /brief HTTP/1.1\r\nHost: " + host + "\r\n\r\n")
		p.Next("GET").Want(t, 200, want)
	}
	ask("other.localhost", "brief GET 0 slow=false")
	if err := s.Web.Mount("other.localhost/", brief{"host"}); err != nil {
		t.Fatal(err)
	}
	ask("other.localhost", "host GET 0 slow=true")
	ask("localhost", "brief GET 0 slow=true")
}

var timesOfAnswers = regexp.MustCompile(`"(requestDuration|currentTime)":\d+`)

// The guards of the server stand before a handler that the fast path calls, with the same answers as by net/http.
func TestTheGuardsStandBeforeAHandlerWithFastPath(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.AllowedHosts, cfg.CommonWeb.AllowedOrigins = []string{"good.example"}, []string{"https://page.example"}
	}, web.Mount("/brief", brief{"brief"}), web.Mount("/any", web.CrossOrigin(brief{"any"})))
	for _, test := range []struct {
		request, head string
		status        int
	}{
		{"GET /brief", "Host: evil.example", 421},
		{"GET /brief", "Host: good.example", 200},
		{"POST /brief", "Host: good.example\r\nOrigin: https://evil.example", 403},
		{"POST /any", "Host: good.example\r\nOrigin: https://evil.example", 200},
		{"POST /brief", "Host: good.example\r\nOrigin: https://page.example", 200},
		{"OPTIONS /brief", "Host: good.example\r\nOrigin: https://page.example\r\nAccess-Control-Request-Method: POST", 204},
	} {
		var answers []string
		for _, slow := range []string{"", "Upgrade: none\r\n"} { // a header that the fast path leaves to net/http
			p := s.HTTPConn(t)
			p.Send(test.request + " HTTP/1.1\r\n" + slow + test.head + "\r\n\r\n")
			method, _, _ := strings.Cut(test.request, " ")
			got := p.Next(method)
			got.Want(t, test.status, "")
			got.Header.Del("Date")
			text := timesOfAnswers.ReplaceAllString(strings.NewReplacer("slow=true", "", "slow=false", "").Replace(got.Text), "")
			answers = append(answers, fmt.Sprint(text, got.Header["Access-Control-Allow-Origin"], got.Header["X-Content-Type-Options"], got.Header["Vary"]))
		}
		if answers[0] != answers[1] {
			t.Errorf("%s %s\n%s\n%s", test.request, test.head, answers[0], answers[1])
		}
	}
}
