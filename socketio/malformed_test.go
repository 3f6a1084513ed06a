package socketio_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Each malformed or unusual event is answered, and the connection stays open.
func TestMalformedEvents(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
		echo := func(rest string) string { return `"action",{"action":"echo","text":"x"` + rest + `}` }
		for arguments, want := range map[string]string{
			echo(`,"any":` + deep(60)):                                   `"error":false`,
			echo(`,"any":` + deep(10_000)):                               "64 levels",
			echo(`,"any":` + strings.Repeat(`{"a":`, 9000)):              "64 levels",
			`"action",` + deep(10_000):                                   "64 levels",
			`"say",{"message":` + deep(10_000) + `}`:                     "64 levels",
			`"roomView",` + deep(10_000):                                 "nested deeper",
			deep(10_000):                                                 "the name of an event must be a string",
			echo(`,"size":null`):                                         `"error":false`,
			echo(`,"size":[]`):                                           "size must be a whole number",
			echo(`,"size":{}`):                                           "size must be a whole number",
			echo(`,"size":1e999`):                                        "size must be",
			echo(`,"data":"!"`):                                          "data must be",
			echo(`,"data":7`):                                            "data must be",
			echo(`,"more":"x"`):                                          "more[0] must be",
			echo(`,"limit":[1]`):                                         "limit must be",
			echo(`,"limit":null,"offset":null`):                          `"error":false`,
			echo(`,"text":"y"`):                                          "twice",
			echo(`,"\ud800":1`):                                          `"error":false`,
			echo(`,"__proto__":{"x":1},"constructor":1`):                 `"error":false`,
			echo(strings.Repeat(`,"a":1`, 2)):                            "twice",
			echo(manyMembers(9_998)):                                     `"error":false`,
			echo(manyMembers(10_001)):                                    "10000 parameters",
			`"action",{"action":"echo","text":{}}`:                       "text must be",
			`"action",{"action":"` + strings.Repeat("a", 500_000) + `"}`: "is not a known action",
			`"action",{"action":"\u0000\ud800"}`:                         "is not a known action",
			`"action",{"action":"echo"`:                                  "offset",
			`"action",{"action":"echo"}}`:                                "offset",
			`"action",NaN`:                                               "offset",
			`"action",'x'`:                                               "offset",
			`"action",{},{}`:                                             "{no action}",
			`"action","text"`:                                            "must be an object",
			`"roomChange",{"room":{"$ne":1}}`:                            "room must be a string",
			`"roomChange",{"room":"\u0000"}`:                             `"room":"\u0000"`,
			`"say",{"message":"` + strings.Repeat("s", 500_000) + `"}`:   "message may have 65536 bytes at most",
			`"say",[]`:           "must be an object",
			`"detailsView",{{{`:  `"status":"OK"`,
			`"\u2028\u0000"`:     `\u2028\u0000 is not a known event`,
			`"__proto__"`:        "is not a known event",
			`"response",{}`:      "is not a known event",
			`"disconnect"`:       "is not a known event",
			`"welcome"`:          "is not a known event",
			`{"toString":"say"}`: "the name of an event must be a string",
		} {
			k.Send(`421[` + arguments + `]`)
			if got := k.Next(); !strings.HasPrefix(got, `431[{"context":"response",`) || !strings.Contains(got, want) || !json.Valid([]byte(got[3:])) {
				t.Errorf("%.100q is answered with %.300q, want %q in it", arguments, got, want)
			}
		}
		k.CloseNormal()
	})
}

func manyMembers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	return b.String()
}
