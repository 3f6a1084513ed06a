package local

import (
	"context"
	"crypto/rand"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// loads has the running loads of values, by the key of the value, see [backend.Store.Reserve].
type loads struct {
	running atomic.Int32 // the number of loads in byKey, so that a change of the store without loads takes no lock

	mu    sync.Mutex // held while a loaded value is stored, so that a change of the key comes before or after that
	byKey map[string]*load
}

type load struct {
	id      string
	expires int64 // clock time
	done    chan struct{}
}

// reserve returns the load of the key, and whether it is new.
func (l *loads) reserve(key string, now, expires int64) (id string, mine bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if running := l.byKey[key]; running != nil {
		if running.expires > now {
			return running.id, false
		}
		l.remove(key, running)
	}
	if l.byKey == nil {
		l.byKey = map[string]*load{}
	}
	started := &load{id: rand.Text(), expires: expires, done: make(chan struct{})}
	l.byKey[strings.Clone(key)] = started
	l.running.Add(1)
	return started.id, true
}

// end ends the load of the key with this id and calls store, unless that load has ended before.
func (l *loads) end(key, id string, store func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if running := l.byKey[key]; running != nil && running.id == id {
		store()
		l.remove(key, running)
	}
}

// renew makes the load of the key with this id end at the clock time expires. It returns false if there is no such load.
func (l *loads) renew(key, id string, now, expires int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	running := l.byKey[key]
	if running == nil || running.id != id || running.expires <= now {
		return false
	}
	running.expires = expires
	return true
}

// remove ends a load. The caller holds l.mu.
func (l *loads) remove(key string, running *load) {
	delete(l.byKey, key)
	l.running.Add(-1)
	close(running.done)
}

// detach ends the load of the key, because the caller is about to change the value of the key. A caller must call detach
// before the change, so that a load that begins after the change began is kept.
func (l *loads) detach(key string) {
	if l.running.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if running := l.byKey[key]; running != nil {
		l.remove(key, running)
	}
}

// detachAll does the work of detach for all keys with the prefix.
func (l *loads) detachAll(prefix string) {
	if l.running.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for key, running := range l.byKey {
		if strings.HasPrefix(key, prefix) {
			l.remove(key, running)
		}
	}
}

// await returns a channel that is closed when the load of the key with this id has ended, and the clock time at which it
// expires. If there is no such load, await returns nil.
func (l *loads) await(key, id string) (done <-chan struct{}, expires int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if running := l.byKey[key]; running != nil && running.id == id {
		return running.done, running.expires
	}
	return nil, 0
}

func (s *store) Reserve(ctx context.Context, key string, ttl time.Duration) (e backend.Entry, load string, mine bool, err error) {
	if e, err = s.Get(ctx, key); err != backend.ErrNotFound {
		return e, "", false, err
	}
	now := s.clock.nowSynced()
	load, mine = s.loads.reserve(key, now, s.clock.deadline(now, max(ttl, time.Millisecond)))
	// A load may have stored the value and ended since Get.
	if mine {
		if e, err = s.Get(ctx, key); err != backend.ErrNotFound {
			s.loads.end(key, load, func() {})
			return e, "", false, err
		}
	}
	return backend.Entry{}, load, mine, nil
}

func (s *store) Fill(ctx context.Context, key, load string, value []byte, ttl time.Duration) (stored bool, err error) {
	if _, _, err := s.locate(&s.entries, key); err != nil {
		return false, err
	}
	s.loads.end(key, load, func() {
		if value != nil {
			stored, err = s.add(key, value, ttl)
		}
	})
	return stored, err
}

func (s *store) Renew(_ context.Context, key, load string, ttl time.Duration) (held bool, err error) {
	if _, _, err := s.locate(&s.entries, key); err != nil {
		return false, err
	}
	now := s.clock.nowSynced()
	return s.loads.renew(key, load, now, s.clock.deadline(now, max(ttl, time.Millisecond))), nil
}

func (s *store) AwaitLoad(ctx context.Context, key, load string) error {
	if _, _, err := s.locate(&s.entries, key); err != nil {
		return err
	}
	done, expires := s.loads.await(key, load)
	if done == nil {
		return nil
	}
	expired := time.NewTimer(time.Duration(expires - s.clock.now()))
	defer expired.Stop()
	select {
	case <-done:
	case <-expired.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}
