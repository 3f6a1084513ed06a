package websocket_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	client "github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/websocket"
)

// exchange is a request and its reply.
type exchange struct{ request, reply string }

// run sends each request and checks its reply, or only its beginning up to "…". A reply with an error and without a code gets the code that coded adds.
func run(t *testing.T, p *testkit.WSClient, list []exchange) {
	t.Helper()
	for _, x := range list {
		p.Send(x.request)
		got, want := p.Next(), coded(x.reply)
		if begin, more := strings.CutSuffix(want, "…"); got != want && !(more && strings.HasPrefix(got, begin)) {
			t.Errorf("%.200s\ngot  %s\nwant %s", x.request, got, want)
		}
	}
}

// coded appends the code invalidInput to a reply with an error, or notFound if the action is unknown.
func coded(reply string) string {
	if !strings.Contains(reply, `"error":"`) || strings.Contains(reply, `"errorCode"`) {
		return reply
	}
	code := "invalidInput"
	if strings.Contains(reply, "is not a known action") {
		code = "notFound"
	}
	return strings.TrimSuffix(reply, "}") + `,"errorCode":"` + code + `"}`
}

func TestEvents(t *testing.T) {
	t.Parallel()
	p := start(t, websocket.Config{}).WS(t)
	run(t, p, []exchange{
		{`{"event":"action","id":1,"params":{"action":"cacheTest"}}`, `{"context":"response","error":"key is a required parameter for this action","id":1,"errorCode":"invalidInput","errorDetails":[{"field":"…`},
		{`{"event":"action","id":1,"params":{"action":"cacheTest","key":"k"}}`, `{"context":"response","error":"value is a required parameter for this action","id":1,"errorCode":"invalidInput"…`},
		{`{"event":"action","id":1,"params":{"action":"cacheTest"}}`, `{"context":"response","error":"key is a required parameter for this action","id":1,"errorCode":"invalidInput","errorDetails":[{"field":"…`}, // there are no sticky params
		{` { "params" : { "action" : "nothing" } , "id" : "a" , "event" : "action" } `, `{"context":"response","error":"nothing is not a known action.","id":"a"}`},
		{`{"event":"action","params":{"action":"nothing"}}`, `{"context":"response","error":"nothing is not a known action."}`},
		{`{"event":"action"}`, `{"context":"response","error":"{no action} is not a known action."}`},
		{`{"event":"action","params":{}}`, `{"context":"response","error":"{no action} is not a known action."}`},
		{`{"event":"action","id":null,"params":null}`, `{"context":"response","error":"{no action} is not a known action.","id":null}`},
		{`{"event":"action","params":{"action":"caf\u00e9"}}`, `{"context":"response","error":"café is not a known action."}`},
		{`{"event":"say","id":3,"message":"hi"}`, `{"context":"response","status":"OK","id":3}`},
		{`{"event":"roomChange","id":4,"room":"other"}`, `{"context":"response","status":"OK","room":"other","id":4}`},
		{`{"event":"roomAdd","id":5,"room":"further"}`, `{"context":"response","status":"OK","room":"further","id":5}`},
		{`{"event":"say","id":7,"room":"further","message":"hi"}`, `{"context":"response","status":"OK","id":7}`},
		{`{"event":"roomLeave","id":6,"room":"further"}`, `{"context":"response","status":"OK","room":"further","id":6}`},
		{`{"event":"say","id":7,"room":"further","message":"hi"}`, `{"context":"response","error":"you are not in the room further","id":7,"errorCode":"notFound"}`},
		{`{"event":"roomChange"}`, `{"context":"response","error":"room must be a name of 1 to 128 bytes"}`},
	})
	p.Send(`{"event":"action","id":"status","params":{"action":"randomNumber"}}`)
	if got := p.Next(); !strings.HasPrefix(got, `{"context":"response","randomNumber":0.`) || !strings.HasSuffix(got, `,"error":false,"id":"status"}`) {
		t.Errorf("the reply to randomNumber is %s", got)
	}
	p.Send(`{"event":"say","id":8,"room":"further","message":"hi"}`)
	if got := p.Next(); !strings.HasPrefix(got, `{"context":"response","error":"you are not in the room further"`) {
		t.Errorf("the reply to a say in a room that was left is %s", got)
	}
	p.Send(`{"event":"roomView"}`)
	if got := p.Next(); !strings.HasPrefix(got, `{"context":"response","status":"OK","room":"other","roomStatus":{"members":["`) {
		t.Errorf("the reply to roomView is %s", got)
	}
	p.Send(`{"event":"detailsView","id":0}`)
	if got := p.Next(); !strings.HasPrefix(got, `{"context":"response","status":"OK","details":{"public":{"id":"`) || !strings.HasSuffix(got, `}}},"id":0}`) && !strings.HasSuffix(got, `}},"id":0}`) {
		t.Errorf("the reply to detailsView is %s", got)
	}
}

