package actionhero

import (
	"context"
	"fmt"
	"hash/maphash"
	"net/netip"
	"sync"
	"time"
)

// Bounds of the limiter's memory: 64 shards of 2,048 addresses take about 8 MiB at most. If requests come from more
// addresses, the limiter forgets addresses instead of growing.
const (
	limiterShards    = 64
	limiterShardSize = 2048
)

// limiter limits the requests of each client address with the generic cell rate algorithm (GCRA). It stores one time
// per address. From that time, take computes how much of the limit is used and when the full limit is available again,
// so there are no counters to reset.
type limiter struct {
	limit  int
	window time.Duration
	each   time.Duration // window/limit: the time in which one more request becomes allowed
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

// take counts one request of the client address ip. If the limit allows the request, take returns the number of
// remaining requests and a wait of 0. Otherwise take returns, as wait, the time until the next request is allowed. An
// ip that does not parse has no limit.
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

// forgetLooks is the maximum number of addresses that one call of forget examines. The number is small because a
// request must not scan a full shard, not even if requests come from many addresses.
const forgetLooks = 8

// forget removes addresses from a full shard to make space for one more. forget examines forgetLooks addresses and
// removes those that have their full limit again. If none of them has, forget removes the examined address that will
// have its full limit first.
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

// limitKey returns the key of the client address ip in the limiter: the IPv4 address, or the /64 network of an IPv6
// address, because one client has a whole /64 network. If ip does not parse, limitKey returns false.
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

// admit counts one request of the client address ip. If the limit is used up, admit returns the error for the client.
func (l *limiter) admit(ip string) (remaining int, err *Error) {
	remaining, wait := l.take(ip, time.Now())
	if wait > 0 {
		return remaining, &Error{
			Code: CodeResourceExhausted, RetryAfter: wait,
			Message: fmt.Sprintf("too many requests: %d are allowed in %v", l.limit, l.window),
		}
	}
	return remaining, nil
}

func (l *limiter) middleware(next Handler) Handler {
	return func(ctx context.Context, req *Request) (any, error) {
		if req.RemoteIP == "" || req.isInner() {
			return next(ctx, req)
		}
		remaining, err := l.admit(req.RemoteIP)
		req.Remaining = remaining
		if err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}
