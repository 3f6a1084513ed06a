package dev

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long no event must come before the files are compared: an editor and a generator write several files.
	quiet = 25 * time.Millisecond
	// mostQuiet bounds that wait, counted from the first event.
	mostQuiet = 250 * time.Millisecond
	// defaultPoll is the time between two comparisons if the system reports no events.
	defaultPoll = 300 * time.Millisecond
)

// watcher finds changes of a tree.
type watcher struct {
	tree  *tree
	poll  time.Duration // zero: by events
	note  func(text string)
	found func(change)

	events *fsnotify.Watcher // nil: by polling
	last   time.Time         // of an event that matters
}

// start begins to watch, before the first scan, so that no change is missed.
func (w *watcher) start() {
	if w.poll == 0 {
		events, err := fsnotify.NewWatcher()
		if w.events = events; err == nil {
			err = w.follow(w.tree.folders())
		}
		if err != nil {
			w.giveUp(err)
		}
	}
	w.tree.scan()
}

// giveUp goes on by polling, because the system has no more events.
func (w *watcher) giveUp(cause error) {
	if w.events != nil {
		_ = w.events.Close()
		w.events = nil
	}
	w.poll = defaultPoll
	w.note(fmt.Sprintf("the files are compared every %v, because the system reports no changes: %v", w.poll, cause))
}

func (w *watcher) follow(folders []string) error {
	for _, folder := range folders {
		if err := w.events.Add(folder); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	return nil
}

// run calls found for each change until ctx ends.
func (w *watcher) run(ctx context.Context) {
	tick := time.NewTicker(max(w.poll, time.Millisecond))
	defer tick.Stop()
	if w.events != nil {
		tick.Stop()
	}
	var wake pause
	for {
		var events <-chan fsnotify.Event
		var errs <-chan error
		if w.events != nil {
			events, errs = w.events.Events, w.events.Errors
		}
		select {
		case <-ctx.Done():
			if w.events != nil {
				_ = w.events.Close()
			}
			return
		case event := <-events:
			if w.matters(event) {
				w.last = wake.extend()
			}
		case <-errs: // events were lost
			w.last = wake.extend()
		case <-wake.due:
			wake.due = nil
			if err := w.look(); err != nil {
				w.giveUp(err)
				tick.Reset(w.poll)
			}
		case w.last = <-tick.C:
			_ = w.look() // has no events to register
		}
	}
}

// pause is the wait for the end of a group of events.
type pause struct {
	timer *time.Timer
	due   <-chan time.Time // nil: nothing waits
	first time.Time
}

// extend begins the wait, or extends it because of a further event. It returns the present time.
func (p *pause) extend() (now time.Time) {
	now = time.Now()
	if p.due == nil {
		p.first, p.timer = now, time.NewTimer(quiet)
		p.due = p.timer.C
	} else if left := mostQuiet - now.Sub(p.first); left > 0 {
		p.timer.Reset(min(quiet, left))
	}
	return now
}

// matters reports whether an event may be about a file that matters, or about a folder.
func (w *watcher) matters(event fsnotify.Event) bool {
	if event.Op == fsnotify.Chmod || isOfEditor(filepath.Base(event.Name)) {
		return false
	}
	w.tree.mu.Lock()
	_, known := w.tree.files[event.Name]
	k, patterns := w.tree.kindOf(event.Name), w.tree.embeds
	w.tree.mu.Unlock()
	if known || k != nothing || embeds(patterns, event.Name) {
		return true
	}
	if event.Has(fsnotify.Create) {
		info, err := os.Stat(event.Name)
		return err == nil && info.IsDir()
	}
	return filepath.Ext(event.Name) == "" && !event.Has(fsnotify.Write) // a folder may have gone
}

// look compares the files, and watches new folders.
func (w *watcher) look() error {
	var err error
	if w.events != nil {
		err = w.follow(w.tree.folders())
	}
	if c := w.tree.scan(); c.kind != nothing {
		c.at = w.last
		w.found(c)
	}
	return err
}