// The reply to a malformed text message is an error, and the connection stays open.
func TestMalformedMessages(t *testing.T) {
	t.Parallel()
	p := start(t, websocket.Config{}).WS(t)
	const object = `{"context":"response","error":"malformed JSON at offset 0: an object is expected"}`
	var list []exchange
	for _, text := range []string{`null`, `[]`, `7`, `"x"`, `true`, `[{"event":"action"}]`, "\x00", "quit"} {
		list = append(list, exchange{text, object})
	}
	for _, id := range []string{`0`, `-1.5e+300`, `18446744073709551616`, `""`, `"a\"b\u0000é"`, `"` + strings.Repeat("x", 126) + `"`, `true`, `null`} {
		list = append(list, exchange{`{"event":"say","message":"","id":` + id + `}`, `{"context":"response","status":"OK","id":` + id + `}`})
	}
	for _, id := range []string{`{}`, `[1]`, `"` + strings.Repeat("x", 127) + `"`, strings.Repeat("1", 129)} {
		list = append(list, exchange{`{"event":"say","message":"","id":` + id + `}`, `{"context":"response","error":"id must be a number or a string, of 128 bytes at most"}`})
	}
	deep := func(n int) string { return strings.Repeat(`[`, n) + strings.Repeat(`]`, n) }
	list = append(list, []exchange{
		{``, `{"context":"response","error":"malformed JSON at offset 0: an object is expected"}`},
		{`{`, `{"context":"response","error":"malformed JSON at offset 1: it ends too early"}`},
		{`{}`, `{"context":"response","error":"event is a required key of a request"}`},
		{`{"id":7}`, `{"context":"response","error":"event is a required key of a request","id":7}`},
		{`{"id":7,"event":7}`, `{"context":"response","error":"event must be a string","id":7}`},
		{`{"event":null,"id":7}`, `{"context":"response","error":"event must be a string","id":7}`},
		{`{"event":"","id":7}`, `{"context":"response","error":"event is a required key of a request","id":7}`},
		{`{"event":"dance"}`, unknownEvent("dance")},
		{`{"event":"Action"}`, unknownEvent("Action")},
		{`{"event":"` + strings.Repeat("é", 100) + `"}`, unknownEvent(strings.Repeat("é", 64))},
		{`{"event":"say"}`, `{"context":"response","error":"message is a required key of say"}`},
		{`{"event":"say","message":7,"id":1}`, `{"context":"response","error":"message must be a string","id":1}`},
		{`{"event":"say","message":null}`, `{"context":"response","error":"message must be a string"}`},
		{`{"event":"say","message":{},"id":1}`, `{"context":"response","error":"message must be a string","id":1}`},
		{`{"event":"roomChange","room":[]}`, `{"context":"response","error":"room must be a string"}`},
		{`{"event":"roomAdd","room":true}`, `{"context":"response","error":"room must be a string"}`},
		{`{"event":"roomLeave","room":1}`, `{"context":"response","error":"room must be a string"}`},
		{`{"event":"roomChange","room":"` + strings.Repeat("x", 129) + `"}`, `{"context":"response","error":"room must be a name of 1 to 128 bytes"}`},
		{`{"event":"roomLeave","room":"r","id":1,"rooms":["r"]}`, `{"context":"response","error":"rooms is not a key of the event roomLeave","id":1}`},
		{`{"rooom":"secret","event":"say","message":"hi"}`, `{"context":"response","error":"rooom is not a key of the event say"}`},
		{`{"event":"roomChange","room":"x","message":"hi"}`, `{"context":"response","error":"message is not a key of the event roomChange"}`},
		{`{"event":"roomAdd","room":"x","":0}`, `{"context":"response","error":" is not a key of the event roomAdd"}`},
		{`{"event":"detailsView","room":"x"}`, `{"context":"response","error":"room is not a key of the event detailsView"}`},
		{`{"event":"action","action":"status","id":1}`, `{"context":"response","error":"action is not a key of the event action: the params of the action are members of params","id":1}`},
		{`{"event":"quit","params":{},"id":1}`, `{"context":"response","error":"params is not a key of the event quit","id":1}`},
		{`{"event":"action","params":[],"id":1}`, `{"context":"response","error":"params must be an object","id":1}`},
		{`{"event":"action","params":"x"}`, `{"context":"response","error":"params must be an object"}`},
		{`{"event":"action","params":{"action":7},"id":1}`, `{"context":"response","error":"action must be a string","id":1}`},
		{`{"event":"action","params":{"action":null}}`, `{"context":"response","error":"action must be a string"}`},
		{`{"event":"action","params":{"action":"a","action":"b"}}`, `{"context":"response","error":"malformed JSON at offset 14: the member \"action\" occurs twice"}`},
		{`{"event":"action","event":"say"}`, `{"context":"response","error":"malformed JSON at offset 18: the member \"event\" occurs twice"}`},
		{`{"event":"action","id":1,"params":{"action":"randomNumber"}`, `{"context":"response","error":"malformed JSON at offset 59: it ends too early","id":1}`},
		{`{"event":"action","id":1,"params":{"action":"cacheTest","key":{"a":1},"value":"v"}}`, `{"context":"response","error":"key must be text","id":1,"errorCode":"invalidInput","errorDetails":[{"field":"key","rule":"type",…`},
		{`{"event":"action","id":1,"params":{"action":"randomNumber","limit":"x"}}`, `{"context":"response","error":"limit must be a whole number of 0 or more","id":1,"errorCode":"invalidInput","errorDetails":[{"field":"limit",…`},
		{`{"event":"action","id":1,"params":{"x":` + deep(62) + `}}`, `{"context":"response","error":"{no action} is not a known action.","id":1}`},
	}...)
	run(t, p, list)
	for _, text := range []string{`{"event":"action","id":1,"params":{"x":` + deep(63) + `}}`, deep(10_000), strings.Repeat(`{"a":`, 10_000) + `1` + strings.Repeat(`}`, 10_000), `{"event":"action","params":` + strings.Repeat(`[`, 10_000)} {
		p.Send(text)
		if got := p.Next(); !strings.HasPrefix(got, `{"context":"response","error":"malformed JSON at offset `) {
			t.Errorf("the reply to %.60s… is %.200s", text, got)
		}
	}
}

