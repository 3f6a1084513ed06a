package actionhero

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// Bounds of the limiter. A flood of addresses can make it forget addresses, but not grow: 64 shards of 2,048 addresses
// take about 8 MiB at most.
const (
	limiterShards    = 64
	limiterShardSize = 2048
)

// limiter limits the requests of each client address by the generic cell rate algorithm (GCRA). One time per address
// says how much of the limit is used and when it is free again, so there are no counters to reset.
type limiter struct {
	limit  int
	window time.Duration
	each   time.Duration // the time that one request costs
	seed   maphash.Seed
	shards [limiterShards]limiterShard
}

type limiterShard struct {
	mu  sync.Mutex
	tat map[netip.Prefix]time.Time // when the address will have its full limit again
}

func newLimiter(limit int, window time.Duration) *limiter {
	l := &limiter{limit: limit, window: window, each: max(window/time.Duration(limit), 1), seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].tat = map[netip.Prefix]time.Time{}
	}
	return l
}

// take counts one request. It returns how many remain, or the time until the next one is allowed if none remain.
func (l *limiter) take(ip string, now time.Time) (remaining int, wait time.Duration) {
	key, ok := limitKey(ip)
	if !ok {
		return l.limit, 0
	}
	s := &l.shards[maphash.Comparable(l.seed, key)%limiterShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	tat, known := s.tat[key]
	if !known && len(s.tat) >= limiterShardSize {
		s.forget(now)
	}
	if tat.Before(now) {
		tat = now
	}
	next := tat.Add(l.each)
	if over := next.Sub(now) - l.window; over > 0 {
		return 0, over
	}
	s.tat[key] = next
	return int((l.window - next.Sub(now)) / l.each), 0
}

// forgetLooks is the number of addresses that forget looks at. In a flood, a request must not scan a full shard.
const forgetLooks = 8

// forget makes space for one address. Of forgetLooks addresses it drops those that have their full limit again, or else
// the one that is nearest to it.
func (s *limiterShard) forget(now time.Time) {
	var nearest netip.Prefix
	var soonest time.Time
	looks, dropped := 0, false
	for key, tat := range s.tat {
		if tat.Before(now) {
			delete(s.tat, key)
			dropped = true
		} else if soonest.IsZero() || tat.Before(soonest) {
			nearest, soonest = key, tat
		}
		if looks++; looks == forgetLooks {
			break
		}
	}
	if !dropped {
		delete(s.tat, nearest)
	}
}

// limitKey returns the address, or the /64 network of an IPv6 address, because one client has a whole /64 network.
func limitKey(ip string) (netip.Prefix, bool) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return netip.Prefix{}, false
	}
	addr = addr.Unmap().WithZone("")
	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	prefix, err := addr.Prefix(bits)
	return prefix, err == nil
}

func (l *limiter) middleware(next Handler) Handler {
	return func(ctx context.Context, req *Request) (any, error) {
		if req.RemoteIP == "" {
			return next(ctx, req)
		}
		remaining, wait := l.take(req.RemoteIP, time.Now())
		req.Remaining = remaining
		if wait > 0 {
			return nil, &Error{
				Code: CodeResourceExhausted, RetryAfter: wait,
				Message: fmt.Sprintf("too many requests: %d are allowed in %v", l.limit, l.window),
			}
		}
		return next(ctx, req)
	}
}
