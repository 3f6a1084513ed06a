package logging

import (
	"context"
	"io"
	"log/slog"
	"testing"
)

// discard takes lines for nothing.
type discard struct{}

func (discard) write([]byte, bool) error { return nil }

// request logs a line as it is logged per request.
func request(ctx context.Context, l *slog.Logger) {
	l.LogAttrs(ctx, slog.LevelInfo, "[action @ web]", slog.String("to", "127.0.0.1"), slog.String("action", "randomNumber"),
		slog.String("params", `{"action":"randomNumber","limit":100,"offset":0}`), slog.String("method", "GET"), slog.Int("duration", 12))
}

func BenchmarkRequestLine(b *testing.B) {
	for name, h := range map[string]slog.Handler{
		"human":     human(discard{}),
		"coloured":  coloured(discard{}),
		"json":      asJSON(discard{}),
		"slog-json": slog.NewJSONHandler(io.Discard, nil),
		"slog-text": slog.NewTextHandler(io.Discard, nil),
		"both":      slog.NewMultiHandler(human(discard{}), asJSON(discard{})),
	} {
		b.Run(name, func(b *testing.B) {
			l := slog.New(h)
			b.ReportAllocs()
			for b.Loop() {
				request(b.Context(), l)
			}
		})
	}
}

func BenchmarkRequestLineToFile(b *testing.B) {
	l, _ := build(b, Config{Folder: b.TempDir()})
	b.ReportAllocs()
	for b.Loop() {
		request(b.Context(), l)
	}
}

// TestRequestLineDoesNotAllocate counts for the whole process, so nothing else may run beside it.
func TestRequestLineDoesNotAllocate(t *testing.T) {
	for name, make := range map[string]func(sink) slog.Handler{"human": human, "coloured": coloured, "json": asJSON} {
		l := slog.New(make(discard{}))
		if n := testing.AllocsPerRun(200, func() { request(t.Context(), l) }); n > 1 {
			t.Errorf("%s: %v allocations per line, at most 1 is allowed", name, n)
		}
	}
}
