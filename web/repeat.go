package web

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
)

// keptAnswer is the part of an answer that only HTTP has, and that is kept for an idempotency key.
type keptAnswer struct {
	Status   int         `json:"status,omitempty"`
	Location string      `json:"location,omitempty"` // of a redirect
	Header   http.Header `json:"header,omitempty"`   // that the action has set, or has deleted: nil
	Added    http.Header `json:"added,omitempty"`    // that the action has added to values of the middleware
}

// keepHeader keeps what an action has changed of the headers before. The middleware sets its own headers again in each
// answer, for example a cookie that has a new value.
func (k *keptAnswer) keepHeader(before, now http.Header) {
	keep := func(to *http.Header, name string, values []string) {
		if *to == nil {
			*to = http.Header{}
		}
		(*to)[name] = values
	}
	for name, values := range now {
		old := before[name]
		switch {
		case slices.Equal(values, old):
		case len(old) > 0 && len(values) > len(old) && slices.Equal(values[:len(old)], old):
			keep(&k.Added, name, values[len(old):])
		default:
			keep(&k.Header, name, values)
		}
	}
	for name := range before {
		if _, there := now[name]; !there {
			keep(&k.Header, name, nil)
		}
	}
}

// WatchAnswer implements transport.AnswerRepeater.
func (c *call) WatchAnswer() (changed func() (state []byte, repeatable, failed bool)) {
	before := maps.Clone(c.w.Header())
	return func() (state []byte, repeatable, failed bool) {
		c.mu.RLock()
		defer c.mu.RUnlock()
		if c.hijackedByAction.Load() || c.fault != nil {
			return nil, false, c.fault != nil
		}
		kept := keptAnswer{Status: c.status, Location: c.location}
		kept.keepHeader(before, c.w.Header())
		if kept.Status == 0 && kept.Header == nil && kept.Added == nil {
			return nil, true, false
		}
		state, err := json.Marshal(kept)
		return state, err == nil, false
	}
}

// RepeatAnswer implements transport.AnswerRepeater.
func (c *call) RepeatAnswer(state []byte) {
	c.change(func() {
		var kept keptAnswer
		if json.Unmarshal(state, &kept) != nil {
			return // another transport has kept it
		}
		c.status, c.location = kept.Status, kept.Location
		header := c.w.Header()
		for name, values := range kept.Header {
			if header[name] = values; values == nil {
				delete(header, name)
			}
		}
		for name, values := range kept.Added {
			header[name] = append(slices.Clip(header[name]), values...)
		}
	})
}
