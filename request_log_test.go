package actionhero_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// logged returns an API that writes a JSON log into the returned buffer.
func logged(t *testing.T, parts ...actionhero.Part) (*actionhero.API, *bytes.Buffer) {
	var lines bytes.Buffer
	return newAPI(t, actionhero.Config{Log: slog.New(slog.NewJSONHandler(&lines, nil)), LogRequests: true}, parts...), &lines
}

// last returns the last line of the log.
func last(t *testing.T, lines *bytes.Buffer) (line map[string]any) {
	t.Helper()
	all := strings.Split(strings.TrimSuffix(lines.String(), "\n"), "\n")
	if err := json.Unmarshal([]byte(all[len(all)-1]), &line); err != nil {
		t.Fatalf("%s: %v", lines, err)
	}
	return line
}

// httpCall is the Extra of a request over HTTP.
type httpCall struct{ id, path string }

func (c httpCall) RequestHeader(name string) string { return "the " + name }
func (c httpCall) RequestID() string                { return c.id }
func (c httpCall) RequestPath() string              { return c.path }
func (c httpCall) ResponseStatus(err *actionhero.Error) int {
	if err == nil {
		return 201
	}
	return 404
}

// The line of a request has one attribute for each question, with a type that a program can compare.
func TestTheLogLineHasTypedAttributes(t *testing.T) {
	t.Parallel()
	api, lines := logged(t, greet)
	host := transport.Of(api)
	conn, _ := connect(t, api, "a")
	defer host.Disconnect(conn)
	req := host.NewRequest("web")
	req.Action, req.Method, req.RemoteIP, req.Conn, req.Extra = "greet", "POST", "192.0.2.7", conn, httpCall{"trace-1", "/api/greet"}
	if err := transport.ParamsOf(&req.Params).Add("name", "ann"); err != nil {
		t.Fatal(err)
	}
	if _, err := host.Dispatch(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	line := last(t, lines)
	if d, ok := line["duration"].(float64); !ok || d < 0 || d > 60_000 {
		t.Errorf("duration is %v, want a number of milliseconds", line["duration"])
	}
	for key, want := range map[string]any{
		"level": "INFO", "msg": "[action @ web]", "remote": "192.0.2.7", "request_id": "trace-1", "conn_id": conn.ID, "method": "POST",
		"path": "/api/greet", "status": 201.0, "transport": "web", "action": "greet", "params": `{"name":"ann","limit":100,"offset":0}`,
		"code": nil, "error": nil, "cause": nil,
	} {
		if line[key] != want {
			t.Errorf("%s is %v, want %v", key, line[key], want)
		}
	}
	_, err := dispatch(t, api, "nothing")
	line = last(t, lines)
	if line["code"] != "notFound" || line["error"] != err.Message || line["method"] != nil || line["status"] != nil || line["path"] != nil || line["conn_id"] != nil {
		t.Errorf("the line of a failure is %v", line)
	}
	if id, _ := line["request_id"].(string); len(id) != 32 {
		t.Errorf("the id of a request without one is %q", id)
	}
}

// The cause of every failure is in the log, and its text is in no answer.
func TestTheLogHasTheCause(t *testing.T) {
	t.Parallel()
	api, lines := logged(t, action("gone", func(context.Context) (map[string]any, error) {
		return nil, actionhero.Errorf(actionhero.CodeNotFound, "it is gone: %w", errors.New("SELECT 1 failed"))
	}))
	_, err := dispatch(t, api, "gone")
	line := last(t, lines)
	if err.Message != "it is gone" || line["error"] != "it is gone" || line["cause"] != "SELECT 1 failed" || line["level"] != "INFO" {
		t.Errorf("the client reads %q, the log has %v", err.Message, line)
	}
}

// No client can write a long line: every text of it is shortened, and the line says how long the text was.
func TestALogLineIsBounded(t *testing.T) {
	t.Parallel()
	const megabyte = 1 << 20
	long := strings.Repeat("é", megabyte/2)
	big := action("big", func(context.Context) (map[string]any, error) { return nil, errors.New(long) })
	noisy := actionhero.Task[actionhero.None]{Name: "noisy", Run: func(context.Context, actionhero.None) error { return errors.New(long) }}
	api, lines := logged(t, big, noisy, actionhero.Action[struct {
		Text  string   `json:"text"`
		List  []string `json:"list"`
		Other any      `json:"other"`
	}, actionhero.None]{Name: "takes", Run: func(context.Context, struct {
		Text  string   `json:"text"`
		List  []string `json:"list"`
		Other any      `json:"other"`
	}) (n actionhero.None, err error) {
		return
	}})
	host := transport.Of(api)
	values := map[string]func(params transport.Params) error{
		"text": func(p transport.Params) error { return p.Add("text", long) },
		"JSON": func(p transport.Params) error { return p.AddJSON("other", []byte(`["`+long+`"]`)) },
		"list": func(p transport.Params) (err error) {
			for range 5000 {
				err = errors.Join(err, p.Add("list", "0123456789012345678901234567890123456789"))
			}
			return err
		},
		"many keys": func(p transport.Params) (err error) {
			p.AcceptAll()
			for i := range 5000 {
				err = errors.Join(err, p.Add(strings.Repeat("k", 200)+string(rune('a'+i%26))+strings.Repeat("z", i), ""))
			}
			return err
		},
	}
	for name, add := range values {
		req := host.NewRequest("test")
		req.Action = "takes"
		if err := add(transport.ParamsOf(&req.Params)); err != nil {
			t.Fatal(err)
		}
		lines.Reset()
		if _, err := host.Dispatch(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		var params map[string]any
		if err := json.Unmarshal([]byte(last(t, lines)["params"].(string)), &params); err != nil {
			t.Errorf("%s: the shortened params are no JSON: %v", name, err)
		}
		if lines.Len() > 16<<10 || !strings.Contains(lines.String(), "… (") {
			t.Errorf("%s: the line has %d bytes: %.500s", name, lines.Len(), lines)
		}
	}
	for _, name := range []string{long, "big"} {
		lines.Reset()
		_, _ = dispatch(t, api, name)
		if lines.Len() > 32<<10 || !strings.Contains(lines.String(), "bytes)") {
			t.Errorf("the line of %.20s has %d bytes", name, lines.Len())
		}
	}
	lines.Reset()
	_ = api.Tasks.Run(t.Context(), "noisy", nil)
	if lines.Len() > 32<<10 || !strings.Contains(lines.String(), "bytes)") {
		t.Errorf("the line of a task has %d bytes", lines.Len())
	}
}

// The buffers of log lines stay small: the params of a huge request go back to the collector with the request.
func TestLogBuffersStaySmall(t *testing.T) {
	t.Parallel()
	api, _ := logged(t, greet)
	huge := strings.Repeat("x", 4<<20)
	if _, err := dispatch(t, api, "greet", "name", huge); err != nil {
		t.Fatal(err)
	}
	if n := actionhero.LargestLogBuffer(); n > 64<<10 {
		t.Errorf("the pool has a buffer of %d bytes", n)
	}
}

// Log gives the app a logger whose lines belong to the line of the request.
func TestLogOfARequest(t *testing.T) {
	t.Parallel()
	inner := action("inner", func(ctx context.Context) (map[string]any, error) {
		actionhero.Log(ctx).Warn("inside")
		return nil, nil
	})
	outer := action("outer", func(ctx context.Context) (map[string]any, error) {
		actionhero.Log(ctx).Info("outside", "more", 1)
		return inner.Call(ctx, actionhero.RequestFrom(ctx).API, actionhero.None{})
	})
	job := actionhero.Task[actionhero.None]{Name: "job", Run: func(ctx context.Context, _ actionhero.None) error {
		actionhero.Log(ctx).Info("at work")
		return nil
	}}
	api, lines := logged(t, inner, outer, job)
	if _, err := dispatch(t, api, "outer"); err != nil {
		t.Fatal(err)
	}
	var got []string
	ids := map[any]bool{}
	for text := range strings.Lines(lines.String()) {
		var line map[string]any
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		got = append(got, line["msg"].(string)+" of "+line["action"].(string))
		ids[line["request_id"]] = true
	}
	if want := "outside of outer, inside of inner, [action @ internal] of inner, [action @ test] of outer"; strings.Join(got, ", ") != want || len(ids) != 1 {
		t.Errorf("the lines are %v, with the ids %v", got, ids)
	}
	lines.Reset()
	if err := api.Tasks.Run(t.Context(), "job", nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(lines.String(), `"msg":"at work","request_id":"`+last(t, lines)["request_id"].(string)+`","task":"job","job":0,"attempt":1}`) {
		t.Errorf("the task has the lines %s", lines)
	}
	if actionhero.Log(t.Context()) != slog.Default() {
		t.Error("Log without a request is not the default")
	}
}

// An inner call has the client and the headers of the request whose action makes it, so that middleware knows the caller.
func TestAnInnerCallHasTheCallerOfItsRequest(t *testing.T) {
	t.Parallel()
	inner := action("inner", func(ctx context.Context) (map[string]any, error) {
		req := actionhero.RequestFrom(ctx)
		return map[string]any{"from": req.RemoteIP, "conn": req.Conn != nil, "header": req.Header("Authorization"), "transport": req.Transport}, nil
	})
	outer := action("outer", func(ctx context.Context) (map[string]any, error) {
		return inner.Call(ctx, actionhero.RequestFrom(ctx).API, actionhero.None{})
	})
	api := newAPI(t, actionhero.Config{RequestLimit: 1}, inner, outer)
	host := transport.Of(api)
	conn := host.Connect("test", netip.MustParseAddrPort("192.0.2.9:1"), deaf{})
	defer host.Disconnect(conn)
	req := host.NewRequest("test")
	req.Action, req.RemoteIP, req.Conn, req.Extra = "outer", "192.0.2.9", conn, httpCall{}
	out, err := host.Dispatch(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := transport.AppendOutput(nil, req, out)
	if want := `"conn":true,"from":"192.0.2.9","header":"the Authorization","transport":"internal"`; err != nil || string(text) != want {
		t.Errorf("the inner call has %s, want %s: %v", text, want, err)
	}
	if out, err := inner.Call(t.Context(), api, actionhero.None{}); err != nil || out["conn"] != false || out["from"] != "" {
		t.Errorf("a call without a request has %v: %v", out, err)
	}
}

// deaf is a client that drops its messages.
type deaf struct{}

func (deaf) Deliver(*actionhero.RoomMessage) bool { return false }
func (deaf) Flush()                               {}
func (deaf) Close(string)                         {}
