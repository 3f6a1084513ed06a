package web_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

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
		Name: "repeat", Kind: actionhero.KindRead,
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
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBufferedBytes, cfg.CommonWeb.WriteTimeout = most, time.Hour }, repeat())
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

// An answer that does not fit into the budget is refused in the form for which the client has asked.
func TestARefusalForTheBudgetHasTheFormOfTheAnswer(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBufferedBytes = 64 << 10 }, repeat())
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for query, want := range map[string]string{
			"":                           `{"serverInformation"`,
			"&outputType=xml":            `<?xml version="1.0" encoding="UTF-8"?>`,
			"&callback=f":                `f({"serverInformation"`,
			"&callback=f&outputType=xml": `f({"serverInformation"`,
		} {
			got := c.Ask("GET", "/api/repeat?text=0123456789&times=10000"+query, "")
			if status := got.StatusCode; !strings.HasPrefix(got.Text, want) || !strings.Contains(got.Text, "the server holds as many uploads and answers as it may") || status != 503 && !strings.Contains(query, "callback") {
				t.Errorf("%s: %d %.300s", query, status, got.Text)
			}
		}
	})
}

// slowBody sends a request for the action "repeat" of the client from, except for the end of its body, and returns when
// the server has taken the body.
func slowBody(t *testing.T, s *testkit.Server, from, contentType, body string) {
	t.Helper()
	nc, err := s.DialHTTP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	fmt.Fprintf(nc, "POST /api/repeat HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", from, contentType, len(body)+1)
	_, _ = io.WriteString(nc, body) // the server may refuse it before its end
}

// A client that fills the budget with slow requests leaves room for the bodies and answers of other clients.
func TestOneClientDoesNotUseUpTheBudget(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.CommonWeb.MaxBufferedBytes, cfg.CommonWeb.TrustedProxies = 8<<20, []string{"127.0.0.1"}
		cfg.CommonWeb.ReadTimeout = time.Hour // the slow requests stay to the end
	}, repeat())
	c := s.HTTP(t)
	for range 4 {
		slowBody(t, s, "2001:db8::1", "application/x-www-form-urlencoded", "text="+strings.Repeat("x", 3<<20))
	}
	testkit.Eventually(t, "the client is refused", func() bool {
		return c.Ask("POST", "/api/repeat", "text="+strings.Repeat("x", 2<<20), isForm, "X-Forwarded-For: 2001:db8::2").StatusCode == 503
	})
	for range 2 {
		c.Ask("POST", "/api/repeat", "times=1&text="+strings.Repeat("x", 1<<20), isForm, "X-Forwarded-For: 2001:db8:0:1::1").Want(t, 200, "")
	}
}

// The headers between the parts of a multipart body are bounded: package multipart keeps them in memory.
func TestHeadersOfPartsAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBufferedBytes = 64 << 10 }, store(noEnd))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		head := func(n int) string {
			return "--x\r\nContent-Disposition: form-data; name=\"upload\"; filename=\"a\"\r\nX-A: " + strings.Repeat("a", n) + "\r\n\r\ntext\r\n"
		}
		const isMultipart = "Content-Type: multipart/form-data; boundary=x"
		for what, body := range map[string]string{"one": head(20 << 10), "a later one": head(1) + head(20<<10), "a preamble": strings.Repeat("a\r\n", 7<<10) + head(1)} {
			t.Run(what, func(t *testing.T) {
				c.Ask("POST", "/api/store", body+"--x--", isMultipart).Want(t, 400, "the headers of a part of the multipart body may have 16384 bytes at most")
			})
		}
		c.Ask("POST", "/api/store", head(8<<10)+"--x--", isMultipart).Want(t, 200, "")
		c.Ask("POST", "/api/store", strings.Repeat(head(12<<10), 20)+"--x--", isMultipart).Want(t, 503, "the server holds as many uploads")
	})
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
