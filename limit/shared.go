package limit

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/gcra"
)

const (
	askTime   = time.Second // the longest time that a request waits for the server
	pause     = time.Second // the time after a failure in which one request asks the server, and all others count alone
	logPeriod = time.Minute // an outage is logged once in this time
	longKey   = 128         // a longer key is sent as a digest
)

// shared is the state of a limit that the cluster shares. Its times are nanoseconds since base, which a change of the clock
// of the machine does not move; 0: there was no failure.
type shared struct {
	base     time.Time
	askAgain atomic.Int64
	logged   atomic.Int64
}

// takeShared counts one event of the key in the cluster. The table of this node keeps the last answers: they say which keys
// are limited, so a client that goes on beyond its limit costs no call of the server. While the server does not answer, the
// table counts.
func (l *Limiter) takeShared(ctx context.Context, api *actionhero.API, key string, k gcra.Key) backend.Taken {
	if known := l.table.Look(k, l.rate); known.Wait > 0 {
		return known
	}
	if !l.shared.mayAsk() {
		return l.table.Take(k, l.rate)
	}
	within, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	taken, err := api.Config().Backend.Store().Take(within, l.storeKey(key), l.rate)
	if err != nil {
		if ctx.Err() == nil { // otherwise the client is gone
			l.shared.failed(api, l.limit.Name, err)
		}
		return l.table.Take(k, l.rate)
	}
	l.shared.askAgain.Store(0)
	l.table.Raise(k, taken.Full)
	return taken
}

func (l *Limiter) storeKey(key string) string {
	if len(key) <= longKey {
		return l.limit.Name + "/" + key
	}
	sum := sha256.Sum256([]byte(key))
	return l.limit.Name + "#" + base64.RawURLEncoding.EncodeToString(sum[:])
}

func (s *shared) now() int64 { return int64(time.Since(s.base)) }

// mayAsk reports whether a request may ask the server.
func (s *shared) mayAsk() bool {
	at := s.askAgain.Load()
	if at == 0 {
		return true
	}
	now := s.now()
	return now >= at && s.askAgain.CompareAndSwap(at, now+int64(pause))
}

// failed notes that the server has not answered.
func (s *shared) failed(api *actionhero.API, name string, err error) {
	now := s.now()
	s.askAgain.Store(now + int64(pause))
	if last := s.logged.Load(); (last == 0 || now-last >= int64(logPeriod)) && s.logged.CompareAndSwap(last, now) {
		api.Log().Warn("a shared limit counts on this node alone, because the backend does not answer", "limit", name, "error", err.Error())
	}
}
