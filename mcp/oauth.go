package mcp

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

// With mcp.issuers, the tools are a protected resource of OAuth 2.1: agents find out at which authorization server they get
// tokens, and with which scopes. The authenticators of the app check the tokens, also their audience.

// metadataPath is where agents look for the metadata of a protected resource (RFC 9728, 3.1).
const metadataPath = "/.well-known/oauth-protected-resource"

func (c *Config) checkOAuth() error {
	for _, issuer := range c.Issuers {
		if err := checkURL("mcp.issuers", issuer); err != nil {
			return err
		}
	}
	for _, scope := range c.Scopes {
		if !isScope(scope) {
			return fmt.Errorf("mcp.scopes has %q: a scope is a word without spaces, quotes and backslashes", scope)
		}
	}
	switch {
	case c.Resource == "":
		return nil
	case len(c.Issuers) == 0:
		return fmt.Errorf("mcp.resource is %q, but mcp.issuers is empty: set the authorization servers, too", c.Resource)
	}
	if err := checkURL("mcp.resource", c.Resource); err != nil {
		return err
	}
	if path := c.resourcePath(); path != "" && !pathForm.MatchString(path) {
		return fmt.Errorf("mcp.resource is %q: use a path like /mcp", c.Resource)
	}
	return nil
}

// checkURL returns an error unless text is a URL with https, or with http to this machine, without a query and a fragment.
func checkURL(setting, text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("%s has %q: use a URL like https://login.example.com", setting, text)
	}
	addr, err := netip.ParseAddr(u.Hostname())
	if u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || err == nil && addr.IsLoopback()) {
		return nil
	}
	return fmt.Errorf("%s has %q: use https", setting, text)
}

// isScope reports whether text is a scope (RFC 6749, 3.3).
func isScope(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool { return c <= ' ' || c > '~' || c == '"' || c == '\\' })
}

func (c *Config) hasOAuth() bool { return len(c.Issuers) > 0 }

// resourcePath returns the path of the resource, or "" if it is the root.
func (c *Config) resourcePath() string {
	if c.Resource == "" {
		return c.Path
	}
	u, _ := url.Parse(c.Resource) // checkOAuth has parsed it
	return strings.TrimSuffix(u.Path, "/")
}

// metadataParts returns the part that serves the metadata of the resource.
func (e *endpoint) metadataParts() actionhero.Parts {
	if !e.cfg.hasOAuth() {
		return nil
	}
	return actionhero.Parts{web.Mount(metadataPath+e.cfg.resourcePath(), web.CrossOrigin(http.HandlerFunc(e.serveMetadata)))}
}

// serveMetadata serves the metadata of the resource to all programs, also to pages: it is public.
func (e *endpoint) serveMetadata(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", "*")
	switch r.Method {
	case http.MethodGet, http.MethodHead:
	case http.MethodOptions:
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		h.Set("Allow", "GET, HEAD, OPTIONS")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	meta, _ := json.Marshal(oauthex.ProtectedResourceMetadata{ // texts always encode
		Resource: e.newCaller(w, r).resource(), AuthorizationServers: e.cfg.Issuers, ScopesSupported: e.scopes(),
		BearerMethodsSupported: []string{"header"}, ResourceName: e.name,
	})
	h.Set("Content-Type", "application/json")
	h.Set("Cache-Control", "public, max-age=60")
	_, _ = w.Write(meta) // an error means that the client is gone
}

// scopes returns mcp.scopes, or the scopes that the rules of the tools name.
func (e *endpoint) scopes() []string {
	if len(e.cfg.Scopes) > 0 {
		return e.cfg.Scopes
	}
	var all []string
	for _, t := range e.readTools().sorted {
		all = append(all, t.scopes()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// scopes returns the scopes that the rule of the tool demands.
func (t *tool) scopes() []string {
	return slices.DeleteFunc(t.access.RequiredScopes(), func(scope string) bool { return !isScope(scope) || scope == actionhero.AnyScope })
}

// resource returns the URL of the tools as the caller knows it.
func (c *caller) resource() string {
	return cmp.Or(c.endpoint.cfg.Resource, c.url(c.endpoint.cfg.Path))
}

// url returns the URL of a path of this server as the caller knows it.
func (c *caller) url(path string) string {
	scheme, host := c.RequestTarget()
	return (&url.URL{Scheme: scheme, Host: host, Path: path}).String()
}

// challenge returns the value of the header WWW-Authenticate for a caller (RFC 6750, 3, and RFC 9728, 5.1). fault is a code
// of RFC 6750, or "".
func (c *caller) challenge(fault string, scopes []string) string {
	e, params := c.endpoint, []string{}
	if fault != "" {
		params = append(params, `error="`+fault+`"`)
	}
	if e.cfg.hasOAuth() {
		if len(scopes) > 0 {
			params = append(params, `scope="`+strings.Join(scopes, " ")+`"`)
		}
		path := metadataPath + e.cfg.resourcePath()
		origin := c.url("")
		if u, err := url.Parse(e.cfg.Resource); err == nil && e.cfg.Resource != "" {
			origin = u.Scheme + "://" + u.Host
		}
		params = append(params, `resource_metadata="`+origin+path+`"`)
	}
	return strings.TrimSpace("Bearer " + strings.Join(params, ", "))
}

// denial returns why the rule of a tool refuses the caller, if a new login with the returned scopes would help. Any
// other refusal is the result of the call.
func (e *endpoint) denial(c *caller, t *tool) (*actionhero.Error, []string) {
	if !e.cfg.hasOAuth() || t.access.Allows(c.id) {
		return nil, nil
	}
	who, scopes := c.id, t.scopes()
	if !actionhero.Authenticated.Allows(who) { // it was known before, see admit
		return actionhero.Errorf(actionhero.CodeUnauthenticated, "your login has expired: log in again"), scopes
	}
	who.Scopes = slices.Concat(who.Scopes, scopes)
	if len(scopes) == 0 || !t.access.Allows(who) {
		return nil, nil
	}
	return actionhero.Errorf(actionhero.CodePermissionDenied, "this tool needs the scope %s", strings.Join(scopes, " ")), scopes
}

// denies reports whether it has refused a call of a tool, because the caller has to log in with other scopes. The middleware, the
// log and the request limit see the refusal.
func (e *endpoint) denies(r *call, t *tool) bool {
	err, scopes := e.denial(r.caller, t)
	if err == nil {
		return false
	}
	r.Request.Err = err
	o := r.run(r.r.Context())
	if o.failure == nil || o.failure.Code != err.Code {
		scopes = nil
	}
	if o.failure == nil { // a middleware has answered in the place of the action
		o.failure = err
	}
	e.refuseCaller(r.caller, o.failure, scopes)
	return true
}

// deniesMessage is denies for a message that the library would serve.
func (e *endpoint) deniesMessage(c *caller, body []byte) bool {
	var m struct {
		Method string
		Params struct {
			Name      string
			Arguments json.RawMessage
		}
	}
	if !e.cfg.hasOAuth() || json.Unmarshal(body, &m) != nil || m.Method != methodCall {
		return false
	}
	t := e.toolNamed(m.Params.Name)
	return t != nil && e.denies(e.begin(c, t.action, m.Params.Arguments), t)
}
