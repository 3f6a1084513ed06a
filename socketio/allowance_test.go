package socketio_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

// Opening a session, every event and every malformed event count toward general.requestLimit. A client that has used it up
// is refused over both transports, and reads when to come back.
func TestOpensAndEventsCountTowardTheRequestLimit(t *testing.T) {
	inBubble(t, func(general *actionhero.Config, cfg *socketio.Config) {
		general.RequestLimit, general.RequestLimitWindow = 6, time.Hour
		cfg.RemoteIP = func(*http.Request) string { return "192.0.2.7" }
	}, func(t *testing.T, b *bubble) {
		k, _ := b.join()     // 1
		q := b.OpenPolling() // 2
		b.Want(200, "ok", "POST", q, "40")
		b.Do("GET", q, "")
		const action = `421["action",{"action":"echo","text":"x"}]`
		for _, event := range []string{`421["roomView"]`, action, `421["none"]`, `421[7]`} { // 3 to 6
			k.Send(event)
			if got := k.Next(); strings.Contains(got, "resourceExhausted") {
				t.Errorf("%s is answered with %s", event, got)
			}
		}
		const refused = `431[{"context":"response","error":"too many requests: 6 are allowed in 1h0m0s","errorCode":"resourceExhausted","retryAfter":600}]`
		for _, event := range []string{`421["roomView"]`, `421["say",{"message":"x"}]`, `421["none"]`, `421[7]`, action} {
			k.Send(event)
			k.Want(refused)
			b.Want(200, "ok", "POST", q, event)
			b.Want(200, refused, "GET", q, "")
		}
		resp, err := b.HTTP.Get(b.URL + "?" + enginetest.Polling)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		_, dialed, err := websocket.Dial(t.Context(), b.URL+"?EIO=4&transport=websocket", &websocket.DialOptions{HTTPClient: b.HTTP})
		if err == nil {
			t.Fatal("a WebSocket is opened")
		}
		for _, r := range []*http.Response{resp, dialed} {
			if r.StatusCode != http.StatusTooManyRequests || r.Header.Get("Retry-After") != "600" {
				t.Errorf("the session is refused with %d, %v", r.StatusCode, r.Header)
			}
		}
		synctest.Wait()
		if n := b.io.Clients(); n != 2 {
			t.Errorf("there are %d clients", n)
		}
		k.CloseNormal()
		time.Sleep(10*time.Minute + time.Second)
		k, _ = b.join()
		k.CloseNormal()
	})
}

// A client that leaves the namespace and comes back makes messages to its room. Coming back counts toward the limit.
func TestComingBackToTheNamespaceCountsTowardTheRequestLimit(t *testing.T) {
	inBubble(t, func(general *actionhero.Config, cfg *socketio.Config) {
		general.RequestLimit, general.RequestLimitWindow = 3, time.Hour
		cfg.RemoteIP = func(*http.Request) string { return "192.0.2.7" }
	}, func(t *testing.T, b *bubble) {
		k, _ := b.join() // 1
		for range 2 {
			k.Send("41")
			k.Send("40")
			b.sid(k.Next())
			k.Want(welcome)
		}
		k.Send("41")
		k.Send("40")
		k.Want(`44{"message":"too many requests: 3 are allowed in 1h0m0s","data":{"errorCode":"resourceExhausted","retryAfter":1200}}`)
		k.CloseNormal()
	})
}
