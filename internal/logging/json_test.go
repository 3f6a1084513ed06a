package logging

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"math"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestJSONLines(t *testing.T) {
	t.Parallel()
	head := `{"time":"2026-11-23T17:04:05.678Z","level":"INFO","msg":"m"`
	for _, tt := range []struct {
		args []any
		want string
	}{
		{nil, ``},
		{[]any{"s", "a\"\\\n\u2028é👍", "i", -1, "u", uint64(math.MaxUint64), "b", false}, `,"s":"a\"\\\n\u2028é👍","i":-1,"u":18446744073709551615,"b":false`},
		{[]any{"f", 1.5, "big", 1e300, "nan", math.NaN()}, `,"f":1.5,"big":1e+300,"nan":"!ERROR:json: unsupported value: NaN"`},
		{[]any{"d", time.Second, "t", noon, "nil", nil}, `,"d":1000000000,"t":"2026-11-23T17:04:05.678Z","nil":null`},
		{[]any{"raw", json.RawMessage("{\r\n \"a\":1}"), "bytes", []byte("b")}, `,"raw":{"a":1},"bytes":"Yg=="`},
		{[]any{"err", errors.New("e"), "ip", netip.MustParseAddr("::1"), "st", point{1, "<\u202e"}}, `,"err":"e","ip":"::1","st":{"x":1,"text":"<\u202e"}`},
		{[]any{"v", secret("x"), "e", (*nilError)(nil)},
			`,"v":"[FILTERED]","e":"<nil>"`},
		{[]any{"c", make(map[string]chan int)}, `,"c":{}`},
		{[]any{slog.Group("g", "a", 1, slog.Group("h", "b", 2), slog.Group("empty")), slog.Group("", "in", 3)}, `,"g":{"a":1,"h":{"b":2}},"in":3`},
		{[]any{"tag", "\U000e0041"}, `,"tag":"\udb40\udc41"`},
	} {
		got := handle(t, asJSON, slog.LevelInfo, "m", tt.args...)
		if got != head+tt.want+"}\n" {
			t.Errorf("got  %swant %s", got, head+tt.want+"}")
		}
		if !json.Valid([]byte(got)) {
			t.Errorf("%s is not valid JSON", got)
		}
	}
	if got := handle(t, asJSON, slog.LevelWarn+1, "m"); !strings.Contains(got, `"level":"WARN+1"`) {
		t.Error(got)
	}
}

func TestJSONGroups(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]func(*slog.Logger) *slog.Logger{
		`"msg":"m","a":1,"k":"v"}`:                     func(l *slog.Logger) *slog.Logger { return l.With("a", 1) },
		`"msg":"m","a":1,"g":{"b":2,"h":{"k":"v"}}}`:   func(l *slog.Logger) *slog.Logger { return l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h") },
		`"msg":"m","g":{"h":{"k":"v"}}}`:               func(l *slog.Logger) *slog.Logger { return l.WithGroup("g").WithGroup("").With().WithGroup("h") },
		`"msg":"m","g":{"x":{"a":"{"},"y":1,"k":"v"}}`: func(l *slog.Logger) *slog.Logger { return l.WithGroup("g").With(slog.Group("x", "a", "{"), "y", 1) },
	} {
		with := func(out io.Writer) slog.Handler { return f(slog.New(asJSON(out))).Handler() }
		if got := handle(t, with, slog.LevelInfo, "m", "k", "v"); !strings.HasSuffix(got, want+"\n") {
			t.Errorf("got %swant %s", got, want)
		}
	}
	empty := func(out io.Writer) slog.Handler { return asJSON(out).WithGroup("g") }
	if got := handle(t, empty, slog.LevelInfo, "m"); !strings.HasSuffix(got, `"msg":"m"}`+"\n") {
		t.Errorf("a group without attributes must leave no trace: %s", got)
	}
}
