package hostile

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Log is a [slog.Handler] that keeps what is logged.
type Log struct {
	mu      sync.Mutex
	entries []Entry
}

// Entry is one record of a log.
type Entry struct {
	Level   slog.Level
	Message string
	Attrs   map[string]string
}

// Enabled lets everything from Info on through.
func (l *Log) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle keeps a record.
func (l *Log) Handle(_ context.Context, r slog.Record) error {
	e := Entry{r.Level, r.Message, map[string]string{}}
	r.Attrs(func(a slog.Attr) bool {
		e.Attrs[a.Key] = a.Value.String()
		return true
	})
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries = append(l.entries, e)
	return nil
}

// WithAttrs returns the same log: the servers under test do not use it.
func (l *Log) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup returns the same log: the servers under test do not use it.
func (l *Log) WithGroup(string) slog.Handler { return l }

// Entries returns what was logged so far.
func (l *Log) Entries() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.entries)
}

// Having returns the entries one of whose attributes contains text.
func (l *Log) Having(attr, text string) []Entry {
	return slices.DeleteFunc(l.Entries(), func(e Entry) bool { return !strings.Contains(e.Attrs[attr], text) })
}