// unknownEvent returns the reply to an event with this name.
func unknownEvent(name string) string {
	return `{"context":"response","error":"` + name + ` is not a known event: use action, detailsView, roomAdd, roomChange, roomLeave, roomView, say or quit"}`
}

// part is a body that returns its text, and then its error or a panic.
type part struct {
	text   string
	err    error
	closed *atomic.Int32
}

func (p *part) Read(b []byte) (int, error) {
	if p.text != "" {
		n := copy(b, p.text)
		p.text = p.text[n:]
		return n, nil
	}
	if p.err == nil {
		panic("in a body")
	}
	return 0, p.err
}

func (p *part) Close() error {
	p.closed.Add(1)
	return nil
}

// An action that answers with bytes is answered with base64, or with an error if the bytes are too many or cannot be read.
// The bytes are closed, and the connection stays usable.
func TestContent(t *testing.T) {
	t.Parallel()
	closed := new(atomic.Int32)
	bytes := actionhero.Action[struct {
		Kind string `json:"key"`
	}, *actionhero.Content]{Name: "bytes", Run: func(_ context.Context, in struct {
		Kind string `json:"key"`
	}) (*actionhero.Content, error) {
		switch in.Kind {
		case "most":
			return &actionhero.Content{Name: "b.bin", Type: "image/x", Body: &part{strings.Repeat("x", 30), io.EOF, closed}, Size: -1}, nil
		case "more":
			return &actionhero.Content{Name: "b.bin", Body: &part{strings.Repeat("x", 31), io.EOF, closed}, Size: -1}, nil
		case "much":
			return &actionhero.Content{Name: "b.bin", Body: &part{strings.Repeat("x", 31), io.EOF, closed}, Size: 31}, nil
		case "fails":
			return &actionhero.Content{Name: "b.bin", Body: &part{"x", errors.New("the disk is broken"), closed}}, nil
		case "panics":
			return &actionhero.Content{Name: "b.bin", Body: &part{"x", nil, closed}}, nil
		}
		return &actionhero.Content{}, nil
	}}
	p := start(t, websocket.Config{MaxContentBytes: 30}, bytes).WS(t)
	const (
		tooMuch  = `{"context":"response","error":"this answer has more than 30 bytes: ask for it over HTTP","id":2,"errorCode":"resourceExhausted"}`
		internal = `{"context":"response","error":"The server experienced an internal error","id":2,"errorCode":"internal"}`
	)
	for kind, want := range map[string]string{
		"most": `{"context":"response","content":{"name":"b.bin","type":"image/x","size":30,"base64":"` + strings.Repeat("eHh4", 10) + `"},"error":false,"id":2}`,
		"more": tooMuch, "much": tooMuch, "fails": internal, "panics": internal, "none": internal,
	} {
		run(t, p, []exchange{{`{"event":"action","id":2,"params":{"action":"bytes","key":"` + kind + `"}}`, want}})
	}
	run(t, p, []exchange{{`{"event":"action","id":2,"params":{"action":"file","fileName":"x"}}`, `{"context":"response","error":"The file, x, is not found.","id":2,"errorCode":"notFound"}`}})
	if n := closed.Load(); n != 5 {
		t.Errorf("%d of 5 bodies are closed", n)
	}
}

