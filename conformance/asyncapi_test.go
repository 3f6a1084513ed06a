package conformance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// asyncDoc is what the tests read of a document of AsyncAPI.
type asyncDoc struct {
	Servers    map[string]struct{ Protocol, Pathname string }
	Channels   map[string]asyncChannel
	Operations map[string]asyncOperation
	Components struct {
		Schemas         map[string]any
		SecuritySchemes map[string]any
	}
}

type asyncChannel struct {
	Address  *string
	Messages map[string]struct{ Payload any }
}

type asyncOperation struct {
	Action   string
	Messages []asyncRef
	Reply    *struct{ Messages []asyncRef }
}

type asyncRef struct {
	Ref string `json:"$ref"`
}

// listening lets the server listen for all transports, on free ports.
func listening(cfg *server.Config) {
	on := true
	cfg.HTTPServer.Enable, cfg.TCPServer.Enable = &on, &on
	cfg.HTTPServer.Port, cfg.TCPServer.Port, cfg.HTTPServer.BindIP = -1, -1, "127.0.0.1"
}

// readAsyncAPI returns the document of a server, in which each reference leads to something.
func readAsyncAPI(t *testing.T, s *server.Server, name string) (doc asyncDoc) {
	t.Helper()
	text, err := s.AsyncAPI()
	if err != nil {
		t.Fatal(err)
	}
	keepDocument(t, "asyncapi "+name, text)
	var whole any
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	checkRefs(t, whole, whole)
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "#/components/schemas/", "#/$defs/")), &doc); err != nil {
		t.Fatal(err)
	}
	return doc
}

func checkRefs(t *testing.T, whole, v any) {
	switch v := v.(type) {
	case map[string]any:
		if to, ok := v["$ref"].(string); ok && at(whole, strings.Split(strings.ReplaceAll(strings.TrimPrefix(to, "#/"), "~0", "~"), "/")) == nil {
			t.Errorf("%s leads nowhere", to)
		}
		for _, member := range v {
			checkRefs(t, whole, member)
		}
	case []any:
		for _, element := range v {
			checkRefs(t, whole, element)
		}
	}
}

func TestTheDocumentOfAsyncAPIHasEachActionEventAndRoom(t *testing.T) {
	for name, change := range configurations {
		t.Run(name, func(t *testing.T) {
			h := &harness{last: &judged{}}
			h.api = newServer(t, func(cfg *server.Config) { change(cfg); listening(cfg) }, everything(t, h))
			doc := readAsyncAPI(t, h.api, name)
			// upload needs a file, and stream needs HTTP. Each transport has seven commands and a welcome, and the rooms have their messages.
			if want := 3*(len(h.api.Actions())-2+8) + len(h.api.Describe().Events) + 1; len(doc.Operations) != want || len(doc.Components.SecuritySchemes) != 4 || len(doc.Components.Schemas) < 12 {
				t.Errorf("%d operations of %d, %d schemes, %d schemas", len(doc.Operations), want, len(doc.Components.SecuritySchemes), len(doc.Components.Schemas))
			}
			rooms := map[string]int{}
			for _, c := range doc.Channels {
				if c.Address != nil {
					rooms[*c.Address] = len(c.Messages)
				}
			}
			if want := map[string]int{"thing:{id}": 2, "thing {id}": 1, "clock": 1, "{room}": 2, "a-{x}:{y}": 1}; !reflect.DeepEqual(rooms, want) {
				t.Errorf("rooms %v", rooms)
			}
		})
	}
}

func TestADisabledTransportIsNotInTheDocumentOfAsyncAPI(t *testing.T) {
	h := newHarness(t)
	if doc := readAsyncAPI(t, h.api, "without transports"); len(doc.Servers)+len(doc.Channels)+len(doc.Operations) != 0 {
		t.Errorf("%v", doc)
	}
	off := false
	tcp := newServer(t, func(cfg *server.Config) { listening(cfg); cfg.WebSockets.Enable = &off }, everything(t, h))
	if doc := readAsyncAPI(t, tcp, "tcp"); len(doc.Servers) != 1 || doc.Servers["tcp"].Protocol != "tcp" || doc.Operations["tcp-search"].Action != "receive" {
		t.Errorf("%v", doc.Servers)
	}
}

