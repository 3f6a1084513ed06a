package logging

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	colorReset  = "\x1b[0m"
	colorDim    = "\x1b[2m"
	colorKey    = "\x1b[36m"
	colorDebug  = "\x1b[90m"
	colorWarn   = "\x1b[33m"
	colorError  = "\x1b[31m"
	separator   = " | "
	timePattern = "2006-01-02T15:04:05.000Z07:00"
)

// humanHandler writes "time | message | key: value | key: value".
type humanHandler struct {
	level  slog.Level
	out    sink
	color  bool
	groups []string // opened by WithGroup
	attrs  []byte   // what WithAttrs has written already
}

// Enabled implements [slog.Handler].
func (h *humanHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements [slog.Handler].
func (h *humanHandler) Handle(_ context.Context, r slog.Record) error {
	buf := getBuffer()
	defer buf.free()
	if !r.Time.IsZero() {
		h.paint(buf, colorDim, func() { buf.b = appendTime(buf.b, r.Time, ' ') })
	}
	if r.Level != slog.LevelInfo {
		separate(buf)
		h.paint(buf, levelColor(r.Level), func() { buf.b = append(buf.b, levelName(r.Level)...) })
	}
	if r.Message != "" {
		separate(buf)
		buf.b = appendEscaped(buf.b, r.Message)
	}
	head := len(buf.b)
	buf.b = append(buf.b, h.attrs...)
	h.enter(buf)
	r.Attrs(func(a slog.Attr) bool {
		h.attr(buf, a)
		return true
	})
	buf.b = closeUp(buf.b, head, strings.HasSuffix(r.Message, "]"))
	buf.b = append(buf.b, '\n')
	return h.out.write(buf.b, r.Level >= slog.LevelWarn)
}

// closeUp takes the bar from between the head of a line and its first attribute: after a message such as "[action @ web]", and
// where there is no head.
func closeUp(b []byte, head int, bracket bool) []byte {
	switch {
	case len(b) == head:
		return b
	case head == 0:
		return slices.Delete(b, 0, len(separator))
	case bracket:
		return slices.Delete(b, head, head+len(separator)-1)
	}
	return b
}

// WithAttrs implements [slog.Handler].
func (h *humanHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	buf := getBuffer()
	defer buf.free()
	h.enter(buf)
	for _, a := range attrs {
		h.attr(buf, a)
	}
	more := *h
	more.attrs = slices.Concat(h.attrs, buf.b)
	return &more
}

// WithGroup implements [slog.Handler].
func (h *humanHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	more := *h
	more.groups = append(slices.Clip(h.groups), name)
	return &more
}

// enter sets the prefix of the keys to the groups that are open.
func (h *humanHandler) enter(buf *buffer) {
	for _, g := range h.groups {
		buf.prefix = append(append(buf.prefix, g...), '.')
	}
}

// attr writes one attribute, or those of a group with its name before each key.
func (h *humanHandler) attr(buf *buffer, a slog.Attr) {
	v := a.Value.Resolve()
	if a.Key == "" && v.Kind() == slog.KindAny && v.Any() == nil {
		return
	}
	if v.Kind() == slog.KindGroup {
		outer := len(buf.prefix)
		if a.Key != "" {
			buf.prefix = append(append(buf.prefix, a.Key...), '.')
		}
		for _, inner := range v.Group() {
			h.attr(buf, inner)
		}
		buf.prefix = buf.prefix[:outer]
		return
	}
	buf.b = append(buf.b, separator...)
	h.paint(buf, colorKey, func() {
		buf.b = appendEscaped(buf.b, buf.prefix)
		buf.b = appendEscaped(buf.b, a.Key)
	})
	buf.b = append(buf.b, ": "...)
	buf.b = appendHuman(buf.b, v)
}

// paint runs write between the escape codes of a colour.
func (h *humanHandler) paint(buf *buffer, color string, write func()) {
	if !h.color {
		write()
		return
	}
	buf.b = append(buf.b, color...)
	write()
	buf.b = append(buf.b, colorReset...)
}

func levelColor(l slog.Level) string {
	switch {
	case l >= slog.LevelError:
		return colorError
	case l >= slog.LevelWarn:
		return colorWarn
	}
	return colorDebug
}

func separate(buf *buffer) {
	if len(buf.b) > 0 {
		buf.b = append(buf.b, separator...)
	}
}

// appendHuman writes a value that is no group.
func appendHuman(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendEscaped(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		return strconv.AppendFloat(b, v.Float64(), 'g', -1, 64)
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindDuration:
		return append(b, v.Duration().String()...)
	case slog.KindTime:
		return appendStamp(b, v.Time())
	}
	return appendEscaped(b, anyText(v.Any()))
}

// appendStamp writes a time with milliseconds and its zone.
func appendStamp(b []byte, t time.Time) []byte { return t.AppendFormat(b, timePattern) }
