package web_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/web"
)

type orderInput struct {
	Item string           `json:"item"`
	Slip *actionhero.File `json:"slip"`
}

type orderOutput struct {
	Number int64 `json:"number"`
}

// order creates a numbered order with idempotency keys. change may change the answer.
func order(name string, runs *atomic.Int64, change func(context.Context, orderInput) error) actionhero.Action[orderInput, orderOutput] {
	return actionhero.Action[orderInput, orderOutput]{
		Name: name, IdempotencyKey: actionhero.KeyOptional,
		Run: func(ctx context.Context, in orderInput) (orderOutput, error) {
			out := orderOutput{runs.Add(1)}
			return out, change(ctx, in)
		},
	}
}

// A repeated answer has the status and the headers of the first one, on each kind of connection.
func TestARepeatedAnswerHasTheSameStatusAndHeaders(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	created := order("created", &runs, func(ctx context.Context, _ orderInput) error {
		web.SetStatus(ctx, http.StatusCreated)
		web.Header(ctx).Set("Location", "/orders/1")
		web.SetCookie(ctx, &http.Cookie{Name: "cart", Value: "none"})
		web.Header(ctx).Set("Cache-Control", "no-cache")
		return nil
	})
	moved := order("moved", &runs, func(ctx context.Context, _ orderInput) error {
		web.Redirect(ctx, "/orders/2", http.StatusSeeOther)
		return nil
	})
	gone := order("gone", &runs, func(ctx context.Context, _ orderInput) error {
		web.SetStatus(ctx, http.StatusGone)
		return actionhero.Errorf(actionhero.CodeNotFound, "it is sold")
	})
	s := start(t, nil, created, moved, gone)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for path, want := range map[string]struct {
			status int
			text   string
			header []string
		}{
			"/api/created": {201, `{"number":`, []string{"Location: /orders/1", "Set-Cookie: cart=none", "Cache-Control: no-cache"}},
			"/api/moved":   {303, "", []string{"Location: /orders/2"}},
			"/api/gone":    {410, "it is sold", nil},
		} {
			key := `Idempotency-Key: "` + t.Name() + `"`
			first := c.Ask("POST", path, "", key)
			first.Want(t, want.status, want.text)
			first.WantHeader(t, append(want.header, "Idempotency-Replayed")...)
			again := c.Ask("POST", path, "", key)
			again.Want(t, want.status, want.text)
			again.WantHeader(t, append(want.header, "Idempotency-Replayed: true")...)
			if a, b := output(first.Text), output(again.Text); a != b {
				t.Errorf("%s: the repeated output is %s, want %s", path, b, a)
			}
		}
	})
	t.Cleanup(func() { // after the tests of all connections
		if n := runs.Load(); n != 3*5 {
			t.Errorf("%d runs, want one of each action for each connection", n)
		}
	})
}

// output returns the members of the output in an envelope.
func output(text string) string {
	members, _, _ := strings.Cut(text, `"serverInformation"`)
	return members
}

func TestAKeyInTheHeaderIsAStringOrBare(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	s := start(t, nil, order("order", &runs, func(context.Context, orderInput) error { return nil }))
	c := s.HTTP(t)
	for _, header := range []string{`"k-1"`, `k-1`, ` "k-1" `, `"k-1";a=1`, `"k-1" ; b`} {
		c.Ask("POST", "/api/order", "", "Idempotency-Key: "+header).Want(t, 200, `{"number":1,`)
	}
	c.Ask("POST", "/api/order", "", `Idempotency-Key: "a \"quoted\" \\ key"`).Want(t, 200, `{"number":2,`)
	for _, header := range []string{`"k`, `k 1`, `"k" x`, `"k","l"`, `k,l`, `""`, `"k\x"`, `"k\`, `k;a`, `k"`, strings.Repeat("k", 256), "\"\xc3\xa9\""} {
		c.Ask("POST", "/api/order", "", "Idempotency-Key: "+header).Want(t, 400, `"errorCode":"invalidInput"`)
	}
	c.Ask("POST", "/api/order", "").Want(t, 200, `{"number":3,`)
}

// A header without a key is no call without a key, which would run twice. Nor is one with two keys.
func TestAnEmptyKeyIsRefused(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	s := start(t, nil, order("order", &runs, func(context.Context, orderInput) error { return nil }))
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, headers := range [][]string{{"Idempotency-Key: "}, {"Idempotency-Key:  ;a=1"}, {"Idempotency-Key: k", "Idempotency-Key: l"}, {"Idempotency-Key: ", "Idempotency-Key: k"}} {
			c.Ask("POST", "/api/order", "", headers...).Want(t, 400, `"errorCode":"invalidInput"`)
		}
	})
	tcp, ws := s.TCP(t), s.WS(t)
	tcp.Send(`{"action":"order","idempotencyKey":""}` + "\n")
	ws.Send(`{"event":"action","idempotencyKey":"","params":{"action":"order"},"messageId":1}`)
	const want = "idempotencyKey must be a string that is not empty"
	if got := tcp.Next(); !strings.Contains(got, want) {
		t.Errorf("over TCP: %s", got)
	}
	if got := ws.Next(); !strings.Contains(got, want) {
		t.Errorf("over WebSocket: %s", got)
	}
	if n := runs.Load(); n != 0 {
		t.Errorf("the action ran %d times", n)
	}
}

