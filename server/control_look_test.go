package server

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/control"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/transport"
)

// silent is a client that keeps the reason of its end.
type silent struct{ closed chan string }

func (silent) Deliver(*actionhero.RoomMessage) bool { return false }
func (silent) Flush()                               {}
func (s silent) Close(reason string)                { s.closed <- reason }

// look starts a node of a cluster with a control socket, and a client in a room.
func look(t *testing.T, net *memcluster.Net, id, room string) (api *actionhero.API, socket string, conn *actionhero.Conn, client silent) {
	t.Helper()
	api, err := actionhero.New(actionhero.Config{ID: id, Backend: net.Node(), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	if err := api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	socket = filepath.Join(t.TempDir(), "socket")
	stop, err := ServeControl(t.Context(), api, socket)
	if err != nil {
		t.Fatal(err)
	}
	client = silent{make(chan string, 1)}
	conn = transport.Of(api).Connect("test", netip.MustParseAddrPort("127.0.0.1:1"), client)
	if err := api.Rooms.Move(t.Context(), conn, room); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		transport.Of(api).Disconnect(conn)
		if err := errors.Join(stop(), api.Stop(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return api, socket, conn, client
}

// answer returns the JSON of an answer of the control socket, or its error.
func answer(t *testing.T, socket, method, target string, body any) string {
	t.Helper()
	raw, err := control.Call(t.Context(), socket, method, target, body)
	if e := (*control.Error)(nil); errors.As(err, &e) {
		return fmt.Sprintf("%s: %s", e.Code, e.Message)
	} else if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Each node answers with the figures of all nodes.
func TestTheControlSocketLooksIntoTheCluster(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	api, a, _, _ := look(t, net, "a", "hall")
	_, _, bob, client := look(t, net, "b", "hall")
	if err := bob.SetDetail("name", "Bob"); err != nil {
		t.Fatal(err)
	}
	if err := api.Cache.Set(t.Context(), "k/1", "v", time.Hour); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		method, target string
		body           any
		want           string // parts of the answer, separated by …
	}{
		{"GET", "/status", nil, `"clustered":true,"peers":2,"connections":2,"transports":{"test":2},"cacheSize":1`},
		{"GET", "/peers", nil, `[{"id":"a"…"connections":1},{"id":"b"…"connections":1}]`},
		{"GET", "/conns", nil, `"total":2…"nodes":[{"node":"a","total":1,"transports":{"test":1}},{"node":"b"`},
		{"GET", "/conns?limit=1", nil, `"total":2`},
		{"GET", "/conns?room=none", nil, `{"total":0,"conns":[]`},
		{"GET", "/conns?limit=x", nil, `invalidInput: limit is "x": it must be a whole number`},
		{"GET", "/conns/" + bob.ID, nil, `"node":"b"…"details":{"name":"Bob"}`},
		{"GET", "/rooms", nil, `{"rooms":[{"name":"hall","members":2}],"more":false}`},
		{"GET", "/rooms?prefix=x", nil, `{"rooms":[],"more":false}`},
		{"GET", "/rooms?after=hall", nil, `{"rooms":[],"more":false}`},
		{"GET", "/rooms/members?room=hall", nil, `{"total":2,"members":[`},
		{"GET", "/rooms/members?room=none", nil, `notFound: the room "none" has no members`},
		{"POST", "/rooms/messages", control.Message{Room: "hall", Text: "hi"}, `{"members":2}`},
		{"POST", "/rooms/messages", control.Message{Room: "none", Text: "hi"}, `notFound: the room "none" has no members`},
		{"POST", "/rooms/messages", map[string]int{"rooom": 1}, `invalidInput: the request is not the expected JSON object`},
		{"GET", "/cache", nil, `{"keys":["k/1"],"more":false}`},
		{"GET", "/cache/entry?key=k/1", nil, `{"value":"v","created":…"expires":`},
		{"PUT", "/cache/entry", control.NewEntry{Key: "k/2", Value: json.RawMessage(`{"a":1}`)}, `null`},
		{"GET", "/cache/entry?key=k/2", nil, `{"value":{"a":1},"created":`},
		{"GET", "/cache?limit=1", nil, `{"keys":["k/`},
		{"PUT", "/cache/entry", control.NewEntry{Value: json.RawMessage(`1`)}, `invalidInput: the key is empty`},
		{"PUT", "/cache/entry", control.NewEntry{Key: "k", TTL: -1, Value: json.RawMessage(`1`)}, `invalidInput: the time to live is negative`},
		{"PUT", "/cache/entry", control.NewEntry{Key: "_k", Value: json.RawMessage(`1`)}, `invalidInput: the key "_k" is reserved`},
		{"PUT", "/cache/entry", map[string]string{"key": "k"}, `invalidInput: the value is missing`},
		{"DELETE", "/cache/entry?key=_k", nil, `invalidInput: the key "_k" is reserved`},
		{"DELETE", "/cache/entry?key=k/2", nil, `null`},
		{"DELETE", "/cache/entry?key=k/2", nil, `notFound: the cache has no value under "k/2"`},
		{"GET", "/cache/entry?key=k/2", nil, `notFound: the cache has no value under "k/2"`},
		{"GET", "/report", nil, `"peers":["a","b"]`},
		{"POST", "/conns/none/close", control.Reason{}, `notFound: no client with the id "none" is connected`},
	} {
		got := answer(t, a, tt.method, tt.target, tt.body)
		rest := got
		for part := range strings.SplitSeq(tt.want, "…") {
			found := false
			if _, rest, found = strings.Cut(rest, part); !found {
				t.Errorf("%s %s answers %s, want %s", tt.method, tt.target, got, tt.want)
			}
		}
	}
	if got := answer(t, a, "POST", "/conns/"+bob.ID+"/close", control.Reason{Reason: "too loud"}); got != "null" {
		t.Errorf("a connection of the other node: %s", got)
	}
	if reason := <-client.closed; reason != "too loud" {
		t.Errorf("it was closed with %q", reason)
	}
}

func TestAListOfKeysReportsWhetherThereAreMore(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	_, socket, _, _ := look(t, net, "a", "hall")
	for n := range 5 {
		if got := answer(t, socket, "PUT", "/cache/entry", control.NewEntry{Key: fmt.Sprintf("k%d", n), Value: json.RawMessage("1")}); got != "null" {
			t.Fatal(got)
		}
	}
	if got := answer(t, socket, "GET", "/cache?limit=4", nil); !strings.HasSuffix(got, `,"more":true}`) || strings.Count(got, `"k`) != 5 {
		t.Errorf("the keys are %s", got)
	}
	if got := answer(t, socket, "GET", "/cache?limit=5", nil); !strings.HasSuffix(got, `,"more":false}`) {
		t.Errorf("the keys are %s", got)
	}
}
