package testkit

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Recorder is a [slog.Handler] that keeps all log records of level Info and above in memory.
type Recorder struct {
	mu      sync.Mutex
	entries []Entry
}

// Entry is one log record. Attrs maps the keys of the attributes to their values as text.
type Entry struct {
	Level   slog.Level
	Message string
	Attrs   map[string]string
}

// Enabled reports whether the recorder keeps records of the level.
func (r *Recorder) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelInfo }

// Handle stores a log record as an Entry.
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

// WithAttrs returns r and ignores the attributes, because the servers under test do not use WithAttrs.
func (r *Recorder) WithAttrs([]slog.Attr) slog.Handler { return r }

// WithGroup returns r and ignores the group, because the servers under test do not use WithGroup.
func (r *Recorder) WithGroup(string) slog.Handler { return r }

// Entries returns a copy of all log records so far.
func (r *Recorder) Entries() []Entry {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.entries)
}

// With returns the log records in which the value of the attribute attr contains text.
func (r *Recorder) With(attr, text string) []Entry {
	return slices.DeleteFunc(r.Entries(), func(e Entry) bool { return !strings.Contains(e.Attrs[attr], text) })
}

// Await waits until there are n log records in which the value of the attribute attr contains text, and fails the test if
// they do not come. The server may write a line after its client has read the answer.
func (r *Recorder) Await(t testing.TB, n int, attr, text string) {
	t.Helper()
	if !Within(Wait, func() bool { return len(r.With(attr, text)) >= n }) {
		t.Errorf("the log has %d lines with %q in %s, want %d", len(r.With(attr, text)), text, attr, n)
	}
}

// Has reports whether the message or an attribute of any log record contains text.
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
