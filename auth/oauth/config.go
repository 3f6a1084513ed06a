package oauth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/limit"
	"github.com/actionhero-go/actionhero/web"
)

// Config has the choices of [New]. Issuer and Scopes are required.
type Config struct {
	// Issuer is the public origin of the app, for example "https://app.example.com": https, a host, perhaps a port, and no
	// path. Plain http is allowed for a loopback address and localhost.
	Issuer string
	// Scopes are what users can allow: from 1 to 100. A client that names no scope asks for all of them.
	Scopes []Scope
	// Login is the path of the app's page with the login. A visitor who is not logged in is sent there, with the query
	// return_to: the path and the query to which the page must send the user after the login. Default: "/login".
	Login string
	// Clients are the clients that the app knows. Default: none.
	Clients []Client
	// NoClientDocuments refuses the clients whose id is the URL of a document about them, as current agents use. The server
	// fetches the document over HTTPS from public addresses only, for a user who is logged in.
	NoClientDocuments bool
	// Registration lets every program register a client at /register (RFC 7591), as older agents do. It makes a record of each
	// one, at most 10 a minute for an address and 30 a minute on a node. Without a grant, the record ends after 24 hours. Default: off.
	Registration bool
	// AccessLife is the time for which an access token is valid, from 1 minute to 24 hours. Default: 15 minutes.
	AccessLife time.Duration
	// GrantIdle is the time without a new token after which a grant ends, from 1 hour to 400 days. Default: 30 days.
	GrantIdle time.Duration
	// GrantLife is the time after the consent at which a grant ends, also if it is in use, from GrantIdle to 10 years.
	// Default: 400 days.
	GrantLife time.Duration
	// PerUser is the number of grants that a user may have, from 1 to 1,000. A further one ends the one that was used least
	// recently. Default: 50.
	PerUser int
	// Identity returns the identity that the user of a token has now, so that a role that is taken away counts at once. It
	// gets the identity of the consent, and is called for each request with a token, and for each new token. The zero Identity
	// means that the user is gone: the grant ends. The scopes are always those of the token. Default: the identity of the
	// consent.
	Identity func(ctx context.Context, who actionhero.Identity) (actionhero.Identity, error)

	client *http.Client // for tests; nil: one that reaches public addresses only
}

// Scope is a permission that a user can give to a client.
type Scope struct {
	Name        string // as the rule [actionhero.Scopes] has it; 1 to 100 characters without spaces, quotes and backslashes
	Description string // for the user, after "It may": "read your tickets"; required
}

// Client is a client that the app knows.
type Client struct {
	ID           string   // 1 to 200 letters, digits and _ . -
	Name         string   // for the user; default: the ID
	RedirectURIs []string // exact; the port of a loopback address may differ; required
	Secret       string   // at least 32 characters; default: none, for clients that cannot keep a secret
	Scopes       []string // that the client may get; default: all
	// Trusted lets the client have its scopes without a question to the user. Use it for clients of your own with an https
	// RedirectURI only.
	Trusted bool
}

// Server is an authorization server. New makes it. It is a [actionhero.Part] of the app, with an [actionhero.Authenticator]
// that checks the access tokens of its clients. Its methods may be called concurrently after [actionhero.API.Start].
//
// Tokens and codes are stored as SHA-256. Grants and registered clients are in the store of the backend, so all nodes of a
// cluster know them; on a backend that is a [backend.Keeper], they are in files of the folder, and survive a restart.
type Server struct {
	serverPart
	cfg    Config
	scopes []string
	nodes  sync.Map // *actionhero.API: *node

	registrations, allRegistrations, fetches, questions *limit.Limiter

	documents *documents
	consents  actionhero.CacheOf[consent]
	codes     actionhero.CacheOf[code]
	spent     actionhero.CacheOf[string] // by the hash of a code: the id of the grant that it has made
	ended     actionhero.CacheOf[bool]   // by the id of a grant
	epochs    actionhero.CacheOf[string] // by the record of a user: changed by RevokeAll, so that older codes do not count
}

// serverPart hides the embedded Part, whose methods make Server a Part.
type serverPart = actionhero.Part

// New returns the authorization server of an app. If a field of cfg is missing or out of range, the registration of the part
// fails.
func New(cfg Config) *Server {
	cfg.Login = cmp.Or(cfg.Login, "/login")
	cfg.AccessLife = cmp.Or(cfg.AccessLife, 15*time.Minute)
	cfg.GrantIdle = cmp.Or(cfg.GrantIdle, 30*24*time.Hour)
	cfg.GrantLife = cmp.Or(cfg.GrantLife, max(400*24*time.Hour, cfg.GrantIdle))
	cfg.PerUser = cmp.Or(cfg.PerUser, 50)
	s := &Server{
		cfg:              cfg,
		registrations:    limit.New(limit.Limit{Name: "oauth.register", Events: 10, Per: time.Minute}),
		allRegistrations: limit.New(limit.Limit{Name: "oauth.registerAll", Events: 30, Per: time.Minute}),
		fetches:          limit.New(limit.Limit{Name: "oauth.documents", Events: 20, Per: time.Minute}),
		questions:        limit.New(limit.Limit{Name: "oauth.questions", Events: 60, Per: time.Minute}),
		documents:        newDocuments(cfg.client),
		consents:         actionhero.CacheOf[consent]{Prefix: "_oauth:consent:"},
		codes:            actionhero.CacheOf[code]{Prefix: "_oauth:code:"},
		spent:            actionhero.CacheOf[string]{Prefix: "_oauth:spent:"},
		ended:            actionhero.CacheOf[bool]{Prefix: "_oauth:ended:"},
		epochs:           actionhero.CacheOf[string]{Prefix: "_oauth:epoch:"},
	}
	for _, scope := range cfg.Scopes {
		s.scopes = append(s.scopes, scope.Name)
	}
	s.serverPart = actionhero.Initializer{
		Name:  "auth.oauth",
		Parts: actionhero.Parts{auth.NewBearer(auth.BearerConfig{Name: "oauth", Prefix: accessPrefix, Check: s.check, Description: "An access token, which a user has allowed."})},
		Setup: s.setUp, Start: s.start,
	}
	return s
}

