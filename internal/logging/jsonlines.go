package logging

import (
	"context"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"
)

// jsonHandler writes {"time":…,"level":…,"msg":…,key:value,…}, a group as an object of its own. Times are UTC with milliseconds, durations
// are nanoseconds, as in slog's own handler.
type jsonHandler struct {
	level  slog.Level
	out    sink
	attrs  []byte   // what WithAttrs has written already, with the groups it opened
	open   int      // how many groups are open at the end of attrs
	groups []string // opened since then; they are written with their first attribute
}

// Enabled implements [slog.Handler].
func (h *jsonHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= h.level }

// Handle implements [slog.Handler].
func (h *jsonHandler) Handle(_ context.Context, r slog.Record) error {
	buf := getBuffer()
	defer buf.free()
	b := append(buf.b, '{')
	if !r.Time.IsZero() {
		b = append(b, `"time":"`...)
		b = appendUTC(b, r.Time)
		b = append(b, `",`...)
	}
	b = append(b, `"level":"`...)
	b = append(b, levelName(r.Level)...)
	b = append(b, `","msg":`...)
	b = appendJSONString(b, r.Message)
	b = append(b, h.attrs...)
	buf.b = h.openGroups(b)
	inside := len(buf.b)
	r.Attrs(func(a slog.Attr) bool {
		buf.b = appendJSONAttr(buf.b, a)
		return true
	})
	open := h.open + len(h.groups)
	if len(buf.b) == inside {
		buf.b, open = buf.b[:len(b)], h.open
	}
	for range open {
		buf.b = append(buf.b, '}')
	}
	buf.b = append(buf.b, '}', '\n')
	return h.out.write(buf.b, r.Level >= slog.LevelWarn)
}

// openGroups writes the beginning of the groups that wait for an attribute.
func (h *jsonHandler) openGroups(b []byte) []byte {
	for _, g := range h.groups {
		b = append(appendJSONKey(b, g), '{')
	}
	return b
}

// WithAttrs implements [slog.Handler].
func (h *jsonHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	b := h.openGroups(slices.Clone(h.attrs))
	inside := len(b)
	for _, a := range attrs {
		b = appendJSONAttr(b, a)
	}
	if len(b) == inside {
		return h
	}
	return &jsonHandler{level: h.level, out: h.out, attrs: b, open: h.open + len(h.groups)}
}

// WithGroup implements [slog.Handler].
func (h *jsonHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	more := *h
	more.groups = append(slices.Clip(h.groups), name)
	return &more
}

// appendJSONKey writes a key with the comma before it. Only the beginning of an object ends with a brace here.
func appendJSONKey(b []byte, key string) []byte {
	if len(b) == 0 || b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(appendJSONString(b, key), ':')
}

// appendJSONAttr writes one attribute; an empty one and an empty group leave no trace.
func appendJSONAttr(b []byte, a slog.Attr) []byte {
	v := a.Value.Resolve()
	if v.Kind() != slog.KindGroup {
		if a.Key == "" && v.Kind() == slog.KindAny && v.Any() == nil {
			return b
		}
		return appendJSONValue(appendJSONKey(b, a.Key), v)
	}
	before := len(b)
	if a.Key != "" {
		b = append(appendJSONKey(b, a.Key), '{')
	}
	inside := len(b)
	for _, inner := range v.Group() {
		b = appendJSONAttr(b, inner)
	}
	switch {
	case len(b) == inside:
		return b[:before]
	case a.Key != "":
		return append(b, '}')
	}
	return b
}

// appendJSONValue writes a value that is no group.
func appendJSONValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return appendJSONString(b, v.String())
	case slog.KindInt64:
		return strconv.AppendInt(b, v.Int64(), 10)
	case slog.KindUint64:
		return strconv.AppendUint(b, v.Uint64(), 10)
	case slog.KindFloat64:
		return appendJSONFloat(b, v.Float64())
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindDuration:
		return strconv.AppendInt(b, int64(v.Duration()), 10)
	case slog.KindTime:
		return append(appendStamp(append(b, '"'), v.Time()), '"')
	}
	raw, text := anyJSON(v.Any())
	if raw == nil {
		return appendJSONString(b, text)
	}
	return appendJSONSafe(b, raw)
}

// appendJSONFloat writes what JSON cannot hold as a number as text.
func appendJSONFloat(b []byte, f float64) []byte {
	if math.IsInf(f, 0) || math.IsNaN(f) {
		return append(strconv.AppendFloat(append(b, '"'), f, 'g', -1, 64), '"')
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}

// appendUTC writes a time as 2026-11-23T17:04:05.123Z.
func appendUTC(b []byte, t time.Time) []byte {
	t = t.UTC()
	b = append(appendTime(b, t, 'T'), '.')
	ms := t.Nanosecond() / int(time.Millisecond)
	return append(appendTwo(append(b, byte('0'+ms/100)), ms%100), 'Z')
}
