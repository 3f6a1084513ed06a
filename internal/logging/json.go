package logging

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"time"
)

// jsonHandler writes records as JSON lines with [slog.JSONHandler]. It converts the time of each record to UTC and
// truncates the time to milliseconds. This costs much less than HandlerOptions.ReplaceAttr, which slog calls for each
// attribute.
type jsonHandler struct {
	slog.Handler
	file *fileSink // the log file; nil if the handler writes to the console
}

func newJSONHandler(level slog.Level, out io.Writer) *jsonHandler {
	file, _ := out.(*fileSink)
	return &jsonHandler{slog.NewJSONHandler(&jsonWriter{out: out}, &slog.HandlerOptions{Level: level}), file}
}

// Handle implements [slog.Handler]. It flushes the buffer of the log file after a warning or an error, and if the
// buffer is full.
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

// jsonWriter escapes the invisible characters that slog leaves in a JSON line. One of these characters is U+009B, with
// which a terminal begins an escape sequence. Goroutines must not use a jsonWriter concurrently; slog holds a lock when
// it calls Write.
type jsonWriter struct {
	out io.Writer
	buf []byte
}

// Write escapes the invisible characters of the line and writes the escaped line to w.out.
func (w *jsonWriter) Write(line []byte) (int, error) {
	if allVisibleASCII(line) {
		return w.out.Write(line)
	}
	end := len(line) - 1
	w.buf = append(appendJSONEscaped(w.buf[:0], line[:end]), line[end])
	_, err := w.out.Write(w.buf)
	if cap(w.buf) > maxPooled {
		w.buf = nil
	}
	return len(line), err
}

// allVisibleASCII reports whether every byte of line is below 0x7f. slog has escaped all bytes below 0x20 of the texts, so
// the line has no invisible characters. allVisibleASCII looks at eight bytes at a time.
func allVisibleASCII(line []byte) bool {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(line) >= 8; line = line[8:] {
		if v := binary.LittleEndian.Uint64(line); (v|(v+ones))&highs != 0 { // v+ones turns 0x7f into 0x80
			return false
		}
	}
	for _, c := range line {
		if c >= 0x7f {
			return false
		}
	}
	return true
}