// node is a Server in one API.
type node struct {
	*Server
	api     *actionhero.API
	web     *web.Server // set before the first request
	records *records
}

// Mounted receives the web server, which knows the addresses of clients behind proxies.
func (n *node) Mounted(s *web.Server) { n.web = s }

func (s *Server) setUp(api *actionhero.API) error {
	if err := s.cfg.check(); err != nil {
		return err
	}
	n := &node{Server: s, api: api, records: newRecords(api)}
	s.nodes.Store(api, n)
	parts := actionhero.Parts{
		web.Mount("/.well-known/oauth-authorization-server", n.endpoint(n.metadata)),
		web.Mount("/authorize", web.Protect(actionhero.Public, n.page(n.authorize))),
		web.Mount("/token", n.endpoint(n.token)),
		web.Mount("/revoke", n.endpoint(n.revoke)),
	}
	if s.cfg.Registration {
		parts = append(parts, web.Mount("/register", n.endpoint(n.register)))
	}
	return api.Register(parts...)
}

func (s *Server) start(ctx context.Context, api *actionhero.API) error {
	n, err := s.node(api)
	if err != nil {
		return err
	}
	return n.records.open(ctx)
}

// node returns the state of the API, or an error if the API does not have the part s.
func (s *Server) node(api *actionhero.API) (*node, error) {
	if n, ok := s.nodes.Load(api); ok {
		return n.(*node), nil
	}
	return nil, errors.New("the API does not have the oauth.Server: register it as a part")
}

func (c *Config) check() error {
	issuer, err := url.Parse(c.Issuer)
	switch {
	case err != nil || issuer.Host == "" || issuer.User != nil || issuer.Path != "" || strings.ContainsAny(c.Issuer, "?#"):
		return fmt.Errorf("Config.Issuer is %q: use the origin of the app without a path, for example https://app.example.com", c.Issuer)
	case issuer.Scheme != "https" && !(issuer.Scheme == "http" && isLoopback(issuer.Hostname())):
		return fmt.Errorf("Config.Issuer is %q: use https", c.Issuer)
	case !strings.HasPrefix(c.Login, "/") || strings.HasPrefix(c.Login, "//") || strings.ContainsAny(c.Login, "?#\\"):
		return fmt.Errorf("Config.Login is %q: use a path of the app, like /login", c.Login)
	case c.AccessLife < time.Minute || c.AccessLife > 24*time.Hour:
		return fmt.Errorf("Config.AccessLife is %v: use from 1 minute to 24 hours", c.AccessLife)
	case c.GrantIdle < time.Hour || c.GrantIdle > 400*24*time.Hour:
		return fmt.Errorf("Config.GrantIdle is %v: use from 1 hour to 400 days", c.GrantIdle)
	case c.GrantLife < c.GrantIdle || c.GrantLife > 3650*24*time.Hour:
		return fmt.Errorf("Config.GrantLife is %v: use from the GrantIdle, which is %v, to 10 years", c.GrantLife, c.GrantIdle)
	case c.PerUser < 1 || c.PerUser > 1000:
		return fmt.Errorf("Config.PerUser is %d: use from 1 to 1000", c.PerUser)
	case len(c.Scopes) == 0 || len(c.Scopes) > 100:
		return fmt.Errorf("Config.Scopes has %d scopes: use from 1 to 100", len(c.Scopes))
	}
	seen := map[string]bool{}
	for _, scope := range c.Scopes {
		switch {
		case !isScope(scope.Name) || seen[scope.Name]:
			return fmt.Errorf("Config.Scopes has the name %q: use different names of 1 to 100 characters without spaces, quotes and backslashes", scope.Name)
		case scope.Name == "*":
			return errors.New(`Config.Scopes has the name "*", which allows everything: name what a client may do`)
		case scope.Description == "":
			return fmt.Errorf("the scope %q has no Description: say what the client may do with it", scope.Name)
		}
		seen[scope.Name] = true
	}
	ids := map[string]bool{}
	for i := range c.Clients {
		if err := c.Clients[i].check(seen); err != nil {
			return err
		}
		if id := c.Clients[i].ID; ids[id] {
			return fmt.Errorf("Config.Clients has the client %q twice", id)
		}
		ids[c.Clients[i].ID] = true
	}
	return nil
}

// isScope reports whether name is a scope-token (RFC 6749, 3.3).
func isScope(name string) bool {
	for i := range len(name) {
		if b := name[i]; b <= ' ' || b > '~' || b == '"' || b == '\\' {
			return false
		}
	}
	return name != "" && len(name) <= 100
}
