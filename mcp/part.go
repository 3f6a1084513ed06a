package mcp

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"sync/atomic"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
	"github.com/actionhero-go/actionhero/web"
)

// Options describe the server to agents, for [New].
type Options struct {
	Title        string // the name that clients show to people; default: the setting general.serverName
	Instructions string // tells the model what the server is for and how its tools belong together; default: none
}

// Config is the section "mcp" of the configuration.
type Config struct {
	Path           string        `json:"path" default:"/mcp" range:"a path that begins with /" doc:"path of the web server at which agents find the tools"`
	MaxCallBytes   int64         `json:"maxCallBytes" unit:"bytes" default:"1 MiB" min:"1 KiB" limit:"request" reached:"status 413" doc:"size of the message of an agent"`
	MaxFileBytes   int           `json:"maxFileBytes" unit:"bytes" default:"1 MiB" min:"1" limit:"request" reached:"an error that names HTTP" doc:"bytes of a file with which a tool answers"`
	FileTimeout    time.Duration `json:"fileTimeout" default:"10s" min:"1ms" limit:"request" reached:"an error of the code deadlineExceeded" doc:"time within which the Body of a Content must return its next bytes"`
	MaxSessions    int           `json:"maxSessions" default:"1000" min:"0" unit:"sessions" limit:"server" reached:"nothing; the client is served without a session" doc:"sessions of clients that speak MCP 2025-11-25 or older; 0: none"`
	SessionTimeout time.Duration `json:"sessionTimeout" default:"10m" min:"1ms" limit:"client" reached:"status 404, and the client opens a new session" doc:"time without a message after which a session ends"`
	Confirm        string        `json:"confirm" default:"ask" enum:"never,ask,require" doc:"whether the user confirms each call of a destructive tool; ask: if the client can ask, require: refuse the call if it cannot"`
	Issuers        []string      `json:"issuers" range:"URLs with https, or with http to this machine" doc:"authorization servers at which agents get their tokens (OAuth 2.1); with one, every agent must log in"`
	Resource       string        `json:"resource" auto:"the URL by which the agent asks" range:"a URL like https://example.com/mcp" doc:"URL of the tools as agents know it; it is the audience of their tokens"`
	Scopes         []string      `json:"scopes" auto:"those that the rules of the tools name" doc:"scopes for which an agent asks when it logs in"`
	Token          string        `json:"token" secret:"true" doc:"token or API key of the agent of the command mcp; the app checks it like the header Authorization: Bearer"`
}

// section holds the settings of the part.
const section = actionhero.Section[Config]("mcp")

// New returns the part that serves the tools of an app. An app has it once at most. Setting mcp.path is the path at which
// the web server serves them, and the command `mcp` serves them over the standard streams.
func New(o Options) actionhero.Part {
	p := &part{options: o}
	return actionhero.Parts{
		section,
		actionhero.Initializer{Name: "mcp", Setup: p.setup, Stop: p.stop},
		p.command(),
	}
}

// part is the state of the part of one app. A program may make several APIs with the same parts, so each has an endpoint of
// its own.
type part struct {
	options  Options
	endpoint atomic.Pointer[endpoint] // of the API that was made last
}

// endpoint serves the tools of one API.
type endpoint struct {
	api     transport.Host
	cfg     Config
	server  *sdk.Server
	name    string // of the server, for people
	about   []byte // the server as JSON
	web     atomic.Pointer[web.Server]
	tools   atomic.Pointer[table]
	http    handlers
	streams *caller // of the standard streams; nil over HTTP
}

var pathForm = regexp.MustCompile(`^(/[A-Za-z0-9_.~-]+)+$`)

func (p *part) setup(api *actionhero.API) error {
	e := &endpoint{api: transport.Of(api), cfg: section.Get(api)}
	if !pathForm.MatchString(e.cfg.Path) {
		return fmt.Errorf("mcp.path is %q: use a path like /mcp", e.cfg.Path)
	}
	if err := e.cfg.checkOAuth(); err != nil {
		return err
	}
	e.server = newServer(e, p.options)
	e.http = e.newHandlers()
	p.endpoint.Store(e)
	return api.Register(append(e.metadataParts(), web.Mount(e.cfg.Path, web.MaxBody(e.cfg.MaxCallBytes, e))))
}

// stop ends the sessions. Their clients open new ones.
func (p *part) stop(_ context.Context, api *actionhero.API) error {
	e := p.endpoint.Load()
	if e == nil || e.api.API != api {
		return nil
	}
	for _, session := range slices.Collect(e.server.Sessions()) {
		_ = session.Close() // the connection of a session cannot fail: it is in memory
	}
	return nil
}

// Mounted receives the web server, which knows the addresses of clients behind proxies.
func (e *endpoint) Mounted(s *web.Server) { e.web.Store(s) }

// FastPath lets the web server pass messages on without net/http.
func (e *endpoint) FastPath() {}