// A client may end the connection with an event or with a close frame.
func TestQuit(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{})
	for _, event := range []string{"quit", "exit", "close"} {
		t.Run(event, func(t *testing.T) {
			p := s.WS(t)
			p.Send(`{"event":"say","message":"before"}`)
			p.Send(fmt.Sprintf(`{"event":%q,"id":9}`, event))
			p.Want(`{"context":"response","status":"OK"}`)
			p.Want(`{"status":"Bye!","context":"response","id":9}`)
			p.WantClosed(1000, "Bye!")
		})
	}
	p := s.WS(t)
	if err := p.Close(client.StatusNormalClosure, ""); err != nil {
		t.Errorf("the server does not answer a close frame: %v", err)
	}
}

// A binary message is refused with code 1003.
func TestBinary(t *testing.T) {
	t.Parallel()
	p := start(t, websocket.Config{}).WS(t)
	if err := p.Write(t.Context(), client.MessageBinary, []byte(`{"event":"roomView"}`)); err != nil {
		t.Fatal(err)
	}
	p.WantClosed(1003, "a message must be text")
}

// A room message reaches each other member once. It names the room if that is not the current one of the member.
func TestRooms(t *testing.T) {
	t.Parallel()
	s := start(t, websocket.Config{})
	a, b, c := s.WS(t), s.WSS(t), s.WS(t)
	c.Call(`{"event":"roomChange","room":"elsewhere"}`, `{"context":"response","status":"OK","room":"elsewhere"}`)
	a.Call(`{"event":"say","message":"hi"}`, `{"context":"response","status":"OK"}`)
	from := strings.TrimSuffix(strings.TrimPrefix(b.Next(), `{"message":"hi","from":"`), `","context":"user"}`)
	if len(from) != 36 {
		t.Errorf("the sender is %q", from)
	}
	c.Call(`{"event":"roomAdd","room":"defaultRoom"}`, `{"context":"response","status":"OK","room":"defaultRoom"}`)
	if err := s.API.Rooms.Broadcast(t.Context(), "defaultRoom", map[string]int{"n": 1}); err != nil {
		t.Fatal(err)
	}
	a.Want(`{"message":{"n":1},"from":"actionHero API","context":"user"}`)
	b.Want(`{"message":{"n":1},"from":"actionHero API","context":"user"}`)
	c.Want(`{"message":{"n":1},"from":"actionHero API","context":"user","room":"defaultRoom"}`)
	if n, r := s.WebSocket.Clients(), s.WebSocket.Requests(); n != 3 || r != 3 {
		t.Errorf("there are %d clients and %d requests", n, r)
	}
}

