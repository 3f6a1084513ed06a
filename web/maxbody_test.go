package web_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/transport"
)

// limited returns an action whose bodies may have most bytes.
func limited(name string, most int64) actionhero.Action[personInput, map[string]string] {
	action := routed(name, "")
	action.MaxBody = most
	return action
}

// forwarding runs the action of the input "other".
var forwarding = actionhero.Action[personInput, map[string]any]{
	Name: "forward",
	Run: func(ctx context.Context, in personInput) (map[string]any, error) {
		req := actionhero.RequestFrom(ctx)
		req.Action = in.Other
		out, err := transport.Of(req.API).Dispatch(ctx, req)
		return map[string]any{"out": out}, err
	},
}

// An action with MaxBody takes bodies up to that size, which may be below or above the limit of the server.
func TestAnActionHasALimitOfItsOwnForBodies(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBodyBytes = 30_000 }, limited("small", 1000), limited("large", 60_000), routed("usual", ""), forwarding)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for target, limit := range map[string]int{
			"/api/small": 1000, "/api/large": 60_000, "/api/usual": 30_000, "/api": 1000, "/api?action=small": 1000, "/api?action=large": 60_000,
		} {
			for contentType, form := range map[string]string{
				isForm: "action=small&name=%s", isJSON: `{"action":"small","name":"%s"}`,
				isParts: "--b\r\nContent-Disposition: form-data; name=name\r\n\r\n%s\r\n--b\r\nContent-Disposition: form-data; name=action\r\n\r\nsmall\r\n--b--\r\n",
			} {
				room := limit - len(form) + len("%s")
				for size, status := range map[int]int{room: 200, room + 1: 413} {
					text := fmt.Sprintf(form, strings.Repeat("x", size))
					for _, body := range []io.Reader{strings.NewReader(text), chunked(text)} {
						got, err := c.Try(t.Context(), "POST", target, body, contentType)
						if err != nil {
							t.Fatalf("%s: %d bytes as %s: %v", target, len(text), contentType, err)
						}
						want := `"ran":"`
						if status == 413 {
							want = fmt.Sprintf(`"error":"the body may have %d bytes at most"`, limit)
						}
						got.Want(t, status, want)
					}
				}
			}
		}
		c.Ask("POST", "/api/forward", "other=small&name="+strings.Repeat("x", 2000), isForm).Want(t, 400, "the params may have 1000 bytes at most")
		c.Ask("POST", "/api/forward", "other=usual&name="+strings.Repeat("x", 2000), isForm).Want(t, 200, `"ran":"usual"`)
	})
}

// The params of a request over a persistent transport have the limit of the action as well.
func TestTheLimitOfAnActionHoldsOverOtherTransports(t *testing.T) {
	t.Parallel()
	s := start(t, nil, limited("small", 100), routed("usual", ""))
	for name, client := range map[string]testkit.Client{"TCP": s.TCP(t), "WebSocket": s.WS(t), "Socket.IO": s.SIO(t)} {
		for size, want := range map[int]string{50: "", 101: "the params may have 100 bytes at most"} {
			if got := client.Do("small", map[string]string{"name": strings.Repeat("x", size)}); got.Error != want {
				t.Errorf("%s: %d bytes: %s, want %q", name, size, got.JSON, want)
			}
		}
	}
	if _, err := limited("small", 100).Call(t.Context(), s.API, personInput{Name: strings.Repeat("x", 200)}); err != nil {
		t.Errorf("a call by the server itself: %v", err)
	}
	if _, err := actionhero.New(s.API.Config(), limited("negative", -1)); err == nil || !strings.Contains(err.Error(), "has the MaxBody -1") {
		t.Errorf("a negative limit: %v", err)
	}
}

// Params whose JSON object fits into the limit of an action run on every transport. Additions of the server do
// not count: the name of the action, the page, and params of the app's middleware.
func TestWhatFitsIntoTheLimitOfAnActionFitsOnEveryTransport(t *testing.T) {
	t.Parallel()
	const limit = 100
	adds := actionhero.Initializer{Name: "adds", Setup: func(api *actionhero.API) error {
		api.Use(func(next actionhero.Handler) actionhero.Handler {
			return func(ctx context.Context, req *actionhero.Request) (any, error) {
				req.Params.Set("other", strings.Repeat("x", limit))
				return next(ctx, req)
			}
		})
		return nil
	}}
	s := start(t, nil, limited("small", limit), adds)
	fits := strings.Repeat("x", limit-len(`{"name":""}`))
	for name, client := range map[string]testkit.Client{"HTTP": s.HTTP(t), "TCP": s.TCP(t), "WebSocket": s.WS(t), "Socket.IO": s.SIO(t)} {
		if got := client.Do("small", map[string]string{"name": fits}); got.Error != "" {
			t.Errorf("%s: %s", name, got.JSON)
		}
	}
	lines := s.TCP(t)
	lines.Send("paramAdd name=" + strings.Repeat("x", limit-len("name")) + "\n")
	lines.Next()
	lines.Send("small\n")
	if got := lines.Next(); !strings.Contains(got, `"ran":"small"`) {
		t.Errorf("sticky params of %d bytes: %s", limit, got)
	}
	lines.Send("paramAdd name=" + strings.Repeat("x", limit-len("name")+1) + "\n")
	lines.Next()
	lines.Send("small\n")
	if got := lines.Next(); !strings.Contains(got, "the params may have 100 bytes at most") {
		t.Errorf("sticky params of %d bytes: %s", limit+1, got)
	}
}
