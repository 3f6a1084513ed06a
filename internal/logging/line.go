package logging

import (
	"context"
	"errors"
	"log/slog"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/logstyle"
)

// lineHandler is a [slog.Handler] that formats a line before it returns. HandleLine does the same as Handle for a record
// with these values, but needs no memory for a record: no lineHandler keeps attrs or their values.
type lineHandler interface {
	slog.Handler
	HandleLine(at time.Time, level slog.Level, message string, attrs []slog.Attr) error
}

func newRecord(at time.Time, level slog.Level, message string, attrs []slog.Attr) slog.Record {
	r := slog.NewRecord(at, level, message, 0)
	r.AddAttrs(attrs...)
	return r
}

// handlers passes each record to several handlers. Unlike [slog.MultiHandler], it is a lineHandler.
type handlers []lineHandler

// Enabled implements [slog.Handler].
func (hs handlers) Enabled(ctx context.Context, level slog.Level) bool {
	for _, h := range hs {
		if h.Enabled(ctx, level) {
			return true
		}
	}
	return false
}

// Handle implements [slog.Handler].
func (hs handlers) Handle(ctx context.Context, r slog.Record) error {
	var errs []error
	for _, h := range hs {
		if h.Enabled(ctx, r.Level) {
			errs = append(errs, h.Handle(ctx, r.Clone()))
		}
	}
	return errors.Join(errs...)
}

// HandleLine implements lineHandler.
func (hs handlers) HandleLine(at time.Time, level slog.Level, message string, attrs []slog.Attr) (err error) {
	for _, h := range hs {
		if h.Enabled(context.Background(), level) {
			if failed := h.HandleLine(at, level, message, attrs); failed != nil {
				err = errors.Join(err, failed)
			}
		}
	}
	return err
}

// WithAttrs implements [slog.Handler].
func (hs handlers) WithAttrs(attrs []slog.Attr) slog.Handler {
	return hs.with(func(h slog.Handler) slog.Handler { return h.WithAttrs(attrs) })
}

// WithGroup implements [slog.Handler].
func (hs handlers) WithGroup(name string) slog.Handler {
	return hs.with(func(h slog.Handler) slog.Handler { return h.WithGroup(name) })
}

func (hs handlers) with(do func(slog.Handler) slog.Handler) handlers {
	more := make(handlers, len(hs))
	for i := range hs {
		more[i] = do(hs[i]).(lineHandler)
	}
	return more
}

// jsonLine builds a JSON line in the same form as [slog.JSONHandler]. ok becomes false if the record has a value of a
// kind that only slog encodes.
type jsonLine struct {
	buf *buffer
	ok  bool
}

func beginLine(at time.Time, level slog.Level, message string) jsonLine {
	l := jsonLine{buf: getBuffer(), ok: !at.IsZero()}
	b := l.buf.b
	if at = at.UTC(); at.Year() < 0 || at.Year() > 9999 {
		l.ok = false
	}
	b = append(appendDate(append(b, `{"time":"`...), at), 'T')
	b = appendMilliseconds(appendClock(b, at), at.Nanosecond()/int(time.Millisecond))
	b = append(append(append(b, `Z","level":"`...), level.String()...), `","msg":`...)
	l.buf.b = l.text(b, message)
	return l
}

// text appends s as a JSON string. slog has longer escapes than package jsonx for a backspace and a form feed.
func (l *jsonLine) text(b []byte, s string) []byte {
	n := len(b)
	if b = jsonx.AppendString(b, s); len(b) > n+len(s)+len(`""`) && (strings.IndexByte(s, '\b') >= 0 || strings.IndexByte(s, '\f') >= 0) {
		l.ok = false
	}
	return b
}

// appendMilliseconds appends ms as the fraction of a second, without zeros at the end, like [time.RFC3339Nano].
func appendMilliseconds(b []byte, ms int) []byte {
	if ms == 0 {
		return b
	}
	b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	for b[len(b)-1] == '0' {
		b = b[:len(b)-1]
	}
	return b
}

// add appends an attribute. It returns l.ok.
func (l *jsonLine) add(a slog.Attr) bool {
	b := l.buf.b
	if len(b) > maxPooled || !l.ok {
		l.ok = false // slog needs no buffer of this package
		return false
	}
	n := len(b)
	b = append(l.text(append(b, ','), a.Key), ':')
	switch a.Value.Kind() {
	case slog.KindString:
		b = l.text(b, a.Value.String())
	case slog.KindInt64:
		b = strconv.AppendInt(b, a.Value.Int64(), 10)
	case slog.KindUint64:
		b = strconv.AppendUint(b, a.Value.Uint64(), 10)
	case slog.KindBool:
		b = strconv.AppendBool(b, a.Value.Bool())
	case slog.KindFloat64:
		f := a.Value.Float64()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			l.ok = false
			return false
		}
		b = jsonx.AppendFloat(b, f)
	default:
		if _, isStyle := logstyle.Of(a); !isStyle {
			l.ok = false
		}
		b = b[:n]
	}
	l.buf.b = b
	return l.ok
}

// write writes the line and ends the use of l. It returns false if slog must write the line, because of the kind of a
// value or because slog escapes invalid bytes in its own way.
func (l *jsonLine) write(to *jsonWriter) (written bool, err error) {
	defer l.buf.free()
	if !l.ok {
		return false, nil
	}
	if l.buf.b = append(l.buf.b, "}\n"...); !allVisibleASCII(l.buf.b[:len(l.buf.b)-1]) {
		return false, nil
	}
	return true, to.writeASCII(l.buf.b)
}
