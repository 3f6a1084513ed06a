package server_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

const jsonType = "Content-Type: application/json"

// post sends a JSON body to limitEcho and returns the reply.
func post(t *testing.T, s *testkit.Server, body string) testkit.Reply {
	t.Helper()
	return s.HTTP(t).Ask("POST", "/api/limitEcho", body, jsonType)
}

// formOf returns the body of a multipart form with the given parts.
func formOf(parts ...string) string {
	const boundary = "--b\r\nContent-Disposition: form-data; "
	return boundary + strings.Join(parts, "\r\n"+boundary) + "\r\n--b--\r\n"
}

const formType = "Content-Type: multipart/form-data; boundary=b"

// edge posts the body that body makes for n, which must work, and the one for n+1, which must have the code of the
// table.
func edge(body func(n int) string) driver {
	return func(t *testing.T, l limit) {
		s := limited(t, nil)
		wantOK(t, post(t, s, body(l.n)).Text)
		l.wantCode(t, post(t, s, body(l.n+1)).Text)
	}
}

// edgeText is like edge, for a limit above which the answer has other text.
func edgeText(reached string, body func(n int) string, text, beyond string) driver {
	return func(t *testing.T, l limit) {
		l.wantReached(t, reached)
		s := limited(t, nil)
		for extra, want := range []string{strings.ReplaceAll(text, "N", strings.Repeat("n", l.n)), strings.ReplaceAll(beyond, "N", strings.Repeat("n", l.n))} {
			if got := post(t, s, body(l.n+extra)).Text; !strings.Contains(got, want) {
				t.Errorf("with %d the answer is %.300s\nwant %.100s", l.n+extra, got, want)
			}
		}
	}
}

// blocking is the body of a Content, which returns nothing until the channel is closed.
type blocking chan struct{}

func (b blocking) Read([]byte) (int, error) {
	<-b
	return 0, io.EOF
}

