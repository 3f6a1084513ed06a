package actionhero

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// The limiter's bounds: a flood of addresses can make it forget, never grow. 64 shards of 2,048 addresses are about
// 8 MiB at most.
const (
	limiterShards    = 64
	limiterShardSize = 2048
)

// limiter counts the requests of each client address by the generic cell rate algorithm (GCRA): one time per
// address says both how much of the limit is used and when it is free again, without counters to reset.
type limiter struct {
	limit  int
	window time.Duration
	each   time.Duration // what one request costs
	seed   maphash.Seed
	shards [limiterShards]limiterShard
}

type limiterShard struct {
	mu  sync.Mutex
	tat map[netip.Prefix]time.Time // when the address will have all its requests back
}

func newLimiter(limit int, window time.Duration) *limiter {
	l := &limiter{limit: limit, window: window, each: max(window/time.Duration(limit), 1), seed: maphash.MakeSeed()}
	for i := range l.shards {
		l.shards[i].tat = map[netip.Prefix]time.Time{}
	}
	return l
}

// take counts one request. It returns how many remain, or, when there are none left, how long until the next.
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

// forgetLooks is how many addresses are looked at to make room for another. A full shard must not cost a flood's
// every request a look at all of it.
const forgetLooks = 8

// forget makes room: of some addresses it drops those that have all their requests back, or else the one that is
// nearest to that.
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

// limitKey is the address, or the /64 network of an IPv6 one, because one client has a whole such network for itself.
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
