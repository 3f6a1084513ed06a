package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
	"github.com/actionhero-go/actionhero/limit"
	stock "github.com/actionhero-go/actionhero/server"
)

// The servers of the table of identities: the same action without rules, with sessions for callers who have none, and with
// a session, a rule and a limit for each request.
const (
	openServer      = "open"
	anonymousServer = "sessions, an anonymous caller"
	sessionServer   = "a session, a rule and a limit"
)

func init() {
	for _, name := range []string{openServer, anonymousServer, sessionServer} {
		peers[name] = func(addr string) error { return serveIdentity(name, addr) }
	}
}

type numberOutput struct {
	RandomNumber float64 `json:"randomNumber" example:"0.123"`
}

// serveIdentity serves the action randomNumber at addr, and the action login, until the process ends.
func serveIdentity(name, addr string) error {
	number := actionhero.Action[actionhero.None, numberOutput]{
		Name: "randomNumber", Kind: actionhero.KindRead, Access: actionhero.Public,
		Run: func(context.Context, actionhero.None) (numberOutput, error) {
			return numberOutput{rand.Float64()}, nil
		},
	}
	parts := actionhero.Parts{}
	if name != openServer {
		sessions := auth.NewSessions(auth.SessionConfig{})
		parts = append(parts, sessions, actionhero.DefaultAccess(actionhero.Authenticated), actionhero.Action[actionhero.None, actionhero.None]{
			Name: "login", Access: actionhero.Public,
			Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
				return none, sessions.Login(ctx, actionhero.Identity{ID: "ann", Roles: []string{"agent"}})
			},
		})
	}
	if name == sessionServer {
		number.Access = actionhero.Roles("agent")
		number.Middleware = []actionhero.Middleware{limit.New(limit.Limit{Name: "numbers", Events: 1e9, Per: time.Hour}).By(limit.Identity)}
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	var cfg stock.Config
	cfg.HTTPServer.BindIP = host
	if cfg.HTTPServer.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = -1, host
	cfg.Tasks.Memory = true
	cfg.Log.LogRequests = new(bool)
	s, err := stock.New(cfg, append(parts, number)...)
	if err != nil {
		return err
	}
	return s.Run(context.Background())
}

// identities prints the table of identities.
func identities(ctx context.Context, passes int, slice time.Duration) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var targets []slices.Target
	for _, name := range []string{openServer, anonymousServer, sessionServer} {
		addr, err := proc.FreeAddr()
		if err != nil {
			return err
		}
		s, err := proc.Start(ctx, name, addr, nil, self, "-serve", name, "-addr", addr)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		header := ""
		if name == sessionServer {
			cookie, err := logIn(s.Addr)
			if err != nil {
				return err
			}
			header = "Cookie: " + cookie + "\r\n"
		}
		targets = append(targets, slices.Target{Server: s, Load: busyLoad(s.Addr, header)})
	}
	results, err := slices.Run(targets, passes, slice)
	if err != nil {
		return err
	}
	fmt.Println(slices.Table(results))
	return nil
}

// logIn returns the session as the value of a header Cookie.
func logIn(addr string) (string, error) {
	resp, err := http.Post("http://"+addr+"/api/login", "application/json", strings.NewReader("{}"))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if cookies := resp.Cookies(); resp.StatusCode == http.StatusOK && len(cookies) == 1 {
		return cookies[0].Name + "=" + cookies[0].Value, nil
	}
	return "", fmt.Errorf("the login is answered with %s and %d cookies", resp.Status, len(resp.Cookies()))
}
