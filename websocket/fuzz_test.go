package websocket_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// hijackable is a ResponseWriter of the connection nc.
type hijackable struct {
	*httptest.ResponseRecorder
	nc net.Conn
}

func (h *hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.nc, bufio.NewReadWriter(bufio.NewReader(h.nc), bufio.NewWriter(h.nc)), nil
}

// newHandler returns a handler that is started, without a web server.
func newHandler(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) *websocket.Handler {
	t.Helper()
	api := testkit.NewAPI(t, parts...)
	h := websocket.New(api, cfg)
	api.Add(h)
	testkit.StartAPI(t, api)
	return h
}

// openOn opens a WebSocket of h on a connection with the two given ends, and reads the welcome.
func openOn(t testing.TB, h *websocket.Handler, client, server net.Conn) *testkit.Frames {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(testkit.Upgrade(testkit.WSPath) + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		h.ServeHTTP(&hijackable{httptest.NewRecorder(), server}, r)
	}()
	c := &testkit.Frames{Conn: client, In: bufio.NewReader(client), Limit: testkit.Wait}
	if res, err := http.ReadResponse(c.In, nil); err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the response to the handshake is %+v, %v", res, err)
	}
	if err := c.Await("welcome"); err != nil {
		t.Fatal(err)
	}
	<-served
	return c
}

// FuzzMessages sends any messages, one per line of data, to a session. Each gets at most one reply, in valid JSON, up to the
// message that ends the connection.
func FuzzMessages(f *testing.F) {
	h := newHandler(f, websocket.Config{MaxMessageBytes: 1 << 20})
	for _, text := range []string{
		"", "null\n[]\n1", `{"event":"action","id":1,"params":{"action":"randomNumber"}}`, `{"event":"action","id":"x","params":{"action":"cacheTest","key":"k","value":{"a":[1]}}}`,
		`{"event":"say","message":"m","id":1e9}` + "\n" + `{"event":"roomView"}`, `{"event":"roomChange","room":"a"}` + "\n" + `{"event":"roomAdd","room":"b","id":2}` + "\n" + `{"event":"roomLeave","room":"b"}`,
		`{"event":"detailsView"}` + "\n" + `{"event":"quit","id":1}` + "\n" + `{"event":"detailsView"}`, `{"event":"exit"}`, `{"event":"close","id":null}`, `{"id":{},"event":[]}`, `{"event":"actio\u006e","params":{"action":"status"}}`,
		`{"event":"action","params":{"action":"file","fileName":"../x"}}`, `{"event":"action","params":{"limit":-1,"offset":"x","action":""}}`, strings.Repeat("[", 100), "{\"event\":\"\xff\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all := string(bytes.ToValidUTF8(data, []byte("?")))
		client, server := net.Pipe()
		defer client.Close()
		c := openOn(t, h, client, server)
		messages := strings.Split(all, "\n")
		go func() {
			for _, m := range append(messages, `{"event":"quit"}`) {
				if c.Send(testkit.Text(m)) != nil {
					return
				}
			}
		}()
		replies := 0
		for {
			first, payload, err := c.Next()
			if err != nil {
				t.Fatalf("%q: after %d replies: %v", all, replies, err)
			}
			if first == testkit.Fin|testkit.CloseFrame {
				if !strings.HasPrefix(payload, "\x03\xe8") || replies > len(messages)+1 {
					t.Fatalf("%q: %d replies, then a close frame with %q", all, replies, payload)
				}
				return
			}
			replies++
			if !json.Valid([]byte(payload)) || !utf8.ValidString(payload) {
				t.Fatalf("a reply to %q is %q", all, payload)
			}
		}
	})
}
