package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	maxURI       = 2048 // bytes of a URI of a client
	maxRedirects = 20   // redirect URIs of a client that the app does not know
	maxURIs      = 4096 // bytes of all of them
	maxName      = 200  // bytes of the name of a client
	minSecret    = 32   // characters of a secret
)

// client is a client of any kind: known to the app, registered, or with a document.
type client struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Redirects []string  `json:"redirects"`
	Secret    []byte    `json:"secret,omitempty"` // the SHA-256; nil: the client has none
	Scopes    []string  `json:"scopes,omitempty"` // nil: all
	Created   time.Time `json:"created,omitzero"`

	trusted  bool
	stranger bool // not in the configuration: registered, or with a document
}

var clientID = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,200}$`)

func (c *Client) check(scopes map[string]bool) error {
	switch {
	case !clientID.MatchString(c.ID) || strings.HasPrefix(c.ID, registeredPrefix):
		return fmt.Errorf("Config.Clients has the ID %q: use 1 to 200 letters, digits and _ . -, and no %s at the beginning", c.ID, registeredPrefix)
	case c.Secret != "" && len(c.Secret) < minSecret:
		return fmt.Errorf("the Secret of the client %q has less than %d characters", c.ID, minSecret)
	case len(c.RedirectURIs) == 0:
		return fmt.Errorf("the client %q has no RedirectURIs", c.ID)
	}
	for _, uri := range c.RedirectURIs {
		if err := checkRedirect(uri); err != nil {
			return fmt.Errorf("the client %q: %w", c.ID, err)
		}
		if c.Trusted && !strings.HasPrefix(uri, "https://") {
			return fmt.Errorf("the client %q is Trusted and has the redirect URI %q: any program of the machine could get its tokens, so use https", c.ID, uri)
		}
	}
	for _, scope := range c.Scopes {
		if !scopes[scope] {
			return fmt.Errorf("the client %q has the scope %q, which Config.Scopes does not have", c.ID, scope)
		}
	}
	return nil
}

// errNoClient means that no client has the id.
var errNoClient = errors.New("no client has this id")

// find returns the client with the id. user is the one who is logged in, or "": then a document is not fetched, and of its client
// only the id is known.
func (n *node) find(ctx context.Context, id, user string) (*client, error) {
	for i := range n.cfg.Clients {
		if c := &n.cfg.Clients[i]; c.ID == id {
			return c.known(), nil
		}
	}
	if strings.HasPrefix(id, registeredPrefix) && n.cfg.Registration && clientID.MatchString(id) {
		var c client
		if ok, err := n.records.get(ctx, clientKind, id, &c); err != nil || !ok {
			return nil, errors.Join(err, errNoClient)
		}
		c.stranger = true
		return &c, nil
	}
	if strings.HasPrefix(id, "https://") && !n.cfg.NoClientDocuments {
		if user == "" {
			if err := checkDocumentURL(id); err != nil {
				return nil, fmt.Errorf("%w: %w", errNoClient, err)
			}
			return &client{ID: id, stranger: true}, nil // it has no secret; its codes and grants have its id
		}
		return n.documents.get(ctx, id, func() error { return n.fetches.Allow(ctx, user) })
	}
	return nil, errNoClient
}

func (c *Client) known() *client {
	known := &client{ID: c.ID, Name: c.Name, Redirects: c.RedirectURIs, Scopes: c.Scopes, trusted: c.Trusted}
	if known.Name == "" {
		known.Name = c.ID
	}
	if c.Secret != "" {
		known.Secret = hashOf(c.Secret)
	}
	return known
}

func hashOf(text string) []byte {
	sum := sha256.Sum256([]byte(text))
	return sum[:]
}

// hasRedirect reports whether uri is a redirect URI of the client. The port of a loopback address may differ (RFC 8252, 7.3).
func (c *client) hasRedirect(uri string) bool {
	return slices.ContainsFunc(c.Redirects, func(has string) bool {
		return has == uri || withoutLoopbackPort(has) != "" && withoutLoopbackPort(has) == withoutLoopbackPort(uri)
	})
}

// withoutLoopbackPort returns the URI without its port if it is one of a program on the machine of the user, and else "".
func withoutLoopbackPort(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) || checkRedirect(uri) != nil {
		return ""
	}
	if u.Host = u.Hostname(); strings.Contains(u.Host, ":") {
		u.Host = "[" + u.Host + "]"
	}
	return u.String()
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

// hostPattern has no letters that look like others, so a user recognizes a host, and none that end a directive of a policy.
var hostPattern = regexp.MustCompile(`^[A-Za-z0-9._:\[\]-]*$`)

var schemePattern = regexp.MustCompile(`^[a-z][a-z0-9+.-]*$`)

// checkRedirect returns an error unless a code may be sent to the URI: https, http on the machine of the user, or the scheme of
// an app there (RFC 8252).
func checkRedirect(uri string) error {
	u, err := url.Parse(uri)
	switch {
	case err != nil || len(uri) > maxURI || strings.ContainsAny(uri, "#\\ ") || u.User != nil || !schemePattern.MatchString(u.Scheme):
		return fmt.Errorf("the redirect URI %.100q is not an absolute URI without a fragment", uri)
	case !hostPattern.MatchString(u.Host):
		return fmt.Errorf("the redirect URI %.100q has a host with other characters than letters, digits and . _ -: write it as xn--", uri)
	case u.Scheme == "https" && u.Host != "", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	case u.Scheme == "http" || u.Scheme == "https":
		return fmt.Errorf("the redirect URI %.100q does not use https", uri)
	case slices.Contains([]string{"javascript", "data", "vbscript", "file", "blob", "about", "filesystem", "view-source", "ws", "wss", "ftp", "mailto", "tel"}, u.Scheme):
		return fmt.Errorf("the redirect URI %.100q has a scheme that is not the one of an app", uri)
	case u.Opaque != "":
		return fmt.Errorf("the redirect URI %.100q has no slash after its scheme", uri)
	}
	return nil
}

// authenticate returns the client that has sent the form, and checks its secret.
func (n *node) authenticate(r *http.Request, form url.Values) (*client, error) {
	id, secret, basic := r.BasicAuth()
	if basic {
		var err1, err2 error
		id, err1 = url.QueryUnescape(id) // RFC 6749, 2.3.1
		secret, err2 = url.QueryUnescape(secret)
		if err1 != nil || err2 != nil || form.Has("client_secret") || form.Has("client_id") && form.Get("client_id") != id {
			return nil, fail("invalid_request", "the client has authenticated itself in two ways, or the header is malformed")
		}
	} else {
		if r.Header.Get("Authorization") != "" {
			return nil, refusedClient(false, "the header Authorization must have the scheme Basic")
		}
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	if id == "" {
		return nil, refusedClient(basic, "client_id is missing")
	}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		return nil, refusedClient(basic, "assertions of clients are not supported: use a secret, or none")
	}
	c, err := n.find(r.Context(), id, "")
	if errors.Is(err, errNoClient) {
		return nil, refusedClient(basic, "no client has this id: start again at the authorization endpoint")
	}
	if err != nil {
		return nil, err
	}
	wrong := subtle.ConstantTimeCompare(hashOf(secret), c.Secret) != 1
	if c.Secret == nil {
		wrong = secret != ""
	}
	if wrong {
		n.log(r, "a client was refused", "client", id, "reason", "wrong secret")
		return nil, refusedClient(basic, "the secret of the client is wrong")
	}
	return c, nil
}
