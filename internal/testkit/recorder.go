package testkit

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Recorder is a [slog.Handler] that keeps what is logged at level Info and above.
type Recorder struct {
	mu      sync.Mutex
	entries []Entry
}

// Entry is one record of a log.
type Entry struct {
	Level   slog.Level
	Message string
	Attrs   map[string]string
}

// Enabled reports whether the level is kept.
func (r *Recorder) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle keeps a record.
func (r *Recorder) Handle(_ context.Context, record slog.Record) error {
	e := Entry{record.Level, record.Message, map[string]string{}}
	record.Attrs(func(a slog.Attr) bool {
		e.Attrs[a.Key] = a.Value.String()
		return true
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, e)
	return nil
}

// WithAttrs returns the same recorder: the servers under test do not use it.
func (r *Recorder) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup returns the same recorder: the servers under test do not use it.
func (r *Recorder) WithGroup(string) slog.Handler { return r }

// Entries returns what was logged so far.
func (r *Recorder) Entries() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.entries)
}

// With returns the entries one of whose attributes contains text.
func (r *Recorder) With(attr, text string) []Entry {
	return slices.DeleteFunc(r.Entries(), func(e Entry) bool { return !strings.Contains(e.Attrs[attr], text) })
}

// Has reports whether a message or an attribute contains text.
func (r *Recorder) Has(text string) bool {
	return slices.ContainsFunc(r.Entries(), func(e Entry) bool {
		if strings.Contains(e.Message, text) {
			return true
		}
		for _, value := range e.Attrs {
			if strings.Contains(value, text) {
				return true
			}
		}
		return false
	})
}
