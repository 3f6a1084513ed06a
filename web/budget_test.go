package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// repeat is the action "repeat", whose answer repeats a text.
func repeat() actionhero.Part {
	type input struct {
		Text  string `json:"text"`
		Other string `json:"other"`
		Times int    `json:"times"`
	}
	return actionhero.Action[input, map[string]string]{
		Name: "repeat",
		Run: func(_ context.Context, in input) (map[string]string, error) {
			return map[string]string{"text": strings.Repeat(in.Text, in.Times)}, nil
		},
	}
}

// While a client does not read its answer, the server holds the answer but no longer the request. Unread answers count
// against the budget.
func TestUnreadAnswersShareABudget(t *testing.T) {
	t.Parallel()
	const most = 24 << 20
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBufferedBytes = most }, repeat())
	unread := func(other, times int) {
		nc, err := s.DialHTTP()
		if err != nil {
			t.Fatal(err)
		}
		_ = nc.(*net.TCPConn).SetReadBuffer(4 << 10)
		t.Cleanup(func() { _ = nc.Close() })
		body := fmt.Sprintf(`{"text":"0123456789","other":"%s","times":%d}`, strings.Repeat("x", other), times)
		fmt.Fprintf(nc, "POST /api/repeat HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n", len(body))
		if _, err := io.WriteString(nc, body); err != nil {
			t.Fatal(err)
		}
		if _, err := nc.Read(make([]byte, 1)); err != nil { // the answer has begun
			t.Fatal(err)
		}
	}
	for range 3 {
		unread(9<<20, 400<<10) // 4 MB of answer each: with the bodies they would not fit
	}
	c := s.HTTP(t)
	ask := func(times int) testkit.Reply {
		return c.Ask("POST", "/api/repeat", fmt.Sprintf(`{"text":"0123456789","times":%d}`, times), isJSON)
	}
	ask(1000<<10).Want(t, 200, "")
	got := ask(2000 << 10)
	got.Want(t, 503, `"error":"the server holds as many uploads and answers as it may: try again later"`)
	got.WantHeader(t, "Retry-After: 1")
	ask(1).Want(t, 200, `"text":"0123456789"`)
}

// The bodies of all requests share one budget, which is free again after each of them.
func TestBodiesShareABudget(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBufferedBytes = 1 << 20 }, repeat())
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for range 3 {
			for _, contentType := range []string{isJSON, isForm} {
				body := `{"text":"` + strings.Repeat("x", 2<<20) + `"}`
				if contentType == isForm {
					body = "text=" + strings.Repeat("x", 2<<20)
				}
				c.Ask("POST", "/api/repeat", body, contentType).Want(t, 503, "the server holds as many uploads")
			}
			contentType, body := form(t, part{"text", "", strings.Repeat("x", 1<<20)}, part{"other", "", strings.Repeat("x", 1<<20)})
			c.Ask("POST", "/api/repeat", body, contentType).Want(t, 503, "the server holds as many uploads")
		}
		testkit.Eventually(t, "a body has room", func() bool {
			return c.Ask("POST", "/api/repeat", "times=1&text="+strings.Repeat("x", 100<<10), isForm).StatusCode == 200
		})
	})
}