// TestTheRequestsOfAsyncAPIJudgeAlike compares the schema of each request with the schema of the inputs.
func TestTheRequestsOfAsyncAPIJudgeAlike(t *testing.T) {
	h := &harness{last: &judged{}}
	s := newServer(t, listening, everything(t, h))
	doc := readAsyncAPI(t, s, "requests")
	wrap := map[string]func(name string, in map[string]any) any{
		"tcp": func(name string, in map[string]any) any { return map[string]any{"action": name, "params": in} },
		"websocket": func(name string, in map[string]any) any {
			in["action"] = name
			return map[string]any{"event": "action", "messageId": 1, "params": in}
		},
		"socketio": func(name string, in map[string]any) any { in["action"] = name; return in },
	}
	compared := 0
	for _, info := range s.Describe().Actions {
		if info.Name == "upload" || info.Name == "stream" || info.Name == "photos" {
			continue
		}
		own := compile(t, info.InputSchema)
		for transport, wrapped := range wrap {
			name := info.Name
			if info.Version > 0 {
				name = fmt.Sprintf("%s~v%d", name, info.Version)
			}
			message := doc.payload(t, transport, name)
			g := newGenerator(t, info.InputSchema, 2)
			for i := range 40 {
				var v map[string]any
				if err := json.Unmarshal(g.input(i), &v); err != nil || v == nil {
					continue
				}
				a := own.Validate(v)
				if b := message.Validate(normal(t, wrapped(info.VersionedName(), v))); (a == nil) != (b == nil) {
					t.Errorf("%s over %s: %v by its own schema: %v; by the document: %v", info.Name, transport, v, a, b)
				}
				compared++
			}
		}
	}
	if compared < 1000 {
		t.Errorf("only %d inputs were compared", compared)
	}
}

// normal returns v as a decoder of JSON returns it.
func normal(t *testing.T, v any) (decoded any) {
	t.Helper()
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &decoded)
	}
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// validator judges JSON values.
type validator interface{ Validate(v any) error }

// payload returns the schema of a message.
func (d *asyncDoc) payload(t *testing.T, channel, message string) validator {
	t.Helper()
	m, ok := d.Channels[channel].Messages[message]
	if !ok {
		t.Fatalf("the channel %s has no message %s", channel, message)
	}
	whole, ok := normal(t, m.Payload).(map[string]any)
	if !ok {
		t.Fatalf("the message %s of %s has no payload", message, channel)
	}
	whole["$defs"] = d.Components.Schemas
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return compile(t, text)
}

// TestTheServerSendsWhatAsyncAPISays calls a real server, and judges what it sends by the document.
func TestTheServerSendsWhatAsyncAPISays(t *testing.T) {
	h := &harness{last: &judged{}}
	changed := actionhero.Event[nested]{Name: "changed", Room: "thing:{id}", Description: "A thing has changed."}
	valid := nested{One: address{No: 1}, Need: address{No: 2}, Many: []address{{No: 3}}, Counts: map[string]int{"a": 1}, Anys: []any{1}}
	s := newServer(t, listening, everything(t, h))
	doc := readAsyncAPI(t, s, "live")
	fits := func(channel, message, frame string) {
		t.Helper()
		var v any
		if err := json.Unmarshal([]byte(frame), &v); err != nil {
			t.Fatalf("%s: %v", frame, err)
		}
		if err := doc.payload(t, channel, message).Validate(v); err != nil {
			t.Errorf("%s is no %s of %s: %v", frame, message, channel, err)
		}
	}
	nc, err := net.Dial("tcp", s.TCP.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	lines := bufio.NewReader(nc)
	line := func() string {
		text, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	fits("tcp", "welcome", line())
	ws := testkit.NewWS(t, "ws://"+s.Web.Addr().String()+"/ws", nil)
	fits("room-room", "said", line()) // the other client enters
	for _, step := range []struct{ request, frame, message string }{
		{`{"action":"search","params":{"query":"ab"}}`, `{"event":"action","messageId":1,"params":{"action":"search","query":"ab"}}`, "search-answer"},
		{`{"action":"search","params":{"query":"a"}}`, `{"event":"action","messageId":"x","params":{"action":"search","query":"a"}}`, "failure"},
		{`{"action":"thing","params":{"id":"a"}}`, `{"event":"action","messageId":3,"params":{"action":"thing","id":"a"}}`, "failure"},
		{"roomView", `{"event":"roomView","messageId":4}`, "roomView-answer"},
		{"detailsView", `{"event":"detailsView","messageId":5}`, "detailsView-answer"},
		{"roomAdd thing:7", `{"event":"roomAdd","messageId":6,"room":"thing:7"}`, "roomAdd-answer"},
	} {
		if _, err := io.WriteString(nc, step.request+"\n"); err != nil {
			t.Fatal(err)
		}
		fits("tcp", step.message, line())
		ws.Send(step.frame)
		fits("websocket", step.message, ws.Next())
	}
	fits("room-thing-id", "changed", func() string {
		line() // the other client enters
		if err := changed.Publish(t.Context(), s.API, "thing:7", valid); err != nil {
			t.Fatal(err)
		}
		return line()
	}())
	fits("room-thing-id", "changed", ws.Next())
}
