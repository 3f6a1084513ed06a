package transport_test

import (
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/transport"
)

// The id of a request is a trace id, or what a proxy sent, but never a text that could harm a log.
func TestRequestID(t *testing.T) {
	t.Parallel()
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	for header, want := range map[string]string{
		"00-" + trace + "-00f067aa0ba902b7-01":                    trace,
		"cc-" + trace + "-00f067aa0ba902b7-01-more":               trace,
		"cc-" + trace + "-00f067aa0ba902b7-01":                    trace,
		"00-" + trace + "-00f067aa0ba902b7-01-more":               "proxy",
		"cc-" + trace + "-00f067aa0ba902b7-01more":                "proxy",
		"ff-" + trace + "-00f067aa0ba902b7-01":                    "proxy",
		"00-" + strings.ToUpper(trace) + "-00f067aa0ba902b7-01":   "proxy",
		"00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01":  "proxy",
		"00_" + trace + "-00f067aa0ba902b7-01":                    "proxy",
		"00-" + trace + "-00f067aa0ba902b7-0":                     "proxy",
		"00-" + strings.Repeat("0", 31) + "z-00f067aa0ba902b7-01": "proxy",
		"": "proxy",
	} {
		if got := transport.RequestID(header, "proxy"); got != want {
			t.Errorf("%q: the id is %q, want %q", header, got, want)
		}
	}
	for id, want := range map[string]string{
		"": "", "a-B_9.x:y/z+=@": "a-B_9.x:y/z+=@", "two words": "", "a\nb": "", `a"b`: "", "é": "",
		strings.Repeat("x", 128): strings.Repeat("x", 128), strings.Repeat("x", 129): "",
	} {
		if got := transport.RequestID("", id); got != want {
			t.Errorf("X-Request-Id %q: the id is %q, want %q", id, got, want)
		}
	}
}
