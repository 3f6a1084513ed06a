package logging

import (
	"context"
	"io"
	"log/slog"
	"testing"
)

// request logs the line of a request.
func request(ctx context.Context, l *slog.Logger) {
	l.LogAttrs(ctx, slog.LevelInfo, "[action @ web]", slog.String("to", "127.0.0.1"), slog.String("action", "randomNumber"),
		slog.String("params", `{"action":"randomNumber","limit":100,"offset":0}`), slog.String("method", "GET"), slog.Int("duration", 12))
}

func BenchmarkRequestLine(b *testing.B) {
	for name, h := range map[string]slog.Handler{
		"human":     human(io.Discard),
		"coloured":  coloured(io.Discard),
		"json":      asJSON(io.Discard),
		"slog-json": slog.NewJSONHandler(io.Discard, nil),
		"slog-text": slog.NewTextHandler(io.Discard, nil),
		"both":      slog.NewMultiHandler(human(io.Discard), asJSON(io.Discard)),
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

// TestRequestLineDoesNotAllocate is not parallel, because it counts the allocations of the whole process.
func TestRequestLineDoesNotAllocate(t *testing.T) {
	for name, make := range map[string]func(io.Writer) slog.Handler{"human": human, "coloured": coloured, "json": asJSON} {
		l := slog.New(make(io.Discard))
		if n := testing.AllocsPerRun(200, func() { request(t.Context(), l) }); n > 1 {
			t.Errorf("%s: %v allocations per line, at most 1 is allowed", name, n)
		}
	}
}
