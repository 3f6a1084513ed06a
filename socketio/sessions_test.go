package socketio_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/ws"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/socketio/internal/enginetest"
)

// The id of a session is its only credential: similar ids and the public id of the connection are refused.
func TestGuessedSessionIDs(t *testing.T) {
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
func TestSlowFrame(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, b *bubble) {
		k, _ := b.join()
		start := time.Now()
		w, err := k.Writer(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				if _, err := w.Write(make([]byte, 5000)); err != nil { // more than the write buffer of the client library
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

// No client and no member of a room is left, however the clients disconnect.
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
				go func() { // a pipe has no buffer: the client reads announcements while it sends
					for {
						if _, _, err := k.Read(t.Context()); err != nil {
							return
						}
					}
				}()
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
		synctest.Wait()
		if n := b.io.Clients(); n != 0 {
			t.Errorf("%d clients are left", n)
		}
	})
}
