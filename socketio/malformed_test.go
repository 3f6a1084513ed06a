package socketio_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

// Every event is answered, and the connection stays open.
func TestOddEvents(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		deep := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
		echo := func(rest string) string { return `"action",{"action":"echo","text":"x"` + rest + `}` }
		for arguments, want := range map[string]string{
			echo(`,"any":` + deep(60)):                      `"error":false`,
			echo(`,"any":` + deep(10_000)):                  "64 levels",
			echo(`,"any":` + strings.Repeat(`{"a":`, 9000)): "64 levels",
			`"action",` + deep(10_000):                      "64 levels",
			`"say",{"message":` + deep(10_000) + `}`:        "64 levels",
			`"roomView",` + deep(10_000):                    `"status":"OK"`,
			deep(10_000):                                    "the name of an event must be a string",
			echo(`,"size":null`):                            `"error":false`,
			echo(`,"size":[]`):                              "size must be a whole number",
			echo(`,"size":{}`):                              "size must be a whole number",
			echo(`,"size":1e999`):                           "size must be",
			echo(`,"data":"!"`):                             "data must be",
			echo(`,"data":7`):                               "data must be",
			echo(`,"more":"x"`):                             "more[0] must be",
			echo(`,"limit":[1]`):                            "limit must be",
			echo(`,"limit":null,"offset":null`):             `"error":false`,
			echo(`,"text":"y"`):                             "twice",
			echo(`,"\ud800":1`):                             `"error":false`,
			echo(`,"__proto__":{"x":1},"constructor":1`):    `"error":false`,
			echo(strings.Repeat(`,"a":1`, 2)):               "twice",
			echo(many(9_998)):                               `"error":false`,
			echo(many(10_001)):                              "10000 parameters",
			`"action",{"action":"echo","text":{}}`:          "text must be",
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
			`"say",{"message":"` + strings.Repeat("s", 500_000) + `"}`:   `"status":"OK"`,
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

func many(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `,"k%d":1`, i)
	}
	return b.String()
}

// The id of a session is its only secret: no other id opens it, and it is not the public id.
func TestGuessedSessions(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		seen := map[string]bool{}
		for range 100 {
			_, sid, _ := strings.Cut(b.OpenPolling(), "&sid=")
			if seen[sid] || len(sid) < 26 {
				t.Fatalf("%q", sid)
			}
			seen[sid] = true
			for _, guess := range []string{sid[:25], sid + "A", strings.ToLower(sid), sid[1:] + sid[:1], "%00" + sid} {
				b.Want(400, `{"code":1,"message":"Session ID unknown"}`, "GET", enginetest.Polling+"&sid="+guess, "")
			}
		}
		k, id := b.join()
		b.Want(400, `{"code":1,"message":"Session ID unknown"}`, "POST", enginetest.Polling+"&sid="+id, "41")
		k.CloseNormal()
	})
}

// A client that sends a frame too slowly is closed within 16 seconds.
func TestDribble(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		start := time.Now()
		w, err := k.Writer(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				if _, err := w.Write(make([]byte, 5000)); err != nil { // as many as the client's library sends on
					return
				}
				time.Sleep(time.Second)
			}
		}()
		k.WantClosed(ws.PolicyError)
		if took := time.Since(start); took > 16*time.Second {
			t.Errorf("it takes %v", took)
		}
	})
}

// Clients that end in any way leave nothing behind.
func TestNothingIsLeft(t *testing.T) {
	inBubble(t, func(general *actionhero.Config, _ *socketio.Config) { general.AnnounceLimit = 10 }, func(t *testing.T, b *bubble) {
		for range 10 {
			for i := range 20 {
				q := b.OpenPolling()
				b.Want(200, "ok", "POST", q, "40\x1e"+`42["say",{"message":"x"}]`)
				switch i % 4 {
				case 0:
					b.Want(200, "ok", "POST", q, "1")
				case 1:
					b.Want(200, "ok", "POST", q, `42["quit"]`)
				case 2:
					b.Want(400, `{"code":3,"message":"Bad request"}`, "POST", q, "")
				}
				k, _ := b.join()
				k.Send(`421["roomChange",{"room":"other"}]`)
				for !strings.HasPrefix(k.Next(), "431") {
				}
				switch i % 4 {
				case 0:
					k.CloseNormal()
				case 1:
					_ = k.CloseNow()
				case 2:
					k.Send("41")
					k.CloseNormal()
				}
			}
		}
		time.Sleep(46 * time.Second)
		synctest.Wait()
		for _, room := range []string{"defaultRoom", "other"} {
			if status, err := b.api.Rooms.Status(t.Context(), room); err != nil || status.MembersCount != 0 {
				t.Errorf("%s: %+v, %v", room, status, err)
			}
		}
		if n := b.io.Clients(); n != 0 {
			t.Errorf("%d clients are left", n)
		}
	})
}