// Files and bodies are inputs: a key with another one is refused with 422.
func TestAKeyCoversFilesAndBodies(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	raw := order("raw", &runs, func(context.Context, orderInput) error { return nil })
	raw.RawBody = true
	upload := order("upload", &runs, func(_ context.Context, in orderInput) error {
		text := new(strings.Builder)
		if _, err := io.Copy(text, in.Slip); err != nil || text.String() != "slip" {
			return fmt.Errorf("the action reads %q, %v", text, err)
		}
		return nil
	})
	s := start(t, nil, raw, upload)
	c := s.HTTP(t)
	form := func(text string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"slip\"; filename=\"s.txt\"\r\n\r\n" + text + "\r\n--b--\r\n"
	}
	const multi, key = "Content-Type: multipart/form-data; boundary=b", "Idempotency-Key: k"
	for range 2 {
		c.Ask("POST", "/api/upload", form("slip"), multi, key).Want(t, 200, `{"number":1,`)
	}
	c.Ask("POST", "/api/upload", form("slop"), multi, key).Want(t, 422, `"errorCode":"invalidInput"`)
	for range 2 {
		c.Ask("POST", "/api/raw", "a body", "Content-Type: text/plain", key).Want(t, 200, `{"number":2,`)
	}
	c.Ask("POST", "/api/raw", "another", "Content-Type: text/plain", key).Want(t, 422, `"errorCode":"invalidInput"`)
}

// What an action wrote itself cannot be repeated, and a wrong use of the package is a failure.
func TestAnAnswerThatTheActionWroteIsNotRepeated(t *testing.T) {
	t.Parallel()
	var runs atomic.Int64
	writes := order("writes", &runs, func(ctx context.Context, _ orderInput) error {
		_, err := io.WriteString(web.Writer(ctx), "written")
		return err
	})
	wrong := order("wrong", &runs, func(ctx context.Context, _ orderInput) error {
		web.SetStatus(ctx, 1000)
		return nil
	})
	s := start(t, nil, writes, wrong)
	c := s.HTTP(t)
	c.Ask("POST", "/api/writes", "", "Idempotency-Key: k").Want(t, 200, "written")
	c.Ask("POST", "/api/writes", "", "Idempotency-Key: k").Want(t, 409, "its answer could not be kept")
	for n := range 2 {
		c.Ask("POST", "/api/wrong", "", "Idempotency-Key: k").Want(t, 500, "")
		if runs.Load() != int64(2+n) {
			t.Errorf("%d runs", runs.Load())
		}
	}
}

// A repeated answer without an output is the same on the plain envelope, and names keep their spelling.
func TestAPlainRepeatedAnswerIsTheFirstOne(t *testing.T) {
	t.Parallel()
	none := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "none", IdempotencyKey: actionhero.KeyOptional,
		Run: func(context.Context, actionhero.None) (actionhero.None, error) { return actionhero.None{}, nil },
	}
	nothing := actionhero.Action[actionhero.None, map[string]int]{
		Name: "nothing", IdempotencyKey: actionhero.KeyOptional,
		Run: func(context.Context, actionhero.None) (map[string]int, error) { return nil, nil },
	}
	names := actionhero.Action[actionhero.None, map[string]int]{
		Name: "names", IdempotencyKey: actionhero.KeyOptional,
		Run: func(context.Context, actionhero.None) (map[string]int, error) {
			return map[string]int{"error": 1, "context": 2}, nil
		},
	}
	s := start(t, plain, none, nothing, names)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, path := range []string{"/api/none", "/api/nothing", "/api/names"} {
			key := `Idempotency-Key: "` + t.Name() + `"`
			first, again := c.Ask("POST", path, "", key), c.Ask("POST", path, "", key)
			if first.StatusCode != again.StatusCode || first.Text != again.Text {
				t.Errorf("%s: %d %q is repeated as %d %q", path, first.StatusCode, first.Text, again.StatusCode, again.Text)
			}
			again.WantHeader(t, "Idempotency-Replayed: true")
		}
	})
}

// What middleware adds to each answer is not repeated: only what the action has added.
func TestARepeatedAnswerHasTheHeadersOfItsOwnMiddleware(t *testing.T) {
	t.Parallel()
	var runs, calls atomic.Int64
	a := order("order", &runs, func(ctx context.Context, _ orderInput) error {
		web.SetCookie(ctx, &http.Cookie{Name: "cart", Value: "none"})
		web.Header(ctx).Add("Vary", "X-Run")
		return nil
	})
	a.Middleware = []actionhero.Middleware{func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			web.SetCookie(ctx, &http.Cookie{Name: "session", Value: fmt.Sprint(calls.Add(1))})
			return next(ctx, req)
		}
	}}
	c := start(t, nil, a).HTTP(t)
	for _, want := range []string{"session=1", "session=2"} {
		got := c.Ask("POST", "/api/order", "", "Idempotency-Key: k")
		if cookies := got.Header.Values("Set-Cookie"); len(cookies) != 2 || cookies[0] != want || cookies[1] != "cart=none" {
			t.Errorf("the cookies are %q, want %q and cart", cookies, want)
		}
	}
}
