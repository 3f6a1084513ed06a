package oauth

import (
	"context"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
)

// clientClaim is the claim with the id of the client of a caller, a clientOf.
const clientClaim = "oauthClient"

// clientOf is the id of a client in the claims. Its type is not in the claims of a token of an issuer.
type clientOf string

// ClientIDOf returns the id of the client that acts for the caller with an access token, or "".
func ClientIDOf(who actionhero.Identity) string {
	id, _ := who.Claims[clientClaim].(clientOf)
	return string(id)
}

var errToken = actionhero.Errorf(actionhero.CodeUnauthenticated, "the access token is not valid")

// check returns the caller with an access token.
func (s *Server) check(ctx context.Context, c *actionhero.Credentials, token string) (actionhero.Identity, error) {
	n, err := s.node(c.API)
	if err != nil {
		return actionhero.Identity{}, err
	}
	id := grantOf(token)
	if id == "" {
		return actionhero.Identity{}, errToken
	}
	var g grant
	ok, err := n.records.get(ctx, grantKind, id, &g)
	if err != nil {
		return actionhero.Identity{}, err
	}
	if !ok {
		return actionhero.Identity{}, errToken
	}
	a := g.accessOf(token)
	switch {
	case a == nil:
		return actionhero.Identity{}, errToken
	case !time.Now().Before(a.End):
		return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the access token has expired")
	case !covers(g.Resource, pathOf(c)):
		return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the access token is for %s only", g.Resource)
	}
	who, err := s.now(ctx, &g)
	switch {
	case err != nil:
		return actionhero.Identity{}, err
	case who.ID == "":
		return actionhero.Identity{}, cmpOr(n.end(ctx, g.ID), errToken)
	}
	claims := make(map[string]any, len(who.Claims)+1)
	for k, v := range who.Claims {
		claims[k] = v
	}
	claims[clientClaim] = clientOf(g.Client)
	who.Claims, who.Scopes, who.ExpiresAt = claims, slices.Clone(a.Scopes), a.End
	return who, nil
}

// pathOf returns the path of the request that has the credentials. A connection, whose requests have no paths, has the root.
func pathOf(c *actionhero.Credentials) string {
	if c.Request != nil {
		if d, ok := c.Request.Extra.(interface{ RequestPath() string }); ok {
			return d.RequestPath()
		}
	}
	return "/"
}

// covers reports whether a token for the resource is valid at the path (RFC 8707): the resource is the same path, or one above.
// A path with dots must be below the resource before and after they are resolved.
func covers(resource, at string) bool {
	u, err := url.Parse(resource)
	if err == nil && strings.Trim(u.Path, "/") == "" {
		return true // also if the path is hidden, because it has a secret
	}
	return err == nil && isBelow(at, u.Path) && isBelow(path.Clean(at), u.Path)
}

func isBelow(at, top string) bool {
	rest, ok := strings.CutPrefix(at, strings.TrimSuffix(top, "/"))
	return ok && (rest == "" || rest[0] == '/')
}

// resource returns the part of the app that a client names, or the whole app if it names none. Only the paths of the issuer are
// resources of this server.
func (s *Server) resource(text string) (string, bool) {
	if text == "" {
		return s.cfg.Issuer, true
	}
	u, err := url.Parse(text)
	if err != nil || len(text) > maxURI || u.User != nil || u.Opaque != "" || strings.ContainsAny(text, "?#\\%") || strings.Contains(u.Path, "/.") || strings.Contains(u.Path, "//") {
		return "", false
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	issuer, _ := url.Parse(s.cfg.Issuer) // checked at the start
	if u.Scheme != issuer.Scheme || withPort(u) != withPort(issuer) {
		return "", false
	}
	return s.cfg.Issuer + strings.TrimSuffix(u.Path, "/"), true
}

func withPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}