func TestScript(t *testing.T) {
	t.Parallel()
	h := socketio.New(testkit.NewAPI(t), socketio.Config{})
	get := func(method, path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		if len(header) > 0 {
			r.Header.Set(header[0], header[1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	w := get("GET", "/socket.io/socket.io.js")
	text, tag := w.Body.String(), w.Header().Get("ETag")
	if w.Code != 200 || !strings.Contains(text, "Socket.IO v4.8.4") || !strings.Contains(text, "MIT License") || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("%d %v %.200q", w.Code, w.Header(), text)
	}
	if w := get("GET", "/socket.io/socket.io.js", "If-None-Match", tag); w.Code != http.StatusNotModified || w.Body.Len() > 0 || tag == "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get("HEAD", "/socket.io/socket.io.js"); w.Code != 200 || w.Body.Len() > 0 {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w := get("POST", "/socket.io/socket.io.js"); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	other := httptest.NewRecorder()
	socketio.Script().ServeHTTP(other, httptest.NewRequest("GET", "/public/javascript/socket.io.js", nil))
	if other.Body.String() != text || text == "" {
		t.Errorf("%d %v", other.Code, other.Header())
	}
}

// FuzzSession has a client send anything over long-polling. Whatever it is, the session is over, or it still answers.
func FuzzSession(f *testing.F) {
	for _, seed := range []string{
		"40", "40\x1e42[\"roomView\"]", `40{"a":1}` + "\x1e" + `421["action",{"action":"echo","text":"x"}]`, "40\x1e41\x1e40", "41", "1", "3", "6",
		"40\x1e" + `451-7["action",{"action":"echo","text":{"_placeholder":true,"num":0}}]` + "\x1ebAQID", "40\x1e42[\"quit\"]",
		"40/x,\x1e44", `42[`, "40\x1e" + `42["say",{"message":` + strings.Repeat("[", 100), "40\x1e42[\"roomChange\",{\"room\":\"\xff\"}]",
	} {
		f.Add(seed)
	}
	api := testkit.NewAPI(f, echo)
	h := socketio.New(api, socketio.Config{})
	api.Add(h)
	testkit.StartAPI(f, api)
	do := func(method, query, body string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/socket.io/?"+query, strings.NewReader(body)))
		return w.Code, w.Body.String()
	}
	f.Fuzz(func(t *testing.T, body string) {
		_, text := do("GET", enginetest.Polling, "")
		query := enginetest.Polling + "&sid=" + strings.SplitN(text, `"`, 5)[3]
		status, _ := do("POST", query, body)
		if status != 200 && status != 400 && status != 413 {
			t.Fatalf("%q is answered with %d", body, status)
		}
		if again, _ := do("POST", query, "40\x1e"+`429["roomView"]`); again != 200 {
			return // the session is over
		}
		answers := ""
		for range 100 {
			status, text := do("GET", query, "")
			answers += text + "\x1e"
			if strings.Contains(text, `439[{"context":"response","status":"OK"`) || status != 200 || strings.HasSuffix(text, "1") {
				break
			}
		}
		for packet := range strings.SplitSeq(answers, "\x1e") {
			if start := strings.IndexAny(packet, "[{"); start > 0 && !json.Valid([]byte(packet[start:])) {
				t.Fatalf("%q is answered with %q", body, packet)
			}
		}
		do("POST", query, "1")
	})
}
