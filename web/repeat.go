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
	Header   http.Header `json:"header,omitempty"`
}

// WatchAnswer implements transport.AnswerRepeater.
func (c *call) WatchAnswer() (changed func() (state []byte, repeatable, failed bool)) {
	before := maps.Clone(c.w.Header())
	return func() (state []byte, repeatable, failed bool) {
		c.mu.RLock()
		defer c.mu.RUnlock()
		if c.hijackedByAction || c.fault != nil {
			return nil, false, c.fault != nil
		}
		kept := keptAnswer{Status: c.status, Location: c.location}
		for name, values := range c.w.Header() {
			if !slices.Equal(values, before[name]) {
				if kept.Header == nil {
					kept.Header = http.Header{}
				}
				kept.Header[name] = values
			}
		}
		if kept.Header["Set-Cookie"] != nil {
			return nil, false, false // it may be a login, which belongs to one client, and the store must not have it
		}
		if kept.Status == 0 && kept.Header == nil {
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
		maps.Copy(c.w.Header(), kept.Header)
	})
}
