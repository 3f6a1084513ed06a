package actionhero_test

import (
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
