package actionhero_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/transport"
)

const deprecatedLine = "a deprecated action is called"

// The log names each caller of a deprecated action once an hour, and not more callers than fit.
func TestTheLogNamesWhoCallsADeprecatedAction(t *testing.T) {
	t.Parallel()
	log := &testkit.Recorder{}
	old := versioned("x", 1)
	old.Deprecated = &actionhero.Deprecation{Since: "2020-01-01", Sunset: "2027-06-01", Replacement: "v2/x"}
	future := versioned("future", 0)
	future.Deprecated = &actionhero.Deprecation{Since: "2100-01-01"}
	outer := actionhero.Action[actionhero.None, versionOut]{Name: "outer"}
	api := newAPI(t, actionhero.Config{Log: slog.New(log)}, old, versioned("x", 2), future)
	outer.Run = func(ctx context.Context, none actionhero.None) (versionOut, error) { return old.Call(ctx, api, none) }
	if err := api.Register(outer); err != nil {
		t.Fatal(err)
	}
	host, start := transport.Of(api), time.Now()
	call := func(action, ip string, after time.Duration) {
		t.Helper()
		req := host.NewRequest("web")
		req.Action, req.RemoteIP, req.Started = action, ip, start.Add(after)
		if _, err := host.Dispatch(t.Context(), req); err != nil {
			t.Error(err)
		}
	}
	want := func(n int, texts ...string) {
		t.Helper()
		lines := 0
		for _, e := range log.Entries() {
			if strings.Contains(fmt.Sprint(e), deprecatedLine) {
				lines++
			}
		}
		if lines != n {
			t.Errorf("the log has %d lines, want %d: %v", lines, n, log.Entries())
		}
		for _, text := range texts {
			if !log.Has(text) {
				t.Errorf("the log has no %q: %v", text, log.Entries())
			}
		}
	}
	for range 3 {
		call("v1/x", "192.0.2.1", 0)
		call("x", "192.0.2.1", 0)
		call("future", "192.0.2.1", 0)
	}
	want(1)
	if got := fmt.Sprint(log.Entries()); !strings.Contains(got, "192.0.2.1") || !strings.Contains(got, "2027-06-01") || !strings.Contains(got, "v2/x") {
		t.Errorf("the line is %s", got)
	}
	call("v1/x", "192.0.2.2", time.Minute)
	call("outer", "192.0.2.1", time.Minute)
	call("outer", "192.0.2.3", time.Minute)
	want(3)
	for range 2 {
		if _, err := old.Call(actionhero.WithIdentity(t.Context(), actionhero.Identity{ID: "ann"}), api, actionhero.None{}); err != nil {
			t.Error(err)
		}
	}
	want(4)
	if len(log.With("user", "ann")) != 1 {
		t.Errorf("the log does not name the user: %v", log.Entries())
	}
	call("v1/x", "192.0.2.1", 59*time.Minute)
	want(4)
	call("v1/x", "192.0.2.1", time.Hour)
	want(5)
	for i := range 1100 {
		call("v1/x", fmt.Sprintf("198.51.%d.%d", i/256, i%256), 61*time.Minute)
	}
	want(4+1000, "deprecated actions have more callers")
}

// A wrong deprecation is refused when the action is registered, with the field and its value.
func TestWrongDeprecationsAreRefused(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]actionhero.Deprecation{
		`Since ""`:                               {},
		`Since "soon"`:                           {Since: "soon"},
		`Sunset "2027-13-01"`:                    {Since: "2026-12-01", Sunset: "2027-13-01"},
		`Sunset 2026-11-30 before Since`:         {Since: "2026-12-01", Sunset: "2026-11-30"},
		`Replacement "/api/x"`:                   {Since: "2026-12-01", Replacement: "/api/x"},
		`Link that is no URL`:                    {Since: "2026-12-01", Link: "docs/change.md"},
		`Link that is no URL with https:// or h`: {Since: "2026-12-01", Link: "https://example.org/>; rel=x"},
		``:                                       {Since: "2026-12-01T10:00:00Z", Sunset: "2026-12-01T10:00:00Z", Replacement: "v2/x", Link: "https://example.org/change?a=b#c"},
	} {
		a := versioned("x", 1)
		a.Deprecated = &d
		err := newAPI(t, actionhero.Config{}).Register(a)
		if (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", d, err, want)
		}
	}
}
