package logging

import (
	"context"
	"io"
	"log/slog"
	"time"
)

// jsonHandler writes records as JSON lines with [slog.JSONHandler]. Times of records are in UTC and in milliseconds.
// Setting them here costs much less than HandlerOptions.ReplaceAttr, which slog calls for each attribute.
type jsonHandler struct {
	slog.Handler
	file *fileSink // nil: the console
}

func newJSONHandler(level slog.Level, out io.Writer) *jsonHandler {
	file, _ := out.(*fileSink)
	return &jsonHandler{slog.NewJSONHandler(&jsonWriter{out: out}, &slog.HandlerOptions{Level: level}), file}
}

// Handle implements [slog.Handler]. It flushes the file after a warning, an error, or if its buffer is full.
func (h *jsonHandler) Handle(ctx context.Context, r slog.Record) error {
	r.Time = r.Time.UTC().Truncate(time.Millisecond)
	err := h.Handler.Handle(ctx, r)
	// The flush comes after Handle, because slog holds a lock during Write: other goroutines can log during the flush.
	if h.file != nil && (r.Level >= slog.LevelWarn || h.file.full()) {
		h.file.flush()
	}
	return err
}

// WithAttrs implements [slog.Handler].
func (h *jsonHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &jsonHandler{h.Handler.WithAttrs(attrs), h.file}
}

// WithGroup implements [slog.Handler].
func (h *jsonHandler) WithGroup(name string) slog.Handler {
	return &jsonHandler{h.Handler.WithGroup(name), h.file}
}

// jsonWriter escapes the invisible characters that slog leaves in a JSON line, such as U+009B, which a terminal obeys.
// It must not be used concurrently; slog holds a lock during Write.
type jsonWriter struct {
	out io.Writer
	buf []byte
}

// Write writes one line.
func (w *jsonWriter) Write(line []byte) (int, error) {
	end := len(line) - 1
	w.buf = append(appendJSONEscaped(w.buf[:0], line[:end]), line[end])
	_, err := w.out.Write(w.buf)
	if cap(w.buf) > maxPooled {
		w.buf = nil
	}
	return len(line), err
}
