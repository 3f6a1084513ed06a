//go:build !hostile

package websocket_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
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

// bare is a handler without a web server around it.
func bare(t testing.TB, cfg websocket.Config, parts ...actionhero.Part) *websocket.Handler {
	t.Helper()
	general := actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler), AnnounceLimit: -1}
	api, err := actionhero.New(general, append(parts, builtin.All)...)
	if err != nil {
		t.Fatal(err)
	}
	h := websocket.New(api, cfg)
	api.Add(h)
	if err := api.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return h
}

// connect opens a connection to a handler, and reads the welcome.
func connect(t testing.TB, h *websocket.Handler, ours, theirs net.Conn) *rawClient {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(handshake + "\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan struct{})
	go func() {
		defer close(served)
		h.ServeHTTP(&hijacked{httptest.NewRecorder(), theirs}, r)
	}()
	c := &rawClient{ours, bufio.NewReader(ours)}
	if answer, err := http.ReadResponse(c.in, nil); err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the handshake is answered with %+v, %v", answer, err)
	}
	if err := c.await("welcome"); err != nil {
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
		c := connect(t, h, ours, theirs)
		messages := strings.Split(all, "\n")
		go func() {
			for _, m := range append(messages, `{"event":"quit"}`) {
				if c.send(frame(fin|text, m)) != nil {
					return
				}
			}
		}()
		answers := 0
		for {
			first, payload, err := c.next()
			if err != nil {
				t.Fatalf("%q: after %d answers: %v", all, answers, err)
			}
			if first == fin|closing {
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
