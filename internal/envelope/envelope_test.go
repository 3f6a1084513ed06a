package envelope_test

import (
	"encoding/json"
	"testing"

	"github.com/actionhero-go/actionhero/internal/envelope"
)

// A member with the name of an envelope gets a name of its own, and no member is lost.
func TestRename(t *testing.T) {
	t.Parallel()
	for members, want := range map[string]string{
		``:                                 ``,
		`"a":1,"id":2`:                     `"a":1,"id":2`,
		`"error":"x","b":2`:                `"_error":"x","b":2`,
		`"error":1,"_error":2,"__error":3`: `"___error":1,"_error":2,"__error":3`,
		`"err\u006fr":{"error":[1,{"context":2}]}`:  `"_error":{"error":[1,{"context":2}]}`,
		`"context":",\"","messageCount":[],"é":"}"`: `"_context":",\"","_messageCount":[],"é":"}"`,
		` "errorCode" : 1 , "x" : [ 1 , 2 ] `:       `"_errorCode":1,"x":[ 1 , 2 ]`,
		`"messageId":1`:                             `"_messageId":1`,
	} {
		got := string(envelope.Rename([]byte("head{"+members), 5, nil))
		if got != "head{"+want {
			t.Errorf("%s\nbecomes %s\nwant    head{%s", members, got, want)
		}
	}
	if got := string(envelope.Rename([]byte(`"id":1,"_id":2`), 0, []string{"id"})); got != `"__id":1,"_id":2` {
		t.Errorf("a further name: %s", got)
	}
}

func FuzzRename(f *testing.F) {
	for _, seed := range []string{`{}`, `{"error":1,"_error":2}`, `{"a":{"error":[]},"\u0065rror":"}"}`, ` { "id" : null } `, `{"":{}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, object []byte) {
		var before map[string]any
		if json.Unmarshal(object, &before) != nil || before == nil || !json.Valid(object) {
			return
		}
		start := 0
		for object[start] != '{' {
			start++
		}
		end := len(object) - 1
		for object[end] != '}' {
			end--
		}
		after := append(envelope.Rename(append([]byte(nil), object[:end]...), start+1, []string{"id"}), '}')
		var got map[string]any
		if err := json.Unmarshal(after, &got); err != nil {
			t.Fatalf("%s becomes %s: %v", object, after, err)
		}
		if len(got) < len(before) {
			t.Errorf("%s loses members: %s", object, after)
		}
		for name := range got {
			if envelope.Reserved(name) || name == "id" {
				t.Errorf("%s still has %q: %s", object, name, after)
			}
		}
	})
}
