package actionhero_test

import (
	"context"
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// everyInput has every kind of input that an action may take.
type everyInput struct {
	everyValue
	File *actionhero.File `json:"file"`
}

// everyValue is those of them that can be an output as well.
type everyValue struct {
	Text     string            `json:"text" maxLength:"1000"`
	Flag     bool              `json:"flag"`
	Int      int8              `json:"int" minimum:"-5" maximum:"5"`
	Uint     uint64            `json:"uint"`
	Float    float32           `json:"float"`
	At       time.Time         `json:"at"`
	For      time.Duration     `json:"for"`
	List     []int             `json:"list" maxItems:"5"`
	Lists    [][]string        `json:"lists"`
	Map      map[string]uint16 `json:"map"`
	Nested   *nestedInput      `json:"nested"`
	Any      any               `json:"any"`
	Raw      json.RawMessage   `json:"raw"`
	Addr     netip.Addr        `json:"addr"`
	Email    string            `json:"email" format:"email"`
	UUID     string            `json:"uuid" format:"uuid"`
	URI      string            `json:"uri" format:"uri"`
	Host     string            `json:"host" format:"hostname"`
	Moment   string            `json:"moment" format:"date-time"`
	Color    string            `json:"color" enum:"red,green"`
	Pattern  string            `json:"pattern" pattern:"^(a+)+$"`
	Default  int               `json:"default" default:"7"`
	Password string            `json:"password" secret:"true"`
}

type nestedInput struct {
	Name string         `json:"name" required:"true"`
	More []*nestedInput `json:"more"`
}

// answersAll returns its input, so that the decoded input is encoded again.
var answersAll = actionhero.Action[everyInput, everyValue]{
	Name: "answersAll", Description: "Answers what it is given",
	Run: func(_ context.Context, in everyInput) (everyValue, error) { return in.everyValue, nil },
}

// FuzzInputs sends any text and any JSON to an action that takes every kind of input. The input is decoded or refused as
// invalid, and the echo of the params is one line of JSON without the secrets.
func FuzzInputs(f *testing.F) {
	api := newAPI(f, actionhero.Config{}, answersAll)
	for _, object := range []string{
		`{}`, `null`, `[]`, `{"text":"a","flag":true,"int":1,"uint":1,"float":1.5}`, `{"at":"2024-02-30T25:61:61Z","for":"1h","at":0}`, `{"list":[1,"2",null],"lists":[["a"],null]}`,
		`{"map":{"a":1,"b":70000,"a":2},"nested":{"name":"x","more":[{"name":""},null]}}`, `{"any":{"a":[1,{"b":null}]},"raw":{"x":1e400}}`, `{"limit":-1,"offset":1e3}`,
		`{"addr":"::1%eth0","email":"a@b","uuid":"00000000-0000-0000-0000-000000000000","uri":"http://[::1","host":"a..b","moment":"x","color":"blue","pattern":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab"}`,
		`{"password":"hunter2","text":"\ud800\u0000"}`, strings.Repeat(`{"any":`, 70), `{"file":"x","default":""}`, "{\"text\":\"\xff\"}", `{"int":1E2,"uint":-0,"float":1e39}`,
	} {
		f.Add("text", "value", []byte(object))
	}
	for _, key := range []string{"text", "flag", "int", "at", "for", "list", "map", "nested", "any", "raw", "addr", "file", "limit", "password", "no such key", ""} {
		f.Add(key, "-1", []byte(`{}`))
		f.Add(key, "\x00\xff[1]", []byte(`{"limit":"5"}`))
	}
	f.Fuzz(func(t *testing.T, key, text string, object []byte) {
		req := transport.Of(api).NewRequest("test")
		req.Action = "answersAll"
		before := string(object)
		failed := transport.ParamsOf(&req.Params).Add(key, text)
		if failed == nil {
			failed = transport.ParamsOf(&req.Params).Add(key, text+text)
		}
		transport.ParamsOf(&req.Params).NextSource()
		if err := transport.ParamsOf(&req.Params).AddObject(object); err != nil {
			failed = err
			checkClientError(t, err)
		}
		req.Err = failed
		out, err := transport.Of(api).Dispatch(t.Context(), req)
		if err != nil {
			checkClientError(t, err)
		} else if members, err := transport.AppendOutput([]byte("{"), req, out); err != nil || !json.Valid(append(members, '}')) {
			t.Fatalf("%q is answered with %s}, %v", object, members, err)
		}
		shown := string(transport.ParamsOf(&req.Params).AppendJSON(nil, api, 0))
		if !json.Valid([]byte(shown)) || strings.ContainsAny(shown, "\n\r\u2028") {
			t.Fatalf("%q is shown as %s", object, shown)
		}
		if req.Params.Has("password") && !strings.Contains(shown, `"password":"[FILTERED]"`) {
			t.Fatalf("a secret is shown: %s", shown)
		}
		if string(object) != before {
			t.Fatalf("what the transport read was changed: %q is now %q", before, object)
		}
	})
}

// checkClientError fails unless the error is one that a client may see, and its own fault.
func checkClientError(t *testing.T, err error) {
	t.Helper()
	if e := actionhero.AsError(err); e.Code != actionhero.CodeInvalidInput || e.Message == "" {
		t.Fatalf("bad params are %v: %q (%v)", e.Code, e.Message, e.Err)
	}
}
