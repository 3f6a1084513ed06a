package actionhero

import (
	"context"
	"fmt"
	"net/netip"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/gcra"
)

// limiter limits the requests of each client address: see Config.RequestLimit.
type limiter struct {
	limit   int
	window  time.Duration
	rate    backend.Rate
	table   *gcra.Table
	headers *gcra.Headers
}

func newLimiter(limit int, window time.Duration) *limiter {
	rate := backend.Rate{Every: max(window/time.Duration(limit), 1), Burst: limit}
	return &limiter{limit, window, rate, gcra.NewTable(), gcra.NewHeaders(requestLimitName, rate)}
}

// take counts one request of the client address ip. If the limit allows the request, take returns a Wait of 0. An ip that
// does not parse has no limit.
func (l *limiter) take(ip string) backend.Taken {
	client, ok := limitKey(ip)
	if !ok {
		return backend.Taken{}
	}
	return l.table.Take(client.Addr().As16(), l.rate)
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
func (l *limiter) admit(ip string) (taken backend.Taken, remaining int, err *Error) {
	if taken = l.take(ip); taken.Wait > 0 {
		return taken, 0, &Error{
			Code: CodeResourceExhausted, RetryAfter: taken.Wait,
			Message: fmt.Sprintf("too many requests: %d are allowed in %v", l.limit, l.window),
		}
	}
	return taken, l.rate.Left(taken.Full), nil
}

func (l *limiter) middleware(next Handler) Handler {
	return func(ctx context.Context, req *Request) (any, error) {
		if req.RemoteIP == "" || req.IsInner() {
			return next(ctx, req)
		}
		taken, remaining, err := l.admit(req.RemoteIP)
		req.Remaining = remaining
		l.headers.Tell(req.Extra, remaining, taken)
		if err != nil {
			return nil, err
		}
		return next(ctx, req)
	}
}

// requestLimitName is the name of the limit in the headers about it.
const requestLimitName = "requests"
