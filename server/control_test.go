package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/control"
)

// The control socket answers each request with a result, or with an error that has a code. Package cli sends no wrong
// request, but curl can.
func TestControlSocket(t *testing.T) {
	t.Parallel()
	work := actionhero.Task[struct {
		Key string `json:"key" required:"true" secret:"true"`
	}]{Name: "work", Run: func(context.Context, struct {
		Key string `json:"key" required:"true" secret:"true"`
	}) error {
		return nil
	}}
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, work)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "socket")
	api.Add(&controller{api: api, path: path})
	if err := api.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Stop(context.Background()) })
	for i, tt := range []struct {
		method, target string
		body           any
		want           string // a part of the result, or the code and the error
	}{
		{"POST", "/jobs", control.NewJob{Task: "work", Params: []byte(`{"key":"sesame"}`)}, `{"id":1,"existing":false}`},
		{"GET", "/jobs/1", nil, `"params":{"key":"[FILTERED]"}`},
		{"GET", "/jobs?state=available&limit=5", nil, `[{"id":1,`},
		{"GET", "/jobs?state=dead", nil, `[]`},
		{"GET", "/stats", nil, `"available":1`},
		{"POST", "/jobs", nil, "invalidInput: the request is not the expected JSON object"},
		{"POST", "/jobs", control.NewJob{Task: "work"}, "invalidInput: key is a required parameter for this task"},
		{"POST", "/jobs", map[string]any{"task": "work", "afterr": 5}, `invalidInput: the request is not the expected JSON object: unknown member "afterr"`},
		{"POST", "/jobs", control.NewJob{Task: "none"}, "notFound: none is not a known task."},
		{"GET", "/jobs/x", nil, `invalidInput: the id of the job is "x": it must be a whole number`},
		{"GET", "/jobs?limit=-1", nil, `invalidInput: limit is "-1": it must be a whole number`},
		{"GET", "/jobs?after=x", nil, `invalidInput: after is "x": it must be a whole number`},
		{"GET", "/jobs?state=lost", nil, `invalidInput: "lost" is no state of a job`},
		{"POST", "/jobs/9/retry", nil, "notFound: there is no job 9"},
		{"POST", "/jobs/1/cancel", nil, `"state":"cancelled"`},
		{"DELETE", "/jobs/1", nil, "null"},
		{"DELETE", "/jobs/1", nil, "notFound: there is no job 1"},
		{"GET", "/lost", nil, "notFound: the server does not know GET /lost: it may have another version"},
	} {
		raw, err := control.Call(t.Context(), path, tt.method, tt.target, tt.body)
		got := string(raw)
		if e := (*control.Error)(nil); errors.As(err, &e) {
			got = fmt.Sprintf("%s: %s", e.Code, e.Message)
		} else if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(got, tt.want) {
			t.Errorf("%d: %s %s answers %s, want %s", i, tt.method, tt.target, got, tt.want)
		}
	}
}
