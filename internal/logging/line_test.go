package logging

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"math"
	"testing"
	"time"
)

// requestAttrs are the attributes of the line of a request over HTTP.
func requestAttrs() []slog.Attr {
	return []slog.Attr{
		slog.String("remote", "127.0.0.1"), slog.String("request_id", "0123456789abcdef0123456789abcdef"), slog.String("method", "GET"),
		slog.String("path", "/api/randomNumber"), slog.Int("status", 200), slog.String("transport", "web"), slog.String("action", "randomNumber"),
		slog.String("params", `{"action":"randomNumber","limit":100,"offset":0}`), slog.Float64("duration", 0.013),
	}
}

// slogLine returns the line that slog writes, with the escapes of jsonWriter.
func slogLine(at time.Time, level slog.Level, message string, attrs []slog.Attr) string {
	var out bytes.Buffer
	h := slog.NewJSONHandler(&jsonWriter{out: &out}, &slog.HandlerOptions{Level: slog.LevelDebug})
	if !at.IsZero() {
		at = at.UTC().Truncate(time.Millisecond)
	}
	if err := h.Handle(context.Background(), newRecord(at, level, message, attrs)); err != nil {
		return err.Error()
	}
	return out.String()
}

// TestAJSONLineIsTheOneOfSlog compares both ways in which a jsonHandler writes a line with slog's handler.
func TestAJSONLineIsTheOneOfSlog(t *testing.T) {
	t.Parallel()
	zone := time.FixedZone("east", 5*3600+30*60)
	times := []time.Time{noon, noon.In(zone), {}, noon.Add(22 * time.Millisecond), noon.Truncate(time.Second), noon.Truncate(time.Second).Add(999 * time.Microsecond),
		noon.Truncate(time.Second).Add(100 * time.Millisecond), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(7, 1, 2, 3, 4, 5, 6e6, time.UTC)}
	texts := []string{"", "plain", `"quotes" and \`, "line\nbreak\r\t\b\f\x00\x1f", "del\x7f", "é👍", "bad \xff utf8", "\u2028\u202e", "<a href='x'>&"}
	attrs := [][]slog.Attr{nil, requestAttrs(), {{}}, {slog.Any("nil", nil)}, {slog.Group("g", "a", 1)}, {slog.Group("", "in", 1)},
		{slog.Int("i", math.MinInt64), slog.Uint64("u", math.MaxUint64), slog.Bool("b", true), slog.Duration("d", time.Second), slog.Time("t", noon)},
		{slog.Any("v", secret("x")), slog.String("", "no key")}}
	for _, f := range []float64{0, math.Copysign(0, -1), 1, -1.5, 0.013, 1e-6, 9.99e-7, 1e-10, 1e20, 1e21, 1e300, math.SmallestNonzeroFloat64, math.NaN(), math.Inf(-1)} {
		attrs = append(attrs, []slog.Attr{slog.Float64("f", f)})
	}
	for _, text := range texts {
		attrs = append(attrs, []slog.Attr{slog.String("s", text), slog.String(text, "key"), slog.Int("n", 1)})
	}
	for _, at := range times {
		for _, level := range []slog.Level{slog.LevelInfo, slog.LevelError, slog.LevelWarn + 1} {
			for _, message := range texts {
				for _, list := range attrs {
					compareLines(t, at, level, message, list)
				}
			}
		}
	}
}

func compareLines(t *testing.T, at time.Time, level slog.Level, message string, attrs []slog.Attr) {
	t.Helper()
	var byLine, byRecord bytes.Buffer
	if err := asJSON(&byLine).(lineHandler).HandleLine(at, level, message, attrs); err != nil {
		t.Error(err)
	}
	if err := asJSON(&byRecord).Handle(t.Context(), newRecord(at, level, message, attrs)); err != nil {
		t.Error(err)
	}
	want := slogLine(at, level, message, attrs)
	if byLine.String() != want || byRecord.String() != want {
		t.Errorf("slog writes %sHandleLine   %sHandle       %s", want, byLine.String(), byRecord.String())
	}
}

// TestEveryHandlerGetsEachLine checks that the console and the file get the same lines, with the attributes and groups
// of the logger, and that the level of each handler counts.
func TestEveryHandlerGetsEachLine(t *testing.T) {
	t.Parallel()
	var console, file, warnings bytes.Buffer
	hs := handlers{human(&console).(lineHandler), newJSONHandler(slog.LevelInfo, &file), newJSONHandler(slog.LevelWarn, &warnings)}
	for _, h := range []slog.Handler{hs, hs.WithAttrs([]slog.Attr{slog.Int("n", 1)}), hs.WithGroup("g")} {
		if err := h.(lineHandler).HandleLine(noon, slog.LevelInfo, "m", requestAttrs()[4:5]); err != nil {
			t.Error(err)
		}
		if err := h.Handle(t.Context(), newRecord(noon, slog.LevelInfo, "m", requestAttrs()[4:5])); err != nil {
			t.Error(err)
		}
	}
	one, two, three := `"msg":"m","status":200}`, `"msg":"m","n":1,"status":200}`, `"msg":"m","g":{"status":200}}`
	var want string
	for _, end := range []string{one, one, two, two, three, three} {
		want += `{"time":"2026-11-23T17:04:05.678Z","level":"INFO",` + end + "\n"
	}
	if file.String() != want {
		t.Errorf("the file has\n%swant\n%s", file.String(), want)
	}
	human := noon.Format(time.DateTime) + " | m | "
	want = ""
	for _, end := range []string{"", "", "n: 1 | ", "n: 1 | ", "g.", "g."} {
		want += human + end + "status: 200\n"
	}
	if console.String() != want {
		t.Errorf("the console has\n%swant\n%s", console.String(), want)
	}
	if warnings.Len() > 0 || hs.Enabled(t.Context(), slog.LevelDebug-1) {
		t.Errorf("a handler of warnings got %s", warnings.String())
	}
}

// BenchmarkLine compares the line of a request with slog's handler.
func BenchmarkLine(b *testing.B) {
	attrs := requestAttrs()
	for name, h := range map[string]slog.Handler{"ours": asJSON(io.Discard), "slog": slog.NewJSONHandler(io.Discard, nil)} {
		b.Run(name, func(b *testing.B) {
			direct, _ := h.(lineHandler)
			b.ReportAllocs()
			for b.Loop() {
				if direct != nil {
					_ = direct.HandleLine(noon, slog.LevelInfo, "[action @ web]", attrs)
				} else {
					_ = h.Handle(b.Context(), newRecord(noon, slog.LevelInfo, "[action @ web]", attrs))
				}
			}
		})
	}
}
