package local

import (
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// The methods of this file are for the typed cache, which uses them instead of the methods of [backend.Store] if its
// store has them. They take a key in two parts, which need no memory to be joined, and skip what the typed cache does
// not use: the times of an entry, and JSON that the caller would write only to be copied.

// joinRoom is the length up to which the joined parts of a key are on the stack.
const joinRoom = 128

// join returns prefix+key, in room if it fits.
func join(room []byte, prefix, key string) string {
	if prefix == "" {
		return key
	}
	return jsonx.ViewString(append(append(room, prefix...), key...))
}

// View returns the value under prefix+key, with the errors of Get. text is true if the value is a JSON string whose text
// is the bytes between the quotes.
func (s *store) View(prefix, key string) (value []byte, text bool, err error) {
	var room [joinRoom]byte
	full := join(room[:0], prefix, key)
	sh, hash, err := s.locate(&s.entries, full)
	if err != nil {
		return nil, false, err
	}
	it := s.find(sh, hash, full, s.clock.now())
	if it == nil {
		return nil, false, backend.ErrNotFound
	}
	return it.value(), it.text, nil
}

// Write stores a copy of value under prefix+key, as Set does.
func (s *store) Write(prefix, key string, value []byte, ttl time.Duration) error {
	var room [joinRoom]byte
	return s.write(join(room[:0], prefix, key), content{json: value}, ttl)
}

// WriteText stores the JSON of text under prefix+key, as Set does.
func (s *store) WriteText(prefix, key, text string, ttl time.Duration) error {
	if !jsonx.IsPlain(text) {
		return s.Write(prefix, key, jsonx.AppendString(make([]byte, 0, len(text)+len(text)/8+quotes), text), ttl)
	}
	var room [joinRoom]byte
	return s.write(join(room[:0], prefix, key), content{text: text, isText: true}, ttl)
}

// content is a value to store: JSON, or a text that needs no escapes.
type content struct {
	json   []byte
	text   string
	isText bool
}

func (c *content) bytes() int {
	if c.isText {
		return len(c.text) + quotes
	}
	return len(c.json)
}

func (c *content) item(hash uint64, key string, created, expires int64) *item {
	if c.isText {
		return newTextItem(hash, key, c.text, created, expires)
	}
	return newItem(hash, key, c.json, created, expires)
}

// write does the work of Set.
func (s *store) write(key string, c content, ttl time.Duration) error {
	sh, hash, err := s.locate(&s.entries, key)
	if err != nil {
		return err
	}
	if ttl < 0 {
		s.loads.detach(key)
		sh.remove(hash, key, &s.budget)
		return nil
	}
	if err := s.checkSize(key, c.bytes()); err != nil {
		return err
	}
	s.loads.detach(key)
	now := s.clock.nowSynced()
	it := c.item(hash, key, now, s.clock.deadline(now, ttl))
	_, err = s.update(sh, hash, key, now, "an entry", func(*item) *item { return it })
	return err
}
