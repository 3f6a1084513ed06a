package main

import (
	"bytes"
	"context"
	"errors"
	"hash/maphash"
	"log/slog"
	"sync"

	"github.com/maypok86/otter/v2"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

// value holds the same content as text and as bytes, so that no cache has to convert it.
type value struct {
	text string
	raw  []byte
}

// cache is a cache to measure.
type cache interface {
	set(key string, v value) error
	get(key string) error            // reads the value and touches its first and last byte
	read(key string) (string, error) // for the check after the measurement
}

// makers holds a constructor for each cache. A cache with a limit of its memory gets maxBytes.
var makers = map[string]func(ctx context.Context, maxBytes int64) (cache, error){
	"bare map":                      func(context.Context, int64) (cache, error) { return newBare(bytes.Clone), nil },
	"bare map, nothing copied":      func(context.Context, int64) (cache, error) { return newBare(func(b []byte) []byte { return b }), nil },
	"Store":                         newStore,
	"Cache":                         newUntyped,
	"CacheOf[string]":               newTyped("", func(text string) string { return text }, func(text string) string { return text }),
	"CacheOf[string] with a prefix": newTyped("session:", func(text string) string { return text }, func(text string) string { return text }),
	"CacheOf a struct":              newTyped("", newSession, func(s session) string { return s.Data }),
	"otter (evicts values if full)": func(context.Context, int64) (cache, error) { return newOtter() },
}

// formerNames maps a cache to its name in older checkouts. The flag -base starts it by that name in every checkout, so
// maker accepts both names.
var formerNames = map[string]string{
	"CacheOf[string]":               "Cached[string]",
	"CacheOf[string] with a prefix": "Cached[string] with a prefix",
	"CacheOf a struct":              "Cached of a struct",
}

// maker returns the constructor of a cache, by its name or its former name.
func maker(name string) func(ctx context.Context, maxBytes int64) (cache, error) {
	for now, former := range formerNames {
		if name == former {
			name = now
		}
	}
	return makers[name]
}

// bounded marks the caches of this repository: if one is full, it refuses a write.
type bounded interface{ bounded() }

func (*store) bounded()    {}
func (*untyped) bounded()  {}
func (*typed[T]) bounded() {}

var errMissing = errors.New("a key is missing, or has another value")

// touch reads the first and the last byte of a value: the minimum that a caller does.
func touch[T string | []byte](v T) error {
	if len(v) < valueBytes || v[0] == 0 || v[len(v)-1] == 0 {
		return errMissing
	}
	return nil
}

// bare is a minimal cache for many goroutines: a map in shards, without expiry, times and limit.
type bare struct {
	keep   func([]byte) []byte
	seed   maphash.Seed
	shards [64]struct {
		mu sync.RWMutex
		m  map[string][]byte
		_  [64]byte
	}
}

func newBare(keep func([]byte) []byte) *bare {
	b := &bare{keep: keep, seed: maphash.MakeSeed()}
	for i := range b.shards {
		b.shards[i].m = make(map[string][]byte)
	}
	return b
}

func (b *bare) set(key string, v value) error {
	s := &b.shards[maphash.String(b.seed, key)%64]
	raw := b.keep(v.raw)
	s.mu.Lock()
	s.m[key] = raw
	s.mu.Unlock()
	return nil
}

func (b *bare) find(key string) []byte {
	s := &b.shards[maphash.String(b.seed, key)%64]
	s.mu.RLock()
	raw := s.m[key]
	s.mu.RUnlock()
	return raw
}

func (b *bare) get(key string) error            { return touch(b.find(key)) }
func (b *bare) read(key string) (string, error) { return string(b.find(key)), nil }

func newAPI(ctx context.Context, maxBytes int64) (*actionhero.API, error) {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{MaxBytes: maxBytes}), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return nil, err
	}
	return api, api.Start(ctx)
}

// store measures the backend.Store of the embedded backend, without the Cache on top of it.
type store struct {
	ctx context.Context
	s   backend.Store
}

func newStore(ctx context.Context, maxBytes int64) (cache, error) {
	api, err := newAPI(ctx, maxBytes)
	if err != nil {
		return nil, err
	}
	return &store{ctx, api.Config().Backend.Store()}, nil
}

func (c *store) set(key string, v value) error { return c.s.Set(c.ctx, key, v.raw, ttl) }

func (c *store) get(key string) error {
	e, err := c.s.Get(c.ctx, key)
	if err != nil {
		return err
	}
	return touch(e.Value)
}

func (c *store) read(key string) (string, error) {
	e, err := c.s.Get(c.ctx, key)
	return string(e.Value), err
}

// untyped measures actionhero.Cache: values are encoded as JSON, and get does not decode them.
type untyped struct {
	ctx context.Context
	c   *actionhero.Cache
}

func newUntyped(ctx context.Context, maxBytes int64) (cache, error) {
	api, err := newAPI(ctx, maxBytes)
	if err != nil {
		return nil, err
	}
	return &untyped{ctx, api.Cache}, nil
}

func (c *untyped) set(key string, v value) error { return c.c.Set(c.ctx, key, v.text, ttl) }

func (c *untyped) get(key string) error {
	e, err := c.c.Get(c.ctx, key)
	if err != nil {
		return err
	}
	return touch(e.Value)
}

func (c *untyped) read(key string) (text string, err error) {
	e, err := c.c.Get(c.ctx, key)
	if err != nil {
		return "", err
	}
	return text, e.Decode(&text)
}

// session is a typical value of an application.
type session struct {
	User    int      `json:"user"`
	Name    string   `json:"name"`
	Roles   []string `json:"roles"`
	Expires int64    `json:"expires"`
	Data    string   `json:"data"`
}

func newSession(text string) session {
	return session{User: 42, Name: "Evan", Roles: []string{"admin", "editor"}, Expires: 1_700_000_000, Data: text}
}

// typed measures actionhero.CacheOf.
type typed[T any] struct {
	ctx  context.Context
	api  *actionhero.API
	c    actionhero.CacheOf[T]
	from func(string) T
	text func(T) string
}

func newTyped[T any](prefix string, from func(string) T, text func(T) string) func(context.Context, int64) (cache, error) {
	return func(ctx context.Context, maxBytes int64) (cache, error) {
		api, err := newAPI(ctx, maxBytes)
		if err != nil {
			return nil, err
		}
		return &typed[T]{ctx, api, actionhero.CacheOf[T]{Prefix: prefix}, from, text}, nil
	}
}

func (c *typed[T]) set(key string, v value) error {
	return c.c.Set(c.ctx, c.api, key, c.from(v.text), ttl)
}

func (c *typed[T]) get(key string) error {
	v, err := c.c.Get(c.ctx, c.api, key)
	if err != nil {
		return err
	}
	return touch(c.text(v))
}

func (c *typed[T]) read(key string) (string, error) {
	v, err := c.c.Get(c.ctx, c.api, key)
	return c.text(v), err
}

// peer measures otter, which evicts values if it is full.
type peer struct{ c *otter.Cache[string, string] }

func newOtter() (cache, error) {
	c, err := otter.New(&otter.Options[string, string]{MaximumSize: 2 * keys, ExpiryCalculator: otter.ExpiryWriting[string, string](ttl)})
	return &peer{c}, err
}

func (c *peer) set(key string, v value) error { c.c.Set(key, v.text); return nil }

func (c *peer) get(key string) error {
	v, _ := c.c.GetIfPresent(key)
	return touch(v)
}

func (c *peer) read(key string) (string, error) {
	v, _ := c.c.GetIfPresent(key)
	return v, nil
}
