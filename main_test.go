package actionhero_test

import (
	"context"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/transport"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// newAPI returns a started API on the embedded backend that stops with the test.
func newAPI(t testing.TB, cfg actionhero.Config, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	api := stoppedAPI(t, cfg, parts...)
	if err := api.Start(context.Background()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := api.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return api
}

// dispatch runs an action with text params: key, value, key, value, …
func dispatch(t testing.TB, api *actionhero.API, action string, pairs ...string) (any, *actionhero.Error) {
	t.Helper()
	req := transport.Of(api).NewRequest("test")
	req.Action = action
	for i := 0; i < len(pairs); i += 2 {
		if err := transport.ParamsOf(&req.Params).Add(pairs[i], pairs[i+1]); err != nil {
			t.Fatal(err)
		}
	}
	out, err := transport.Of(api).Dispatch(t.Context(), req)
	if err == nil {
		return out, nil
	}
	e, ok := err.(*actionhero.Error)
	if !ok {
		t.Fatalf("Dispatch returned a %T: it must be an *Error", err)
	}
	return out, e
}
