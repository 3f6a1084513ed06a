package logging

import (
	"context"
	"io"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/logstyle"
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

// humanHandler is a slog.Handler that writes lines of the form "time | message | key: value | key: value". With colours,
// the stack of a panic follows on lines of its own, which are indented.
type humanHandler struct {
	level  slog.Level
	out    io.Writer
	color  bool
	style  logstyle.Style // of all messages; given to WithAttrs
	groups []string       // the names given to WithGroup
	attrs  []byte         // the attributes given to WithAttrs, already formatted
}

// lineWriter writes whole lines, one or more at a time, to w. A lock keeps the lines of concurrent goroutines apart. If w takes only the beginning
// of a line, for example because a disk is full, the next one still begins on a line of its own.
type lineWriter struct {
	mu   sync.Mutex
	w    io.Writer
	torn bool // w has the beginning of a line
}

func (l *lineWriter) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.torn {
		if _, err := l.w.Write([]byte("\n")); err != nil {
			return 0, err
		}
		l.torn = false
	}
	n, err := l.w.Write(line)
	l.torn = n > 0 && n < len(line) && line[n-1] != '\n'
	return n, err
}

// Enabled implements [slog.Handler].
func (h *humanHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements [slog.Handler].
func (h *humanHandler) Handle(_ context.Context, r slog.Record) error {
	buf := getBuffer()
	defer buf.free()
	head := h.begin(buf, r.Time, r.Level, r.Message, h.styleOf(r))
	r.Attrs(func(a slog.Attr) bool {
		h.own(buf, a)
		return true
	})
	return h.write(buf, head, r.Level, r.Message)
}

// HandleLine implements lineHandler.
func (h *humanHandler) HandleLine(at time.Time, level slog.Level, message string, attrs []slog.Attr) error {
	buf := getBuffer()
	defer buf.free()
	head := h.begin(buf, at, level, message, h.style) // no attribute of a line is a style
	for i := range attrs {
		h.own(buf, attrs[i])
	}
	return h.write(buf, head, level, message)
}

// styleOf returns the style of the message of r.
func (h *humanHandler) styleOf(r slog.Record) logstyle.Style {
	style := h.style
	if h.color {
		r.Attrs(func(a slog.Attr) bool {
			if s, ok := logstyle.Of(a); ok {
				style |= s
			}
			return true
		})
	}
	return style
}

// begin appends all that precedes the attributes of the record. It returns the length of the line before the first
// attribute.
func (h *humanHandler) begin(buf *buffer, at time.Time, level slog.Level, message string, style logstyle.Style) (head int) {
	if !at.IsZero() {
		h.paint(buf, colorDim, func() { buf.b = appendTime(buf.b, at) })
	}
	if level != slog.LevelInfo {
		separate(buf)
		h.paint(buf, levelColor(level), func() { buf.b = append(buf.b, level.String()...) })
	}
	if message != "" {
		separate(buf)
		styled := h.color && style != 0
		if styled {
			buf.b = style.AppendBegin(buf.b)
		}
		buf.b = appendString(buf.b, message)
		if styled {
			buf.b = append(buf.b, colorReset...)
		}
	}
	head = len(buf.b)
	buf.b = append(buf.b, h.attrs...)
	h.enter(buf)
	return head
}

func (h *humanHandler) write(buf *buffer, head int, level slog.Level, message string) error {
	buf.b = closeUp(buf.b, head, strings.HasSuffix(message, "]"))
	buf.b = append(append(buf.b, '\n'), buf.stack...)
	_, err := h.out.Write(buf.b)
	settle(h.out, level)
	return err
}

// closeUp removes the separator before the first attribute of the line b in two cases: if the message ends with a
// bracket, such as "[action @ web]", or if the line begins with the attribute. After a bracket, one space remains. head
// is the length of the line before the first attribute.
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
	for _, a := range attrs {
		if s, ok := logstyle.Of(a); ok {
			more.style |= s
		}
	}
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

// enter adds the names of the handler's groups to the prefix of the buffer, so that they precede the keys of the next
// attributes.
func (h *humanHandler) enter(buf *buffer) {
	for _, g := range h.groups {
		buf.prefix = append(append(buf.prefix, g...), '.')
	}
}

// own appends an attribute of the record. A terminal shows a stack below the line, a frame on each line.
func (h *humanHandler) own(buf *buffer, a slog.Attr) {
	if h.color {
		a.Value = buf.cut(a.Value)
	}
	h.attr(buf, a)
}

// attr appends an attribute to the line. For a group, it appends each attribute of the group, with the name of the
// group before the key.
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
	b := append(buf.b, separator...)
	if h.color {
		b = append(b, colorKey...)
	}
	if len(buf.prefix) > 0 {
		b = appendField(b, buf.prefix)
	}
	b = appendString(b, a.Key)
	if h.color {
		b = append(b, colorReset...)
	}
	buf.b = appendHuman(append(b, ": "...), v)
}

// paint calls write, which appends to the buffer. If the handler uses colours, paint adds the escape codes of the
// colour before and after the text.
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

// appendHuman appends the text of v for the human format. v must not be a group.
func appendHuman(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendString(b, v.String())
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
		return v.Time().AppendFormat(b, timePattern)
	}
	return appendField(b, anyText(v.Any()))
}
