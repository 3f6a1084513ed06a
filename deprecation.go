package actionhero

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Deprecation declares that clients should stop calling an action. A call works as before. Over HTTP the answer has the
// headers Deprecation (RFC 9745), Sunset (RFC 8594) and Link. Documents and lists mark the action. The log has a line with
// each client that still calls, at most once an hour.
type Deprecation struct {
	Since       string // from when on, as in "2026-12-01" or RFC 3339; it may be in the future; required
	Sunset      string // from when on the action may be gone, in the same form; not before Since; default: not known
	Replacement string // the action to call instead: "NAME", or "v2/NAME" for a version; default: none
	Link        string // the URL of a page about the change; default: none
}

// String returns what lists show to people, such as "since 2026-12-01, gone from 2027-06-01: use v2/ticketCreate".
func (d *Deprecation) String() string {
	text := "since " + d.Since
	if d.Sunset != "" {
		text += ", gone from " + d.Sunset
	}
	switch {
	case d.Replacement != "" && d.Link != "":
		text += ": use " + d.Replacement + ", see " + d.Link
	case d.Replacement != "":
		text += ": use " + d.Replacement
	case d.Link != "":
		text += ": see " + d.Link
	}
	return text
}

// Times returns Since and Sunset, or zero times for texts that are no times. A date begins at midnight UTC.
func (d *Deprecation) Times() (since, sunset time.Time) {
	since, _ = deprecationTime(d.Since)
	sunset, _ = deprecationTime(d.Sunset)
	return since, sunset
}

func deprecationTime(text string) (time.Time, error) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, nil
	}
	return time.Parse(time.RFC3339, text)
}

// check returns an error that names the wrong field.
func (d *Deprecation) check() error {
	since, err := deprecationTime(d.Since)
	if err != nil {
		return fmt.Errorf("its Deprecated has Since %q: write a date such as 2026-12-01", d.Since)
	}
	if d.Sunset != "" {
		sunset, err := deprecationTime(d.Sunset)
		if err != nil {
			return fmt.Errorf("its Deprecated has Sunset %q: write a date such as 2027-06-01", d.Sunset)
		}
		if sunset.Before(since) {
			return fmt.Errorf("its Deprecated has Sunset %s before Since %s: change one", d.Sunset, d.Since)
		}
	}
	if plain, _ := cutVersion(d.Replacement); d.Replacement != "" && !actionName.MatchString(plain) {
		return fmt.Errorf("its Deprecated has Replacement %q: write the name of an action, such as v2/ticketCreate", d.Replacement)
	}
	if d.Link != "" {
		link, err := url.Parse(d.Link)
		if err != nil || link.Scheme != "https" && link.Scheme != "http" || link.Host == "" || strings.ContainsAny(d.Link, "<>\" ") {
			return errors.New("its Deprecated has a Link that is no URL with https:// or http://")
		}
	}
	return nil
}

// setDeprecated stores the deprecation of the action.
func (act *action) setDeprecated(d *Deprecation) error {
	if d == nil {
		return nil
	}
	if err := d.check(); err != nil {
		return fmt.Errorf("action %q: %w", act.info.Name, err)
	}
	kept := *d
	act.info.Deprecated = &kept
	return nil
}

// Limits on the log lines about deprecated actions.
const (
	deprecatedEvery   = time.Hour // between two lines about one caller and action
	maxDeprecatedSeen = 1000      // callers and actions within that time
)

// deprecatedCalls remembers who has called which deprecated action since the time from.
type deprecatedCalls struct {
	mu   sync.Mutex
	from time.Time
	seen map[deprecatedCall]bool
}

type deprecatedCall struct{ action, caller string }

// isNew reports whether the log has no line about the call yet. last reports that no further callers fit: the log then says
// so once.
func (d *deprecatedCalls) isNew(call deprecatedCall, at time.Time) (isNew, last bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.seen == nil || at.Sub(d.from) >= deprecatedEvery {
		d.from, d.seen = at, map[deprecatedCall]bool{}
	}
	if d.seen[call] || len(d.seen) >= maxDeprecatedSeen {
		return false, false
	}
	d.seen[call] = true
	return true, len(d.seen) == maxDeprecatedSeen
}

// noteDeprecated logs who calls a deprecated action: the identity, the address, or the action or task that calls it.
func (api *API) noteDeprecated(req *Request) {
	info := &req.act.info
	if since, _ := info.Deprecated.Times(); req.Started.Before(since) {
		return
	}
	caller, by := req.RemoteIP, ""
	if id := req.identityNow(); id != nil && id.ID != "" {
		caller = "user " + shortened(id.ID, maxLoggedName)
	}
	if req.caller != nil {
		by = shortened(req.caller.Action, maxLoggedName)
		caller = "action " + by
	}
	isNew, last := api.deprecated.isNew(deprecatedCall{info.VersionedName(), caller}, req.Started)
	if !isNew {
		return
	}
	attrs := []any{slog.String("action", info.Name), slog.String("remote", req.RemoteIP), slog.String("transport", req.Transport), slog.String("request_id", req.ID())}
	add := func(key, value string) {
		if value != "" {
			attrs = append(attrs, slog.String(key, value))
		}
	}
	if info.Version > 0 {
		attrs = append(attrs, slog.Int("version", info.Version))
	}
	if id := req.identityNow(); id != nil {
		add("user", shortened(id.ID, maxLoggedName))
	}
	add("by", by)
	add("sunset", info.Deprecated.Sunset)
	add("replacement", info.Deprecated.Replacement)
	api.log.Warn("a deprecated action is called", attrs...)
	if last {
		api.log.Warn("deprecated actions have more callers than the log names in an hour", "callers", maxDeprecatedSeen)
	}
}
