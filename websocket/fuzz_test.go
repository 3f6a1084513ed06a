package websocket_test

import (
	"bufio"
	"bytes"
	"fmt"
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

// FuzzMessages sends any messages, one per line of data, to a session. Each gets its own reply: with its id byte for byte,
// with the code of its fault, and without bytes of another message. A $ in data stands for a text that only its line has.
func FuzzMessages(f *testing.F) {
	var api *actionhero.API
	h := newHandler(f, websocket.Config{MaxMessageBytes: 1 << 20}, actionhero.Initializer{Name: "api", Setup: func(a *actionhero.API) error { api = a; return nil }})
	var actions []string
	for _, info := range api.Actions() {
		actions = append(actions, info.Name)
	}
	for _, text := range []string{
		"", "null\n[]\n1", `{"event":"action","id":1,"params":{"action":"randomNumber"}}`, `{"event":"action","id":"x","params":{"action":"cacheTest","key":"k","value":{"a":[1]}}}`,
		`{"event":"say","message":"m","id":1e9}` + "\n" + `{"event":"roomView"}`, `{"event":"roomChange","room":"a"}` + "\n" + `{"event":"roomAdd","room":"b","id":2}` + "\n" + `{"event":"roomLeave","room":"b"}`,
		`{"event":"detailsView"}` + "\n" + `{"event":"quit","id":1}` + "\n" + `{"event":"detailsView"}`, `{"event":"exit"}`, `{"event":"close","id":null}`, `{"id":{},"event":[]}`, `{"event":"actio\u006e","params":{"action":"status"}}`,
		`{"event":"action","params":{"action":"file","fileName":"../x"}}`, `{"event":"action","params":{"limit":-1,"offset":"x","action":""}}`, strings.Repeat("[", 100), "{\"event\":\"\xff\"}",
		`{"event":"action","id":"$","params":{"action":"no$"}}` + "\n" + `{"id": "$" ,"event":"roomChange","room":"$"}` + "\n" + `{"messageId":"$","event":"$"}` + "\n" + `{"$":1,"event":"say"}` + "\n" + `{"event":"action","id":"$","params":{"action":"cacheTest","key":"$","value":"$"}}` + "\n" + `{"event":"roomView","id":"$"}`,
		strings.Repeat(`{"event":"action","messageId":"$","params":{"action":"cacheTest","key":"$","value":"$"}}`+"\n"+`{"event":"say","id":"$","room":"no$","message":"$"}`+"\n", 20),
		`{"id":1,"messageId":2,"event":"detailsView"}` + "\n" + `{"id":"` + strings.Repeat("$", 60) + `"}` + "\n" + `{"id":-0.0e1,"event":"detailsView"}`, "\ufeff" + `{"event":"detailsView","id":true}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all := string(bytes.ToValidUTF8(data, []byte("?")))
		messages := append(strings.Split(all, "\n"), `{"event":"quit","id":"last"}`)
		var expected []expectation
		for i, m := range messages {
			marker := fmt.Sprintf("mark%dk", i)
			messages[i] = strings.ReplaceAll(m, "$", marker)
			e := expect(messages[i], marker, actions)
			if e.unsure && (strings.Contains(m, "quit") || strings.Contains(m, "exit") || strings.Contains(m, "close") || strings.Contains(m, `\u`)) {
				t.Skip("it may quit")
			}
			if expected = append(expected, e); e.quits {
				messages = messages[:i+1]
				break
			}
		}
		checkReplies(t, h, messages, expected)
	})
}

// checkReplies sends the messages to a session of h, the last of which quits, and checks that each has a reply that meets
// its expectation.
func checkReplies(t *testing.T, h *websocket.Handler, messages []string, expected []expectation) {
	client, server := net.Pipe()
	defer client.Close()
	c := openOn(t, h, client, server)
	go func() {
		for _, m := range messages {
			if c.Send(testkit.Text(m)) != nil {
				return
			}
		}
	}()
	var replies []reply
	for {
		first, payload, err := c.Next()
		switch {
		case err != nil:
			t.Fatalf("%q: after %d replies: %v", messages, len(replies), err)
		case first == testkit.Fin|testkit.CloseFrame:
			if !strings.HasPrefix(payload, "\x03\xe8") || len(replies) != len(messages) {
				t.Fatalf("%q: %d replies, then a close frame with %q", messages, len(replies), payload)
			}
			if r, ok := assign(expected, replies); !ok {
				t.Fatalf("%q: the reply %q fits no message", messages, r.text)
			}
			return
		}
		r, err := parseReply(payload)
		if err != nil || !utf8.ValidString(payload) {
			t.Fatalf("a reply to %q is %q: %v", messages, payload, err)
		}
		replies = append(replies, r)
	}
}
