package actionhero_test

import (
	"math/bits"
	"reflect"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// A clone of params shares no memory with the request: it stays as it was when the transport reads the next request into
// the same memory, and when the request changes.
func TestACloneOfParamsOwnsItsMemory(t *testing.T) {
	t.Parallel()
	api := newAPI(t, actionhero.Config{}, actionhero.Action[everyInput, everyValue]{Name: "answersAll", Run: answersAll.Run})
	read := []byte(`{"text":"first","list":[1,2],"nested":{"name":"a"}}`)
	req := transport.Of(api).NewRequest("test")
	params := transport.ParamsOf(&req.Params)
	if err := params.AddObject(read); err != nil {
		t.Fatal(err)
	}
	for _, email := range []string{"a", "b"} {
		if err := params.Add("email", email); err != nil {
			t.Fatal(err)
		}
	}
	before := string(params.AppendJSON(nil, api, 0))
	clone := req.Params.Clone()
	for i := range read {
		read[i] = 0xdb
	}
	if err := params.Add("email", "c"); err != nil {
		t.Fatal(err)
	}
	req.Params.Set("text", "second")
	req.Params.Delete("list")
	if got := string(transport.ParamsOf(clone).AppendJSON(nil, api, 0)); got != before {
		t.Errorf("the clone is %s, want %s", got, before)
	}
	clone.Set("text", "third")
	if req.Params.Get("text") != "second" {
		t.Error("a change of the clone changes the request")
	}
}

// The room for a call with its request is what the transports allocate for each call, and what the runtime clears. With
// one more word, a call of package tcp has a larger size class.
func TestARequestIsSmall(t *testing.T) {
	t.Parallel()
	if size := reflect.TypeFor[actionhero.Request]().Size(); bits.UintSize == 64 && size > 552 {
		t.Errorf("a request has %d bytes", size)
	}
}

// Sticky params are added to each request of their connection: a text that a request adds is no text of the connection,
// nor of the next request.
func TestAddedTextsStayInTheirRequest(t *testing.T) {
	t.Parallel()
	host := transport.Of(newAPI(t, actionhero.Config{}, actionhero.Action[everyInput, everyValue]{Name: "answersAll", Run: answersAll.Run}))
	add := func(params transport.Params, texts ...string) {
		for _, text := range texts {
			if err := params.Add("email", text); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, sticky := range [][]string{{"a"}, {"a", "b"}, {"a", "b", "c"}} {
		kept := host.NewRequest("test")
		add(transport.ParamsOf(&kept.Params), sticky...)
		var requests []*actionhero.Request
		for _, own := range []string{"x", "y"} {
			req := host.NewRequest("test")
			if err := transport.ParamsOf(&req.Params).AddParams(&kept.Params); err != nil {
				t.Fatal(err)
			}
			add(transport.ParamsOf(&req.Params), own)
			requests = append(requests, req)
		}
		for i, want := range []string{sticky[len(sticky)-1], "x", "y"} {
			if got := append([]*actionhero.Request{kept}, requests...)[i].Params.Get("email"); got != want {
				t.Errorf("after %q, the last text of request %d is %q, want %q", sticky, i, got, want)
			}
		}
		if got, want := string(transport.ParamsOf(&kept.Params).AppendJSON(nil, host.API, 0)), `{"email":["`+strings.Join(sticky, `","`)+`"]}`; len(sticky) > 1 && got != want {
			t.Errorf("the sticky params are %s, want %s", got, want)
		}
	}
}
