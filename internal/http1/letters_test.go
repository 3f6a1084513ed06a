package http1_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"
)

// Only ASCII letters are equal in both cases: for Unicode, the Kelvin sign is a k, and the long s is an s.
func TestOtherLettersAreNoASCII(t *testing.T) {
	t.Parallel()
	s := newServer(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the fast path serves the request") }))
	for _, field := range []string{"Transfer-Encoding: chun\u212aed", "Connection: \u212aeep-alive", "Connection: clo\u017fe"} {
		nc := s.dial(t)
		text := "POST / HTTP/1.1\r\nHost: x\r\n" + field + "\r\n\r\n0\r\n\r\n"
		fmt.Fprint(nc, text)
		select {
		case got := <-s.fallbacks:
			if string(got) != text {
				t.Errorf("%q is passed to net/http as %q", text, got)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%q is not passed to net/http", text)
		}
	}
}
