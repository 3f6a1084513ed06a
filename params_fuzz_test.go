package actionhero_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

type everything struct {
	Text   string                 `json:"text" maxLength:"10"`
	Yes    bool                   `json:"yes"`
	Whole  int8                   `json:"whole" minimum:"-5"`
	Real   float64                `json:"real"`
	When   time.Time              `json:"when"`
	Long   time.Duration          `json:"long"`
	List   []int                  `json:"list" maxItems:"3"`
	Map    map[string]any         `json:"map"`
	Inner  *struct{ A, B string } `json:"inner"`
	Any    any                    `json:"any"`
	File   *actionhero.File       `json:"file"`
	Secret string                 `json:"secret" secret:"true"`
}

// Whatever a client sends, it gets an answer that encodes or an error of its own making, and the echo of what it sent
// is JSON.
func FuzzParams(f *testing.F) {
	api := newAPI(f, actionhero.Config{}, actionhero.Action[everything, map[string]any]{
		Name: "all",
		Run: func(_ context.Context, in everything) (map[string]any, error) {
			return map[string]any{"text": in.Text, "real": in.Real, "when": in.When, "list": in.List, "map": in.Map, "inner": in.Inner, "any": in.Any}, nil
		},
	})
	f.Add([]byte(`{"text":"a","whole":"7","list":[1,2],"map":{"a":null},"inner":{"A":"x"},"any":[true]}`), "text", "b")
	f.Add([]byte(`{"when":"2026-01-01T00:00:00Z","long":"1s","real":1e3}`), "list", "1,2,3,4")
	f.Add([]byte(`null`), "limit", "-1")
	f.Fuzz(func(t *testing.T, object []byte, key, text string) {
		req := transport.Of(api).NewRequest("fuzz")
		req.Action = "all"
		req.Err = transport.ParamsOf(&req.Params).AddObject(object)
		transport.ParamsOf(&req.Params).NextSource()
		if err := transport.ParamsOf(&req.Params).Add(key, text); err != nil {
			t.Fatal(err)
		}
		out, err := transport.Of(api).Dispatch(t.Context(), req)
		if echo := transport.ParamsOf(&req.Params).AppendJSON(nil, api, 0); !json.Valid(echo) {
			t.Errorf("the echo is %q", echo)
		}
		if err != nil {
			if code := actionhero.AsError(err).Code; code != actionhero.CodeInvalidInput {
				t.Errorf("%q, %s=%q: %v: %v", object, key, text, code, err)
			}
			return
		}
		body, err := transport.AppendOutput([]byte("{"), req, out)
		if err != nil || !json.Valid(append(body, '}')) {
			t.Errorf("%q, %s=%q answers %q, %v", object, key, text, body, err)
		}
	})
}
