package auth

import (
	"net/http"
	"strings"
	"testing"
)

// Any header Cookie names the session that net/http finds in it: the one cookie for HTTPS with the form of an id, or else
// the one for plain HTTP. Two different ids under one name are none.
func FuzzSentSession(f *testing.F) {
	a, b := strings.Repeat("a", idLength), strings.Repeat("B", idLength)
	for _, line := range []string{
		"", "session=" + a, "__Host-session=" + a, "session=" + a + "; __Host-session=" + b, "session=" + a + ";session=" + b, "session=" + a + "; session=" + a,
		"__Host-session=" + a + "; __Host-session=" + b + "; session=" + a, `session="` + a + `"`, " session = " + a, "x; session=" + a + ";;", "Session=" + a, "session=" + a + "\x00",
	} {
		f.Add(line)
	}
	s := NewSessions(SessionConfig{})
	f.Fuzz(func(t *testing.T, line string) {
		if strings.Count(line, ";") > 1000 { // net/http reads none of too many
			t.Skip()
		}
		r := http.Request{Header: http.Header{"Cookie": {line}}}
		ids := func(name string) map[string]bool {
			found := map[string]bool{}
			for _, c := range r.CookiesNamed(name) {
				if isID(c.Value) {
					found[c.Value] = true
				}
			}
			return found
		}
		host, plain := ids("__Host-session"), ids("session")
		want := plain
		if len(host) > 0 {
			want = host
		}
		id, isPlain := s.sent(line)
		switch {
		case len(want) == 1 && (!want[id] || isPlain != (len(host) == 0)):
			t.Errorf("%q has the session %q (plain: %v), net/http reads %v", line, id, isPlain, want)
		case len(want) != 1 && id != "":
			t.Errorf("%q has the session %q, net/http reads %v", line, id, want)
		}
	})
}
