package actionhero_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

func TestDetails(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	c, _ := connect(t, api, "a")
	defer transport.Of(api).Disconnect(c)
	if object, ok := transport.AppendDetails([]byte("kept"), c); ok || string(object) != "kept" || c.Details() != nil || c.Detail("name") != nil {
		t.Errorf("a client shows %s, %v, %v without having any detail", object, c.Details(), c.Detail("name"))
	}
	list := []int{1}
	steps(t, c.SetDetail("name", "Ann"), c.SetDetail("id", int64(9007199254740993)), c.SetDetail("list", list), c.SetDetail("gone", true))
	list[0] = 2
	steps(t, c.SetDetail("name", "Bob \"<\n>\""), c.SetDetail("gone", nil), c.SetDetail("never", nil), c.SetDetail("raw", json.RawMessage("{\n\"a\": null}\n")))
	const text = `{"name":"Bob \"<\n>\"","id":9007199254740993,"list":[1],"raw":{"a":null}}`
	if object, ok := transport.AppendDetails([]byte("kept"), c); !ok || string(object) != "kept"+text {
		t.Errorf("it shows %s, want %s", object, text)
	}
	want := map[string]any{"name": "Bob \"<\n>\"", "id": 9007199254740993.0, "list": []any{1.0}, "raw": map[string]any{"a": nil}}
	if diff := cmp.Diff(want, c.Details()); diff != "" || c.Detail("name") != want["name"] || c.Detail("gone") != nil {
		t.Errorf("Go code sees (-want +got):\n%s", diff)
	}
	c.Details()["name"] = "changed"
	if c.Detail("name") == "changed" {
		t.Error("who asks for details can change them")
	}
}

// Beyond the bounds, details stay as they were.
func TestDetailsAreBounded(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{})
	c, _ := connect(t, api, "a")
	defer transport.Of(api).Disconnect(c)
	var none *int
	if err := c.SetDetail("", 1); actionhero.AsError(err) == nil || actionhero.AsError(err).Code != actionhero.CodeInvalidInput {
		t.Errorf("without a key: %v", err)
	}
	if err := c.SetDetail("f", func() {}); actionhero.AsError(err) == nil || actionhero.AsError(err).Code != actionhero.CodeInvalidInput || !strings.HasPrefix(err.Error(), `the detail "f" does not encode as JSON: `) {
		t.Errorf("a function: %v", err)
	}
	const full = "a connection may have 32 details of 4096 bytes of JSON at most"
	most := strings.Repeat("x", actionhero.MaxDetailBytes-len(`{"a":""}`))
	failed(t, "too large", c.SetDetail("a", most+"x"), actionhero.CodeResourceExhausted, full)
	steps(t, c.SetDetail("a", most))
	failed(t, "one more", c.SetDetail("b", 1), actionhero.CodeResourceExhausted, full)
	failed(t, "a larger one", c.SetDetail("a", most+"x"), actionhero.CodeResourceExhausted, full)
	if c.Detail("a") != most || len(c.Details()) != 1 {
		t.Errorf("what was refused changed the details to %v", c.Details())
	}
	steps(t, c.SetDetail("a", none))
	for i := range actionhero.MaxDetails {
		steps(t, c.SetDetail(fmt.Sprint(i), i))
	}
	failed(t, "too many", c.SetDetail("more", 1), actionhero.CodeResourceExhausted, full)
	steps(t, c.SetDetail("0", "again"), c.SetDetail("1", nil), c.SetDetail("more", 1))
	if len(c.Details()) != actionhero.MaxDetails {
		t.Errorf("there are %d details", len(c.Details()))
	}
}

func TestDetailsUnderConcurrency(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{RoomDetails: true})
	c, _ := connect(t, api, "a")
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			key := fmt.Sprint(i % 4)
			for j := range 100 {
				_ = c.SetDetail(key, j)
				if _, err := api.Rooms.Status(context.Background(), "a"); err != nil {
					t.Error(err)
				}
				_ = c.Details()
				_ = c.SetDetail(key, nil)
			}
		})
	}
	wg.Wait()
	if c.Details() != nil {
		t.Errorf("%v is left", c.Details())
	}
	transport.Of(api).Disconnect(c)
}

// Go code sees the details of a room's members always, clients only if that is switched on.
func TestMembers(t *testing.T) {
	t.Parallel()
	for _, on := range []bool{false, true} {
		api := newAPI(t, actionhero.Config{ID: "node", RoomDetails: on, RoomStatusLimit: 2})
		ann, _ := connect(t, api, "a")
		bob, _ := connect(t, api, "a")
		cat, _ := connect(t, api, "a")
		steps(t, bob.SetDetail("z", 1), bob.SetDetail("a", 2), cat.SetDetail("name", "Cat"))
		members, err := api.Rooms.Members(t.Context(), "a")
		want := []actionhero.Member{{ID: ann.ID, Node: "node"}, {ID: bob.ID, Node: "node", Details: map[string]any{"z": 1.0, "a": 2.0}}}
		if diff := cmp.Diff(want, members); diff != "" || err != nil {
			t.Errorf("members, %v (-want +got):\n%s", err, diff)
		}
		text := `{"members":["` + ann.ID + `","` + bob.ID + `"],"membersCount":3}`
		if on {
			text = text[:len(text)-1] + `,"details":{"` + bob.ID + `":{"z":1,"a":2}}}`
		}
		status, err := api.Rooms.Status(t.Context(), "a")
		object, jsonErr := status.MarshalJSON()
		if err := errors.Join(err, jsonErr); err != nil || string(object) != text {
			t.Errorf("the status is %s, %v; want %s", object, err, text)
		}
		for _, c := range []*actionhero.Conn{ann, bob, cat} {
			transport.Of(api).Disconnect(c)
		}
		if members, err := api.Rooms.Members(t.Context(), "a"); err != nil || len(members) != 0 {
			t.Errorf("an empty room has %v, %v", members, err)
		}
	}
}

// What the server sends to one client looks as if it had told the room.
func TestSend(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{ServerName: "me"})
	ann, annGets := connect(t, api, "a")
	bob, bobGets := connect(t, api, "b")
	steps(t, api.Rooms.SendTo(t.Context(), ann.ID, map[string]int{"n": 1}))
	if got := annGets.take(); !cmp.Equal(got, []string{`{"n":1} from me`}) || annGets.flushed != 1 {
		t.Errorf("ann read %q, flushed %d times", got, annGets.flushed)
	}
	if got := bobGets.take(); got != nil {
		t.Errorf("bob read %q", got)
	}
	transport.Of(api).Disconnect(bob)
	failed(t, "a client that has gone", api.Rooms.SendTo(t.Context(), bob.ID, 1), actionhero.CodeNotFound, `no client with the id "`+bob.ID+`" is connected`)
	failed(t, "what does not encode", api.Rooms.SendTo(t.Context(), ann.ID, func() {}), actionhero.CodeInternal, internal)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	failed(t, "a context that has ended", api.Rooms.SendTo(ended, ann.ID, 1), actionhero.CodeCanceled, "The request was canceled")
	if got := annGets.take(); got != nil {
		t.Errorf("after failures ann read %q", got)
	}
	transport.Of(api).Disconnect(ann)
}
