package gcra

import (
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Headers tells clients about one limit, with the headers of draft-ietf-httpapi-ratelimit-headers.
type Headers struct {
	name, policy string
	rate         backend.Rate
}

// NewHeaders returns the Headers of a limit. The name must need no escapes.
func NewHeaders(name string, rate backend.Rate) Headers {
	return Headers{name, member(name, "q", rate.Burst, "w", rate.Window()), rate}
}

// Tell adds the headers to the answer of a request, if its transport has headers: the rate of the limit, and the events
// that are left. extra is actionhero.Request.Extra.
func (l Headers) Tell(extra any, taken backend.Taken) {
	h, ok := extra.(interface{ AddResponseHeader(name, value string) })
	if !ok {
		return
	}
	left, next := l.rate.Left(taken.Full), taken.Full
	if taken.Wait > 0 {
		left, next = 0, taken.Wait
	}
	h.AddResponseHeader("RateLimit-Policy", l.policy)
	h.AddResponseHeader("RateLimit", member(l.name, "r", left, "t", next))
}

func member(name, count string, n int, seconds string, d time.Duration) string {
	dst := append(make([]byte, 0, len(name)+32), '"')
	dst = append(append(append(dst, name...), `";`...), count...)
	dst = strconv.AppendInt(append(dst, '='), int64(n), 10)
	dst = append(append(append(dst, ';'), seconds...), '=')
	return string(strconv.AppendInt(dst, int64((d+time.Second-1)/time.Second), 10))
}
