package browserguard

import (
	"log/slog"
	"sync"
	"time"
)

// Refusals logs that browsers are refused. A browser shows its user no reason for a refused connection, so the log is
// where an operator learns which setting is missing, for example behind a proxy. Any page can make browsers send
// requests, so each text is logged at most once a minute.
type Refusals struct {
	mu   sync.Mutex
	last map[string]time.Time // by text
}

// Warn logs a warning, unless the last minute has one with the same text. text must be a constant.
func (f *Refusals) Warn(log *slog.Logger, text string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if now := time.Now(); now.Sub(f.last[text]) >= time.Minute {
		if f.last == nil {
			f.last = map[string]time.Time{}
		}
		f.last[text] = now
		log.Warn(text, args...)
	}
}

// Shown returns the part of a header that a record shows.
func Shown(header string) string { return header[:min(len(header), 100)] }