// A byte order mark before a message is ignored.
func TestByteOrderMarkIsIgnored(t *testing.T) {
	t.Parallel()
	run(t, start(t, websocket.Config{}).WS(t), []exchange{
		{"\uFEFF" + `{"event":"say","id":1,"message":"\ufeffhi"}`, `{"context":"response","status":"OK","id":1}`},
		{"\uFEFF\uFEFF{}", `{"context":"response","error":"malformed JSON at offset 3: an object is expected"}`},
	})
}

// Openings and events count as requests of the address, and each refusal tells when to come again.
func TestEveryMessageCountsAsARequest(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{Change: func(all *server.Config) { all.General.RequestLimit = 5 }})
	p := s.WS(t)
	for range 2 {
		p.Call(`{"event":"say","message":"hi"}`, `{"context":"response","status":"OK"}`)
	}
	p.Call(`{"event":"dance"}`, coded(unknownEvent("dance")))
	p.Call(`{"event":"action","params":{"action":"x"}}`, `{"context":"response","error":"x is not a known action.","errorCode":"notFound"}`)
	const refusal = `{"context":"response","error":"too many requests: 5 are allowed in 1h0m0s","id":1,"errorCode":"resourceExhausted","retryAfter":7`
	for _, event := range []string{`"say","message":"hi"`, `"roomView"`, `"dance"`, `"action","params":{"action":"x"}`} {
		p.Send(`{"id":1,"event":` + event + `}`)
		if got := p.Next(); !strings.HasPrefix(got, refusal) {
			t.Errorf("%s: got %s, want %s", event, got, refusal)
		}
	}
	if _, err := openFrames(connect(t, s), ""); err == nil || err.Error() != "429 Too Many Requests" {
		t.Errorf("another WebSocket: %v", err)
	}
	p.Send(`{"event":"quit"}`)
	p.Want(`{"status":"Bye!","context":"response"}`)
}

// The reply to a request has one member of each name: neither the id of the request nor the id of a record in the output is lost.
func TestARecordKeepsItsID(t *testing.T) {
	t.Parallel()
	type record struct {
		ID     int    `json:"id"`
		Status string `json:"status"`
	}
	records := actionhero.Parts{
		actionhero.Action[actionhero.None, record]{Name: "record", Run: func(context.Context, actionhero.None) (record, error) { return record{77, "paid"}, nil }},
		actionhero.Action[actionhero.None, map[string]any]{Name: "map", Run: func(context.Context, actionhero.None) (map[string]any, error) {
			return map[string]any{"id": 77, "_id": 78, "error": "none", "messageId": 79}, nil
		}},
	}
	p := start(t, websocket.Config{}, records).WS(t)
	run(t, p, []exchange{
		{`{"event":"action","messageId":1,"params":{"action":"record"}}`, `{"context":"response","id":77,"status":"paid","error":false,"messageId":1}`},
		{`{"event":"action","id":1,"params":{"action":"record"}}`, `{"context":"response","_id":77,"status":"paid","error":false,"id":1}`},
		{`{"event":"action","params":{"action":"record"}}`, `{"context":"response","id":77,"status":"paid","error":false}`},
		{`{"event":"action","messageId":"x","params":{"action":"map"}}`, `{"context":"response","_id":78,"_error":"none","id":77,"_messageId":79,"error":false,"messageId":"x"}`},
		{`{"event":"action","id":"x","params":{"action":"map"}}`, `{"context":"response","_id":78,"_error":"none","__id":77,"_messageId":79,"error":false,"id":"x"}`},
		{`{"event":"roomChange","messageId":2,"room":"r"}`, `{"context":"response","status":"OK","room":"r","messageId":2}`},
		{`{"event":"roomLeave","messageId":2,"room":"x"}`, `{"context":"response","error":"you are not in the room x","messageId":2,"errorCode":"notFound"}`},
		{`{"event":"roomChange","messageId":2,"id":3,"room":"r"}`, `{"context":"response","error":"a request has either id or messageId, not both","messageId":2}`},
		{`{"event":"roomChange","messageId":[],"room":"r"}`, `{"context":"response","error":"messageId must be a number or a string, of 128 bytes at most"}`},
		{`{"event":"quit","messageId":4}`, `{"status":"Bye!","context":"response","messageId":4}`},
	})
}
