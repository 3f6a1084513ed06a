// Package browser_test drives what the server serves to browsers, in a browser: the start page in Chromium, and the
// client actionhero.js in Node.
package browser_test

import (
	"context"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/server"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// browserWait is how long a test waits for what a browser must do soon, on a busy machine.
const browserWait = 3 * testkit.Wait

// site is a server that can stop and start again at the same address.
type site struct {
	*testkit.Server
	url string // without a slash at the end
}

// newSite starts a server, which stops with the test. Change sets what the test needs.
func newSite(t testing.TB, change func(*server.Config), parts ...actionhero.Part) *site {
	t.Helper()
	s := testkit.Start(t, testkit.Options{Parts: append(parts, slow, refuse), Change: func(cfg *server.Config) {
		cfg.HTTPServer.Port = testkit.FreePort(t)
		cfg.General.FlatFileDirectory = ""            // the start page
		cfg.General.AnnounceLimit = 0                 // the default
		cfg.General.StopGrace = 50 * time.Millisecond // for the action slow
		// No inline script or style, and nothing from elsewhere: what a careful operator sets.
		cfg.CommonWeb.HTTPHeaders = map[string]string{"Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"}
		if change != nil {
			change(cfg)
		}
	}})
	return &site{s, "http://" + s.Web.Addr().String()}
}

// slow is an action that takes longer than its callers wait; it ends when its caller goes.
var slow = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "slow", Description: "Takes longer than you wait",
	Run: func(ctx context.Context, _ actionhero.None) (actionhero.None, error) {
		<-ctx.Done()
		return actionhero.None{}, context.Cause(ctx)
	},
}

// refuse is an action that does not do what it is asked for, and whose texts are no HTML.
var refuse = actionhero.Action[struct {
	Size int `json:"<size>"`
}, actionhero.None]{
	Name: "refuse", Description: "Refuses <img src=x onerror=alert(1)>",
	Run: func(context.Context, struct {
		Size int `json:"<size>"`
	}) (actionhero.None, error) {
		return actionhero.None{}, actionhero.Errorf(actionhero.CodePermissionDenied, "<b>You</b> may not")
	},
}