// inputLimits are the drivers of the fixed limits on the params of a request and its answer.
var inputLimits = map[string]driver{
	"params": edge(func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"other%d":1,`, i)
		}
		return "{" + strings.TrimSuffix(b.String(), ",") + "}"
	}),
	"jsonDepth": edge(func(n int) string {
		return `{"value":` + strings.Repeat("[", n-1) + strings.Repeat("]", n-1) + "}"
	}),
	"decodedBytes": func(t *testing.T, l limit) {
		s := limited(t, nil)
		body := func(bytes int) string {
			return `{"wide":[` + strings.TrimSuffix(strings.Repeat("{},", bytes/wideSize), ",") + "]}"
		}
		wantOK(t, post(t, s, body(l.n/4)).Text)
		l.wantCode(t, post(t, s, body(4*l.n)).Text)
	},
	"errorDetails": func(t *testing.T, l limit) {
		l.wantReached(t, "the first ones")
		s := limited(t, nil)
		for _, n := range []int{l.n, l.n + 1} {
			got := post(t, s, `{"colors":[`+strings.TrimSuffix(strings.Repeat(`"blue",`, n), ",")+"]}").Text
			if details := strings.Count(got, `"rule":"enum"`); details != l.n {
				t.Errorf("%d wrong values have %d details", n, details)
			}
		}
	},
	"shownKeyBytes": edgeText("the name is cut", func(n int) string {
		return `{"counts":{"` + strings.Repeat("n", n) + `":"x"}}`
	}, `"field":"counts.N"`, `"field":"counts.N…"`),
	"echoedBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "the value is cut, with its length")
		s := limited(t, nil)
		text := strings.Repeat("n", l.n)
		s.HTTP(t).Ask("GET", "/api/limitEcho?text="+text, "").Want(t, 200, `"text":"`+text+`"`)
		s.HTTP(t).Ask("GET", "/api/limitEcho?text="+text+"n", "").Want(t, 200, `"text":"`+text+fmt.Sprintf(`… (%d bytes)"`, l.n+1))
	},
	"loggedBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "the value is cut, with its length")
		s := limited(t, func(cfg *server.Config) { cfg.General.LogRequests = true })
		text := strings.Repeat("n", l.n)
		wantOK(t, s.HTTP(t).Ask("GET", "/api/limitEcho?text="+text, "").Text)
		wantOK(t, s.HTTP(t).Ask("GET", "/api/limitEcho?text="+text+"n", "").Text)
		for _, want := range []string{`"text":"` + text + `"`, `"text":"` + text + fmt.Sprintf(`… (%d bytes)"`, l.n+1)} {
			if !s.Log.Has(want) {
				t.Errorf("the log does not have %s", want)
			}
		}
	},
	"formFieldBytes": func(t *testing.T, l limit) {
		s := limited(t, nil)
		for extra, want := range []func(*testing.T, string){wantOK, l.wantCode} {
			want(t, s.HTTP(t).Ask("POST", "/api/limitEcho", formOf(`name="text"`+"\r\n\r\n"+strings.Repeat("x", l.n+extra)), formType).Text)
		}
	},
	"formParts": func(t *testing.T, l limit) {
		s := limited(t, nil)
		parts := make([]string, l.n, l.n+1)
		for i := range parts {
			parts[i] = `name="other"` + "\r\n\r\nx"
		}
		wantOK(t, s.HTTP(t).Ask("POST", "/api/limitEcho", formOf(parts...), formType).Text)
		l.wantCode(t, s.HTTP(t).Ask("POST", "/api/limitEcho", formOf(append(parts, parts[0])...), formType).Text)
	},
	"callbackBytes": func(t *testing.T, l limit) {
		s := limited(t, nil)
		name := strings.Repeat("f", l.n)
		s.HTTP(t).Ask("GET", "/api/limitEcho?callback="+name, "").Want(t, 200, name+"({")
		beyond := s.HTTP(t).Ask("GET", "/api/limitEcho?callback="+name+"f", "")
		beyond.Want(t, 400, "")
		l.wantCode(t, beyond.Text)
	},
	"xmlNameBytes": edgeText("the name is cut", func(n int) string {
		return `{"outputType":"xml","value":{"` + strings.Repeat("n", n) + `":1}}`
	}, "<N>1</N>", "<N>1</N>"),
	"xmlBytes": func(t *testing.T, l limit) {
		s := limited(t, nil)
		body := func(entries int) string {
			return `{"outputType":"xml","value":{"` + strings.Repeat("n", 64) + `":[` + strings.TrimSuffix(strings.Repeat("1,", entries), ",") + "]}}"
		}
		// An entry has 134 bytes of XML and 2 of JSON, of which the answer has 4 KiB once more among its params.
		post(t, s, body(l.n/262)).Want(t, 200, "</XML>")
		post(t, s, body(l.n/134*3)).Want(t, 400, "too large as XML")
		l.wantReached(t, "invalidInput")
	},
	"ranges": func(t *testing.T, l limit) {
		l.wantReached(t, "the whole file")
		s := limited(t, nil)
		s.Put(t, "file.txt", strings.Repeat("x", 1000))
		ranges := "Range: bytes=0-0" + strings.Repeat(",2-2", l.n-1)
		s.HTTP(t).Ask("GET", "/public/file.txt", "", ranges).Want(t, 206, "")
		s.HTTP(t).Ask("GET", "/public/file.txt", "", ranges+",4-4").Want(t, 200, strings.Repeat("x", 1000))
	},
	"abandonedContents": func(t *testing.T, l limit) {
		l.wantReached(t, "503 with Retry-After")
		released := make(chan struct{})
		s := testkit.Start(t, testkit.Options{
			Change: func(cfg *server.Config) { cfg.CommonWeb.WriteTimeout = 10 * time.Millisecond },
			Parts: []actionhero.Part{actionhero.Action[actionhero.None, *actionhero.Content]{
				Name: "block", Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
					return &actionhero.Content{Body: blocking(released)}, nil
				},
			}},
		})
		t.Cleanup(func() { close(released) })
		for range l.n {
			s.HTTP(t).Ask("GET", "/api/block", "").Want(t, 504, "")
		}
		got := s.HTTP(t).Ask("GET", "/api/block", "")
		got.Want(t, 503, "")
		got.WantHeader(t, "Retry-After: 1")
	},
	"taskParamBytes": func(t *testing.T, l limit) {
		s := limited(t, nil)
		wantOK(t, s.HTTP(t).Do("limitEnqueue", map[string]string{"size": fmt.Sprint(l.n)}).JSON)
		l.wantCode(t, s.HTTP(t).Do("limitEnqueue", map[string]string{"size": fmt.Sprint(l.n + 1)}).JSON)
	},
	"cacheTestKeyBytes": func(t *testing.T, l limit) {
		s := limited(t, nil)
		for extra, want := range []func(*testing.T, string){wantOK, l.wantCode} {
			want(t, s.HTTP(t).Do("cacheTest", map[string]string{"key": strings.Repeat("k", l.n+extra), "value": "v"}).JSON)
		}
	},
	"cacheTestValueBytes": func(t *testing.T, l limit) {
		s := limited(t, nil)
		for extra, want := range []func(*testing.T, string){wantOK, l.wantCode} {
			want(t, s.TCP(t).Do("cacheTest", map[string]string{"key": "k", "value": strings.Repeat("v", l.n-len(`""`)+extra)}).JSON)
		}
	},
	"cacheTestObjects": func(t *testing.T, l limit) {
		l.wantReached(t, "the oldest one is removed")
		s := limited(t, nil)
		for i := range l.n + 1 {
			wantOK(t, s.HTTP(t).Do(builtin.ActionClusterCacheTest.Name, map[string]string{"key": fmt.Sprint(i), "value": "v"}).JSON)
			if n, err := s.Cache.Size(t.Context()); err != nil || n != min(i+1, l.n) {
				t.Fatalf("after %d objects the cache has %d, %v", i+1, n, err)
			}
		}
	},
}
