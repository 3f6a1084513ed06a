package logging

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

var noon = time.Date(2026, 11, 23, 17, 4, 5, 678e6, time.UTC)

// handle returns the line that a handler writes for one record.
func handle(t testing.TB, make func(io.Writer) slog.Handler, level slog.Level, msg string, args ...any) string {
	t.Helper()
	var out bytes.Buffer
	r := slog.NewRecord(noon, level, msg, 0)
	r.Add(args...)
	if err := make(&out).Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func human(out io.Writer) slog.Handler { return &humanHandler{out: &lineWriter{w: out}} }
func coloured(out io.Writer) slog.Handler {
	return &humanHandler{out: &lineWriter{w: out}, color: true}
}
func asJSON(out io.Writer) slog.Handler { return newJSONHandler(slog.LevelInfo, out) }

type stringer struct{}

func (stringer) String() string { return "I am\na stringer" }

type secret string

func (secret) LogValue() slog.Value { return slog.StringValue("[FILTERED]") }

type badValuer struct{}

func (badValuer) LogValue() slog.Value { panic("no value") }

type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

type point struct {
	X    int    `json:"x"`
	Text string `json:"text"`
}

func TestHumanLines(t *testing.T) {
	t.Parallel()
	info, request := slog.LevelInfo, "[action @ web]"
	for _, tt := range []struct {
		level slog.Level
		msg   string
		args  []any
		want  string
	}{
		{info, "message", []any{"key", "value", "n", 1}, "message | key: value | n: 1"},
		{info, request, []any{"to", "127.0.0.1", "action", "status", "params", json.RawMessage(`{"limit":100}`), "duration", 12},
			`[action @ web] to: 127.0.0.1 | action: status | params: {"limit":100} | duration: 12`},
		{info, request, []any{"params", map[string]any{"limit": 100}}, `[action @ web] params: {"limit":100}`},
		{info, request, nil, "[action @ web]"},
		{info, "", []any{"a", 1}, "a: 1"},
		{slog.LevelWarn, "careful", nil, "WARN | careful"},
		{slog.LevelError, "[x]", []any{"err", errors.New("it\nbroke")}, `ERROR | [x] err: it\nbroke`},
		{slog.LevelDebug, "d", nil, "DEBUG | d"},
		{slog.LevelError + 2, "d", nil, "ERROR+2 | d"},
		{info, "types", []any{"f", 1.5, "b", true, "d", 1500 * time.Millisecond, "u", uint64(7), "t", noon, "nil", nil, "p", point{1, "a<b\n"}},
			`types | f: 1.5 | b: true | d: 1.5s | u: 7 | t: 2026-11-23T17:04:05.678Z | nil: null | p: {"x":1,"text":"a<b\n"}`},
		{info, "no JSON", []any{"f", struct{ F func() }{}}, "no JSON | f: {F:<nil>}"},
		{info, "own", []any{"s", stringer{}, "ip", netip.MustParseAddr("::1"), "bytes", []byte("a\x00"), "v", secret("x"), "ch", make(map[int]chan int)},
			`own | s: I am\na stringer | ip: ::1 | bytes: a\x00 | v: [FILTERED] | ch: {}`},
		{info, "panics", []any{"e", (*nilError)(nil)},
			"panics | e: !PANIC: runtime error: invalid memory address or nil pointer dereference"},
		{info, "groups", []any{slog.Group("a", "b", 1, slog.Group("c", "d\n", 2)), slog.Group("empty"), slog.Group("", "in", 3), slog.Attr{}},
			`groups | a.b: 1 | a.c.d\n: 2 | in: 3`},
		{info, "Grüße 日本 👨‍👩‍👧 \u00a0", []any{"naïve", "ж"}, "Grüße 日本 👨‍👩‍👧 \u00a0 | naïve: ж"},
		{info, `back\slash`, []any{"path", `C:\new`}, `back\slash | path: C:\new`},
	} {
		want := "2026-11-23 17:04:05 | " + tt.want
		if got := handle(t, human, tt.level, tt.msg, tt.args...); got != want+"\n" {
			t.Errorf("got  %swant %s", got, want)
		}
	}
}

func TestPanickingLogValuer(t *testing.T) {
	t.Parallel()
	for _, make := range []func(io.Writer) slog.Handler{human, asJSON} {
		line := handle(t, make, slog.LevelInfo, "m", "v", badValuer{})
		if err := harmless(line); err != nil || !strings.Contains(line, "LogValue panicked") {
			t.Errorf("%q: %v", line, err)
		}
	}
}

func TestHumanWithAttrsAndGroups(t *testing.T) {
	t.Parallel()
	with := func(f func(*slog.Logger) *slog.Logger) func(io.Writer) slog.Handler {
		return func(out io.Writer) slog.Handler { return f(slog.New(human(out))).Handler() }
	}
	for want, f := range map[string]func(*slog.Logger) *slog.Logger{
		"[m] a: 1 | k: v":            func(l *slog.Logger) *slog.Logger { return l.With("a", 1) },
		"[m] a: 1 | g.b: 2 | g.k: v": func(l *slog.Logger) *slog.Logger { return l.With("a", 1).WithGroup("g").With("b", 2) },
		"[m] g.h.k: v":               func(l *slog.Logger) *slog.Logger { return l.WithGroup("g").WithGroup("").WithGroup("h") },
		`[m] \x1b[2J: \u202e | k: v`: func(l *slog.Logger) *slog.Logger { return l.With("\x1b[2J", "\u202e") },
	} {
		if got := handle(t, with(f), slog.LevelInfo, "[m]", "k", "v"); got != "2026-11-23 17:04:05 | "+want+"\n" {
			t.Errorf("got %swant %s", got, want)
		}
	}
}

func TestSiblingsDoNotShareMemory(t *testing.T) {
	t.Parallel()
	for _, make := range []func(io.Writer) slog.Handler{human, asJSON} {
		var out bytes.Buffer
		base := slog.New(make(&out)).With("base", strings.Repeat("x", 100)).WithGroup("g")
		one, two := base.With("one", 1), base.With("two", 2)
		gone, gtwo := base.WithGroup("h1"), base.WithGroup("h2")
		one.Info("m")
		two.Info("m")
		gone.Info("m", "k", 1)
		gtwo.Info("m", "k", 1)
		lines := strings.Split(out.String(), "\n")
		for i, want := range []string{"one", "two", "h1", "h2"} {
			if !strings.Contains(lines[i], want) {
				t.Errorf("line %q has lost %s", lines[i], want)
			}
		}
	}
}

func TestColouredLine(t *testing.T) {
	t.Parallel()
	got := handle(t, coloured, slog.LevelWarn, "slow\x1b[31m", "k", "v")
	want := "\x1b[2m2026-11-23 17:04:05\x1b[0m | \x1b[33mWARN\x1b[0m | slow\\x1b[31m | \x1b[36mk\x1b[0m: v\n"
	if got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestForgedLines(t *testing.T) {
	t.Parallel()
	for _, evil := range []string{
		"a\n2026-11-23 17:04:05 | forged", "a\r\nb", "\x1b]0;title\x07", "\u202egnp.exe", "\u2028", "\u2029", "\u2066", "\u200e", "\u009b31m", "\x7f", "\xff\xfe",
		"\x00", "\ufeff", "\u0085", "\U000e0041", "\ufffe",
	} {
		for name, make := range map[string]func(io.Writer) slog.Handler{"human": human, "json": asJSON} {
			line := handle(t, make, slog.LevelInfo, evil, evil, evil, "any", point{Text: evil}, slog.Group(evil, evil, []byte(evil)), "raw", json.RawMessage("{\n\"a\":\""+evil+"\"}"))
			if err := harmless(line); err != nil {
				t.Errorf("%s: %q in %q: %v", name, evil, line, err)
			}
		}
	}
}

// harmless returns an error if a line is not one line, or has invisible characters.
func harmless(line string) error {
	body, ok := strings.CutSuffix(line, "\n")
	if !ok {
		return errors.New("no line end")
	}
	for i, r := range body {
		if r == '\ufffd' && !strings.HasPrefix(body[i:], "\ufffd") {
			return fmt.Errorf("byte %d is not UTF-8", i)
		}
		if !visible(r) {
			return fmt.Errorf("%U at byte %d", r, i)
		}
	}
	return nil
}

func FuzzEscaping(f *testing.F) {
	for _, s := range []string{"", "plain", "a\nb", "\x1b[0m", "\u202e", "\xc3", "\xed\xa0\x80", "\U0010ffff", "\ufffd", `"\`, "👨‍👩‍👧"} {
		f.Add(s, s)
	}
	f.Fuzz(func(t *testing.T, msg, value string) {
		for name, make := range map[string]func(io.Writer) slog.Handler{"human": human, "json": asJSON} {
			raw, _ := json.Marshal(value)
			line := handle(t, make, slog.LevelInfo, msg, value, value, "any", []string{value}, "raw", json.RawMessage(raw), "broken", json.RawMessage(value))
			if err := harmless(line); err != nil {
				t.Errorf("%s: %q: %v", name, line, err)
			}
			if name == "human" {
				continue
			}
			var got map[string]any
			if err := json.Unmarshal([]byte(line), &got); err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			if want := strings.ToValidUTF8(msg, "\ufffd"); got["msg"] != want && !strings.Contains(want, "\ufffd") {
				t.Errorf("msg came back as %q, not %q", got["msg"], want)
			}
		}
	})
}

func TestSlogContract(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return asJSON(&out)
	}, func(t *testing.T) map[string]any {
		var got map[string]any
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatalf("%q: %v", out.String(), err)
		}
		return got
	})
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return human(&out)
	}, func(t *testing.T) map[string]any { return parseHuman(out.String()) })
}

// parseHuman parses a line into the form that slogtest expects.
func parseHuman(line string) map[string]any {
	out := map[string]any{"level": "INFO"}
	for i, part := range strings.Split(strings.TrimSuffix(line, "\n"), separator) {
		key, value, ok := strings.Cut(part, ": ")
		if _, err := time.Parse(time.DateTime, part); i == 0 && err == nil {
			out["time"] = part
			continue
		}
		if !ok {
			out["msg"] = part
			continue
		}
		at := out
		keys := strings.Split(key, ".")
		for _, k := range keys[:len(keys)-1] {
			if at[k] == nil {
				at[k] = map[string]any{}
			}
			at = at[k].(map[string]any)
		}
		at[keys[len(keys)-1]] = value
	}
	return out
}

// TestOrdinaryStringsAreTheSameAsFields tries each byte at each place of strings that are looked at in parts.
func TestOrdinaryStringsAreTheSameAsFields(t *testing.T) {
	t.Parallel()
	for length := 1; length <= 19; length++ {
		for at := range length {
			for c := range 256 {
				text := []byte(strings.Repeat(" ~{}", 5)[:length])
				text[at] = byte(c)
				s := string(text)
				if got, want := string(appendString(nil, s)), string(appendField(nil, s)); got != want {
					t.Fatalf("%q becomes %q, want %q", s, got, want)
				}
				if want := plain[c] && c != '|' && (c != '"' || at > 0); want && !isOrdinary(s) && strings.IndexByte(s, '|') < 0 {
					t.Fatalf("%q is not ordinary", s)
				}
			}
		}
	}
}
