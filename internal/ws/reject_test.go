package ws_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/ws"
)

// A new connection that gets no reader is closed as soon as its client answers the close frame, not after CloseTimeout.
func TestAConnectionWithoutAReaderIsClosedAtOnce(t *testing.T) {
	t.Parallel()
	options := defaults()
	options.CloseTimeout = time.Hour
	closed := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := new(ws.Conn)
		if err := c.Upgrade(w, r, &options, netip.Addr{}, func(error) {}); err != nil {
			t.Error(err)
			return
		}
		c.Reject(ws.PolicyError, "no reader")
		close(closed)
	}))
	t.Cleanup(s.Close)
	p := open(t, s, "")
	p.send(frame(fin|text, "nobody reads this"))
	p.want(fin|closing, code(ws.PolicyError, "no reader"))
	p.send(frame(fin|closing, code(ws.PolicyError, "")))
	p.wantEnd()
	_ = p.Close()
	select {
	case <-closed:
	case <-time.After(testTimeout):
		t.Error("the server keeps the connection open")
	}
}
