package gcra

import (
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Tell adds two headers about a limit to the answer of a request, if its transport has headers. The headers are those of
// draft-ietf-httpapi-ratelimit-headers: the rate of the limit, and the events that are left. extra is actionhero.Request.Extra.
// The name must need no escapes.
func Tell(extra any, name string, rate backend.Rate, taken backend.Taken) {
	h, ok := extra.(interface{ AddResponseHeader(name, value string) })
	if !ok {
		return
	}
	left, next := rate.Left(taken.Full), taken.Full
	if taken.Wait > 0 {
		left, next = 0, taken.Wait
	}
	h.AddResponseHeader("RateLimit-Policy", member(name, "q", rate.Burst, "w", rate.Window()))
	h.AddResponseHeader("RateLimit", member(name, "r", left, "t", next))
}

func member(name, count string, n int, seconds string, d time.Duration) string {
	dst := append(make([]byte, 0, len(name)+32), '"')
	dst = append(append(append(dst, name...), `";`...), count...)
	dst = strconv.AppendInt(append(dst, '='), int64(n), 10)
	dst = append(append(append(dst, ';'), seconds...), '=')
	return string(strconv.AppendInt(dst, int64((d+time.Second-1)/time.Second), 10))
}
