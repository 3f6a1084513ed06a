package actionherotest

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
)

// LogLine is a line of the log of an API under test.
type LogLine struct {
	Level   slog.Level
	Message string
	Attrs   map[string]any // by key; the key of an attribute in a group is "group.key"
}

// Logged returns the lines that the API has logged since its start, the oldest first. The API must be from this package.
func Logged(t testing.TB, api *actionhero.API) []LogLine {
	t.Helper()
	h, ok := api.Log().Handler().(*logHandler)
	if !ok {
		t.Fatalf("the log of the API is a %T: Logged needs an API of this package", api.Log().Handler())
	}
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	return slices.Clone(h.log.lines)
}

// recordedLog keeps the lines of one API.
type recordedLog struct {
	mu    sync.Mutex
	lines []LogLine
}

// logHandler is a slog.Handler that keeps the lines in memory.
type logHandler struct {
	log    *recordedLog
	attrs  []slog.Attr // of WithAttrs, with the names of their groups
	prefix string      // the names of the open groups, each followed by a dot
}

func newLog() *slog.Logger { return slog.New(&logHandler{log: &recordedLog{}}) }

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	line := LogLine{r.Level, r.Message, map[string]any{}}
	for _, a := range h.attrs {
		line.add("", a)
	}
	r.Attrs(func(a slog.Attr) bool {
		line.add(h.prefix, a)
		return true
	})
	h.log.mu.Lock()
	defer h.log.mu.Unlock()
	h.log.lines = append(h.log.lines, line)
	return nil
}

// add adds an attribute, and the members of a group one by one.
func (l *LogLine) add(prefix string, a slog.Attr) {
	value := a.Value.Resolve()
	if value.Kind() != slog.KindGroup {
		l.Attrs[prefix+a.Key] = value.Any()
		return
	}
	if a.Key != "" {
		prefix += a.Key + "."
	}
	for _, member := range value.Group() {
		l.add(prefix, member)
	}
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	derived := *h
	derived.attrs = slices.Clip(h.attrs)
	for _, a := range attrs {
		derived.attrs = append(derived.attrs, slog.Attr{Key: h.prefix + a.Key, Value: a.Value})
	}
	return &derived
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	derived := *h
	derived.prefix += name + "."
	return &derived
}
