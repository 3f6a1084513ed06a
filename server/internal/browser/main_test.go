// Package browser_test drives what the server serves to browsers, in a browser: the start page in Chromium, and the
// client actionhero.js in Node.
package browser_test

import (
	"context"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/freeport"
	"github.com/actionhero-go/actionhero/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what should come soon: a browser on a busy machine takes its time.
const patience = 30 * time.Second

// site is a server that can be stopped and started again at the same address.
type site struct {
	t      testing.TB
	url    string // without a slash at the end
	change func(*server.Config)
	parts  []actionhero.Part

	server *server.Server
}

// newSite starts a server on a free port; it stops with the test. change sets what the test needs.
func newSite(t testing.TB, change func(*server.Config), parts ...actionhero.Part) *site {
	t.Helper()
	s := &site{t: t, change: change, parts: parts}
	s.start(freeport.Get(t))
	s.url = "http://" + s.server.Web.Addr().String()
	t.Cleanup(s.stop)
	return s
}

func (s *site) start(port int) {
	s.t.Helper()
	var cfg server.Config
	cfg.Tasks.Memory = true
	cfg.Log.Logging = new(false)
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP = port, "127.0.0.1"
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = -1, "127.0.0.1"
	cfg.General.StopGrace = 50 * time.Millisecond // for the action slow
	// No inline script or style, and nothing from elsewhere: what a careful operator sets.
	cfg.CommonWeb.HTTPHeaders = map[string]string{"Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"}
	if s.change != nil {
		s.change(&cfg)
	}
	var err error
	if s.server, err = server.New(cfg, append(s.parts, builtin.All, slow, refuse)...); err != nil {
		s.t.Fatal(err)
	}
	if err := s.server.Start(context.Background()); err != nil {
		s.t.Fatal(err)
	}
}

// stop stops the server, if it is not stopped already.
func (s *site) stop() {
	if s.server == nil {
		return
	}
	if err := s.server.Stop(context.Background()); err != nil {
		s.t.Errorf("Stop: %v", err)
	}
	if err := s.server.Close(); err != nil {
		s.t.Errorf("Close: %v", err)
	}
	s.server = nil
}

// again starts the server anew where it was.
func (s *site) again() {
	s.t.Helper()
	s.start(s.port())
}

func (s *site) port() int {
	addr, err := net.ResolveTCPAddr("tcp", s.url[len("http://"):])
	if err != nil {
		s.t.Fatal(err)
	}
	return addr.Port
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
