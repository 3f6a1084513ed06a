package socketio_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

// FuzzSession sends any body in a POST. Afterwards the session is either closed or answers the next request.
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
			return // the session is closed
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
