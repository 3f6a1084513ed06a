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

// hijacked is a request whose connection can be taken over.
type hijacked struct {
	*httptest.ResponseRecorder
	nc net.Conn
}

func (h *hijacked) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	return h.nc, bufio.NewReadWriter(bufio.NewReader(h.nc), bufio.NewWriter(h.nc)), nil
}

// bare is a handler without a web server.
func bare(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) *websocket.Handler {
	t.Helper()
	api := testkit.NewAPI(t, parts...)
	h := websocket.New(api, cfg)
	api.Add(h)
	testkit.StartAPI(t, api)
	return h
}

// hijack opens a WebSocket with a handler over a pipe or socket, and reads the welcome.
func hijack(t testing.TB, h *websocket.Handler, ours, theirs net.Conn) *testkit.Frames {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(testkit.Upgrade(testkit.WSPath) + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		h.ServeHTTP(&hijacked{httptest.NewRecorder(), theirs}, r)
	}()
	c := &testkit.Frames{Conn: ours, In: bufio.NewReader(ours), Limit: testkit.Wait}
	if answer, err := http.ReadResponse(c.In, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the handshake is answered with %+v, %v", answer, err)
	}
	if err := c.Await("welcome"); err != nil {
		t.Fatal(err)
	}
	<-served
	return c
}

// FuzzMessages sends any messages, one for each line, to a whole session. Each is answered once, in valid JSON, with the
// id that it came with, up to the one that ends the connection.
func FuzzMessages(f *testing.F) {
	h := bare(f, websocket.Config{MaxMessageBytes: 1 << 20})
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
		ours, theirs := net.Pipe()
		defer ours.Close()
		c := hijack(t, h, ours, theirs)
		messages := strings.Split(all, "\n")
		go func() {
			for _, m := range append(messages, `{"event":"quit"}`) {
				if c.Send(testkit.Text(m)) != nil {
					return
				}
			}
		}()
		answers := 0
		for {
			first, payload, err := c.Next()
			if err != nil {
				t.Fatalf("%q: after %d answers: %v", all, answers, err)
			}
			if first == testkit.Fin|testkit.CloseFrame {
				if !strings.HasPrefix(payload, "\x03\xe8") || answers > len(messages)+1 {
					t.Fatalf("%q: %d answers, then a close frame with %q", all, answers, payload)
				}
				return
			}
			answers++
			if !json.Valid([]byte(payload)) || !utf8.ValidString(payload) {
				t.Fatalf("%q is answered with %q", all, payload)
			}
		}
	})
}
