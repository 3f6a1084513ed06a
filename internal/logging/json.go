package logging

import (
	"context"
	"encoding/binary"
	"io"
	"log/slog"
	"sync"
	"time"
)

// jsonHandler writes records as JSON lines. The time of a record is in UTC, in milliseconds. line writes ordinary records
// directly; [slog.JSONHandler] writes the others, in the same form. The reason: slog's handler needs more than a tenth of
// the time of a small request for the line of that request.
type jsonHandler struct {
	slog.Handler
	out   *jsonWriter
	level slog.Level
	plain bool // WithAttrs and WithGroup have added nothing
}

func newJSONHandler(level slog.Level, out io.Writer) *jsonHandler {
	w := &jsonWriter{out: out}
	return &jsonHandler{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}), w, level, true}
}

// Enabled implements [slog.Handler].
func (h *jsonHandler) Enabled(_ context.Context, level slog.Level) bool { return level >= h.level }

// Handle implements [slog.Handler].
func (h *jsonHandler) Handle(ctx context.Context, r slog.Record) error {
	written, err := false, error(nil)
	if h.plain {
		l := beginLine(r.Time, r.Level, r.Message)
		r.Attrs(l.add)
		written, err = l.write(h.out)
	}
	if !written {
		r.Time = r.Time.UTC().Truncate(time.Millisecond)
		err = h.Handler.Handle(ctx, r)
	}
	settle(h.out.out, r.Level)
	return err
}

// HandleLine implements lineHandler.
func (h *jsonHandler) HandleLine(at time.Time, level slog.Level, message string, attrs []slog.Attr) error {
	if !h.plain {
		return h.Handle(context.Background(), newRecord(at, level, message, attrs))
	}
	l := beginLine(at, level, message)
	for i := range attrs {
		if !l.add(attrs[i]) {
			break
		}
	}
	written, err := l.write(h.out)
	if !written {
		err = h.Handler.Handle(context.Background(), newRecord(at.UTC().Truncate(time.Millisecond), level, message, attrs))
	}
	settle(h.out.out, level)
	return err
}

// WithAttrs implements [slog.Handler].
func (h *jsonHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &jsonHandler{h.Handler.WithAttrs(attrs), h.out, h.level, false}
}

// WithGroup implements [slog.Handler].
func (h *jsonHandler) WithGroup(name string) slog.Handler {
	return &jsonHandler{h.Handler.WithGroup(name), h.out, h.level, false}
}

// jsonWriter escapes the invisible characters that slog leaves in a JSON line. One of these characters is U+009B, with
// which a terminal begins an escape sequence. Goroutines may use a jsonWriter concurrently.
type jsonWriter struct {
	mu  sync.Mutex
	out io.Writer
	buf []byte
}

// Write escapes the invisible characters of the line and writes the escaped line to w.out.
func (w *jsonWriter) Write(line []byte) (int, error) {
	if allVisibleASCII(line) {
		return len(line), w.writeASCII(line)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	end := len(line) - 1
	w.buf = append(appendJSONEscaped(w.buf[:0], line[:end]), line[end])
	_, err := w.out.Write(w.buf)
	if cap(w.buf) > maxPooled {
		w.buf = nil
	}
	return len(line), err
}

// writeASCII writes a line without invisible characters.
func (w *jsonWriter) writeASCII(line []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err := w.out.Write(line)
	return err
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
