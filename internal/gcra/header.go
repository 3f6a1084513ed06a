package gcra

import (
	"net/http"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Headers tells clients about one limit, with the headers of draft-ietf-httpapi-ratelimit-headers.
type Headers struct {
	policy string // the value of RateLimit-Policy, which is always the same
	state  string // the value of RateLimit, up to the events that are left
	lines  string // both headers, up to the events that are left
}

const (
	policyHeader = "RateLimit-Policy"
	stateHeader  = "RateLimit"
)

// NewHeaders returns the Headers of a limit. The name must need no escapes.
func NewHeaders(name string, rate backend.Rate) *Headers {
	policy := `"` + name + `";q=` + strconv.Itoa(rate.Burst) + ";w=" + strconv.FormatInt(wholeSeconds(rate.Window()), 10)
	state := `"` + name + `";r=`
	return &Headers{policy, state, policyHeader + ": " + policy + "\r\n" + stateHeader + ": " + state}
}

// Tell adds the headers to the answer of a request, if its transport has headers: the rate of the limit, the events that
// are left, and the time until there are more. extra is actionhero.Request.Extra.
func (h *Headers) Tell(extra any, left int, taken backend.Taken) {
	next := taken.Full
	if taken.Wait > 0 {
		next = taken.Wait
	}
	if fast, ok := extra.(interface {
		TellLimit(limit *Headers, left int, next time.Duration)
	}); ok {
		fast.TellLimit(h, left, next)
		return
	}
	if other, ok := extra.(interface{ AddResponseHeader(name, value string) }); ok {
		other.AddResponseHeader(policyHeader, h.policy)
		other.AddResponseHeader(stateHeader, h.value(left, next))
	}
}

// Add adds the headers to header.
func (h *Headers) Add(header http.Header, left int, next time.Duration) {
	header[policyKey] = append(header[policyKey], h.policy)
	header[stateKey] = append(header[stateKey], h.value(left, next))
}

// The names as an http.Header has them: Header.Add would make them anew for each answer.
var policyKey, stateKey = http.CanonicalHeaderKey(policyHeader), http.CanonicalHeaderKey(stateHeader)

// AppendLines appends the lines of the headers, each with its line break.
func (h *Headers) AppendLines(dst []byte, left int, next time.Duration) []byte {
	return append(appendState(append(dst, h.lines...), left, next), "\r\n"...)
}

// value returns the value of RateLimit.
func (h *Headers) value(left int, next time.Duration) string {
	return string(appendState(append(make([]byte, 0, len(h.state)+32), h.state...), left, next))
}

func appendState(dst []byte, left int, next time.Duration) []byte {
	dst = append(strconv.AppendInt(dst, int64(left), 10), ";t="...)
	return strconv.AppendInt(dst, wholeSeconds(next), 10)
}

func wholeSeconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }
