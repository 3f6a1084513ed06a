package server_test

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

type mirrored struct {
	Value any     `json:"value"`
	Text  string  `json:"text"`
	List  []int   `json:"list"`
	Tree  *branch `json:"tree"`
}

type branch struct {
	N    int                `json:"n"`
	Kids map[string]*branch `json:"kids"`
}

// mirror is an action that answers its input: the length of the answer is the choice of the client.
var mirror = actionhero.Action[mirrored, mirrored]{
	Name: "mirror", Kind: actionhero.KindRead,
	Run: func(_ context.Context, in mirrored) (mirrored, error) { return in, nil },
}

// greedy has params that make their answer long. Each function returns about n bytes of JSON.
var greedy = map[string]func(n int) string{
	"many entries of a long name": func(n int) string {
		return `{"value":{"` + strings.Repeat("a", n/10) + `":[` + list("1", n*9/10) + `]}}`
	},
	"many members":                 func(n int) string { return `{"value":{` + numbered(`"m%d":0`, n) + `}}` },
	"lists in a list":              func(n int) string { return `{"value":[` + list("[]", n) + `]}` },
	"a long text":                  func(n int) string { return `{"text":"` + strings.Repeat(`\u0001`, n/6) + `"}` },
	"a text that XML escapes":      func(n int) string { return `{"text":"` + strings.Repeat(`<`, n) + `"}` },
	"a text of line separators":    func(n int) string { return `{"text":"` + strings.Repeat("\u2028", n/3) + `"}` },
	"many wrong entries":           func(n int) string { return `{"list":[` + list("{}", n) + `]}` },
	"wrong values with long paths": func(n int) string { return `{"tree":` + deep(n) + `}` },
	"an unknown key":               func(n int) string { return `{"` + strings.Repeat("k", n) + `":1}` },
	"a key twice":                  func(n int) string { k := strings.Repeat("k", n/2); return `{"` + k + `":1,"` + k + `":1}` },
	"malformed JSON":               func(n int) string { return `{"value":[` + list("x", n) + `]}` },
	"a wrong callback":             func(n int) string { return `{"callback":"` + strings.Repeat("(", n) + `"}` },
}

func list(entry string, n int) string {
	return strings.TrimSuffix(strings.Repeat(entry+",", n/(len(entry)+1)), ",")
}

func numbered(format string, n int) string {
	var b strings.Builder
	for i := 0; b.Len() < n; i++ {
		fmt.Fprintf(&b, format+",", i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

// deep returns nested objects with long names, and many wrong values in the innermost object.
func deep(n int) string {
	const levels = 25
	object := `{"kids":{` + numbered(`"k%d":{"n":"x"}`, n/2) + `}}`
	for range levels {
		object = `{"kids":{"` + strings.Repeat("a", n/2/levels) + `":` + object + `}}`
	}
	return object
}

// An answer is at most linear in its request, whatever a client sends, in every form of output and over every transport.
// The constants hold for all of them: an answer has at most perByte times the bytes of the request, plus atLeast.
func TestAnAnswerIsAtMostLinearInItsRequest(t *testing.T) {
	t.Parallel()
	const perByte, atLeast = 20, 300 << 10
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{mirror}})
	for name, params := range greedy {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range []int{100, 50_000} { // below 64 KiB, the limit of a line and of a message
				object := params(n)
				for form, answer := range answersTo(t, s, object) {
					if most := perByte*len(object) + atLeast; answer == 0 || answer > most {
						t.Errorf("%s: a request of %d bytes is answered with %d, want at most %d", form, len(object), answer, most)
					}
				}
			}
		})
	}
}

// answersTo sends params to the action mirror in every way, and returns the length of each answer.
func answersTo(t *testing.T, s *testkit.Server, params string) map[string]int {
	t.Helper()
	answers := map[string]int{}
	http := s.HTTP(t)
	for form, query := range map[string]string{"JSON": "", "XML": "?outputType=xml", "JSONP": "?callback=f", "error": "?limit=x"} {
		answers[form] = len(http.Ask("POST", "/api/mirror"+query, params, "Content-Type: application/json").Text)
	}
	answers["form"] = len(http.Ask("POST", "/api/mirror", "text="+url.QueryEscape(params)+"&list="+url.QueryEscape(params), "Content-Type: application/x-www-form-urlencoded").Text)
	tcp := s.TCP(t)
	for i, line := range []string{`{"action":"mirror","params":` + params + `}`, "paramAdd text=" + params, "mirror", "paramsView", "detailsView"} {
		tcp.Send(line + "\r\n")
		answers[fmt.Sprint("TCP line ", i)] = len(tcp.Next())
	}
	ws := testkit.NewWS(t, s.WSURL(), nil)
	ws.Send(`{"event":"action","id":1,"params":` + withMirror(params) + `}`)
	answers["WebSocket"] = len(ws.Next())
	if sio := s.SIO(t); !strings.HasPrefix(params, `{"value":[x`) { // malformed JSON ends the connection
		sio.Send(`420["action",` + withMirror(params) + `]`)
		answers["Socket.IO"] = len(sio.Next())
	}
	return answers
}

func withMirror(params string) string { return `{"action":"mirror",` + params[1:] }
