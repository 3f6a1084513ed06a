package oauth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	codeLife  = time.Minute      // of a code; RFC 6749, 4.1.2 recommends at most 10 minutes
	spentLife = 10 * time.Minute // in which a second use of a code is noticed
)

// code is what a user has allowed, until the client fetches its tokens.
type code struct {
	Request request        `json:"request"`
	User    string         `json:"user"`
	Roles   []string       `json:"roles,omitempty"`
	Claims  map[string]any `json:"claims,omitempty"`
	Scopes  []string       `json:"scopes"`
	Epoch   string         `json:"epoch,omitempty"`
}

// granted is the answer with new tokens (RFC 6749, 5.1).
type granted struct {
	Access  string `json:"access_token"`
	Type    string `json:"token_type"`
	Expires int    `json:"expires_in"` // seconds
	Refresh string `json:"refresh_token"`
	Scope   string `json:"scope"`
}

// token is the endpoint for tokens.
func (n *node) token(w http.ResponseWriter, r *http.Request) error {
	form, err := form(w, r)
	if err != nil {
		return err
	}
	c, err := n.authenticate(r, form)
	if err != nil {
		return err
	}
	var t tokens
	switch form.Get("grant_type") {
	case "authorization_code":
		t, err = n.redeem(r, c, form)
	case "refresh_token":
		t, err = n.refresh(r, c, form)
	case "":
		err = fail("invalid_request", "grant_type is missing")
	default:
		err = fail("unsupported_grant_type", "grant_type must be authorization_code or refresh_token")
	}
	if err != nil {
		return err
	}
	w.Header().Set("Pragma", "no-cache") // RFC 6749, 5.1
	return writeJSON(w, http.StatusOK, granted{t.access, "Bearer", int(t.life.Seconds()), t.refresh, strings.Join(t.scopes, " ")})
}

func codeKey(text string) string { return hex.EncodeToString(hashOf(text)) }

var errCode = fail("invalid_grant", "the code is not valid, or it has expired or was used: start again at the authorization endpoint")

// redeem makes a grant from a code.
func (n *node) redeem(r *http.Request, c *client, form url.Values) (t tokens, err error) {
	text := form.Get("code")
	if text == "" || form.Get("code_verifier") == "" {
		return t, fail("invalid_request", "code or code_verifier is missing")
	}
	key := codeKey(text)
	err = n.locked(r.Context(), "code:"+key, func() error {
		from, err := n.codes.Get(r.Context(), n.api, key)
		if isMissing(err) {
			return n.usedAgain(r, c, key)
		}
		if err != nil {
			return err
		}
		if from.Request.Client != c.ID {
			return errCode // another client has it; the right one may still use it
		}
		g := &grant{ID: strings.ToLower(rand.Text()), User: from.User, Roles: from.Roles, Claims: from.Claims, Client: c.ID, Name: from.Request.Name, Scopes: from.Scopes, Resource: from.Request.Resource}
		if err := n.spent.Set(r.Context(), n.api, key, g.ID, spentLife); err != nil {
			return err
		}
		if was, err := n.codes.Delete(r.Context(), n.api, key); err != nil || !was {
			return cmpOr(err, errCode)
		}
		if err := n.checkCode(&from, form); err != nil {
			n.log(r, "a code was refused", "client", c.ID, "user", from.User, "reason", err.Error())
			return err
		}
		if who, err := n.now(r.Context(), g); err != nil || who.ID == "" {
			return cmpOr(err, errCode)
		}
		g.Created = time.Now().UTC()
		g.End = g.Created.Add(n.cfg.GrantLife)
		t = n.issue(g, g.Scopes)
		if err := n.add(r.Context(), g, from.Epoch); err != nil {
			return err
		}
		n.log(r, "tokens were issued", "grant", g.ID, "client", c.ID, "user", g.User, "scopes", strings.Join(g.Scopes, " "), "resource", g.Resource)
		return n.keepClient(r.Context(), c)
	})
	return t, err
}

// cmpOr returns err, or otherwise if err is nil.
func cmpOr(err, otherwise error) error {
	if err != nil {
		return err
	}
	return otherwise
}

// usedAgain ends the grant of a code that comes a second time: a thief has read it (RFC 6749, 4.1.2).
func (n *node) usedAgain(r *http.Request, c *client, key string) error {
	id, err := n.spent.Get(r.Context(), n.api, key)
	if isMissing(err) {
		return errCode
	}
	if err != nil {
		return err
	}
	var g grant
	ok, err := n.records.get(r.Context(), grantKind, id, &g)
	if err != nil || !ok {
		return cmpOr(err, errCode)
	}
	n.api.Log().Warn("oauth: a code was used twice, so its grant has ended", "grant", g.ID, "client", c.ID, "user", g.User, "from", n.remoteIP(r))
	return cmpOr(n.end(r.Context(), g.ID), errCode)
}

var verifierPattern = regexp.MustCompile(`^[A-Za-z0-9._~-]{43,128}$`) // RFC 7636, 4.1

// checkCode compares the request for tokens with the one for the code.
func (n *node) checkCode(from *code, form url.Values) error {
	verifier := form.Get("code_verifier")
	sum := sha256.Sum256([]byte(verifier))
	switch {
	case !verifierPattern.MatchString(verifier):
		return fail("invalid_grant", "code_verifier must have 43 to 128 letters, digits and - . _ ~")
	case subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(from.Request.Challenge)) != 1:
		return fail("invalid_grant", "code_verifier does not match the code_challenge")
	case form.Has("redirect_uri") && form.Get("redirect_uri") != from.Request.Redirect:
		return fail("invalid_grant", "redirect_uri is not the one of the request for the code")
	}
	return n.sameResource(form, from.Request.Resource)
}

// sameResource returns an error if the form names another resource than the user has allowed.
func (n *node) sameResource(form url.Values, resource string) error {
	if !form.Has("resource") {
		return nil
	}
	if got, ok := n.resource(form.Get("resource")); !ok || got != resource {
		return fail("invalid_target", "resource is not the one that the user has allowed")
	}
	return nil
}

var errRefresh = fail("invalid_grant", "the refresh token is not valid, or its grant has ended: start again at the authorization endpoint")

// refresh gives the client new tokens for a refresh token, which is not valid after that.
func (n *node) refresh(r *http.Request, c *client, form url.Values) (t tokens, err error) {
	text := form.Get("refresh_token")
	if text == "" {
		return t, fail("invalid_request", "refresh_token is missing")
	}
	id := grantOf(text)
	if id == "" || !strings.HasPrefix(text, refreshPrefix) {
		return t, errRefresh
	}
	err = n.locked(r.Context(), "grant:"+id, func() error {
		var g grant
		ok, err := n.records.get(r.Context(), grantKind, id, &g)
		if err != nil || !ok || g.Client != c.ID {
			return cmpOr(err, errRefresh)
		}
		if !g.isRefresh(text) {
			if !g.wasRefresh(text) {
				return errRefresh
			}
			n.api.Log().Warn("oauth: a refresh token was used twice, so its grant has ended", "grant", g.ID, "client", c.ID, "user", g.User, "from", n.remoteIP(r))
			return cmpOr(n.end(r.Context(), g.ID), errRefresh)
		}
		g.Scopes = n.still(c, g.Scopes)
		scopes, err := narrowed(form, g.Scopes)
		if err == nil {
			err = n.sameResource(form, g.Resource)
		}
		if err != nil {
			return err
		}
		who, err := n.now(r.Context(), &g)
		if err != nil {
			return err
		}
		if who.ID == "" {
			n.log(r, "a grant has ended, because its user is gone", "grant", g.ID, "client", c.ID, "user", g.User)
			return cmpOr(n.end(r.Context(), g.ID), errRefresh)
		}
		t = n.issue(&g, scopes)
		if err := n.replace(r.Context(), &g); err != nil {
			return err
		}
		n.log(r, "tokens were renewed", "grant", g.ID, "client", c.ID, "user", g.User)
		return n.keepClient(r.Context(), c)
	})
	return t, err
}

// still returns the scopes that the app still has, and that the client may still get.
func (n *node) still(c *client, scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(name string) bool {
		return !slices.Contains(n.scopes, name) || c.Scopes != nil && !slices.Contains(c.Scopes, name)
	})
}

// narrowed returns the scopes that the form asks for, which must be among those that the user has allowed.
func narrowed(form url.Values, allowed []string) ([]string, error) {
	names := strings.Fields(form.Get("scope"))
	if len(allowed) == 0 {
		return nil, fail("invalid_scope", "the client may have none of the scopes that the user has allowed any more")
	}
	if len(names) == 0 {
		return allowed, nil
	}
	for _, name := range names {
		if !slices.Contains(allowed, name) {
			return nil, fail("invalid_scope", "scope has more than the user has allowed")
		}
	}
	slices.Sort(names)
	return slices.Compact(names), nil
}

// keepClient keeps a registered client as long as a grant of it may live.
func (n *node) keepClient(ctx context.Context, c *client) error {
	if !strings.HasPrefix(c.ID, registeredPrefix) {
		return nil
	}
	return n.records.put(ctx, clientKind, c.ID, c, time.Now().Add(n.cfg.GrantIdle+unusedLife))
}

// revoke is the endpoint with which a client gives a token back (RFC 7009).
func (n *node) revoke(w http.ResponseWriter, r *http.Request) error {
	form, err := form(w, r)
	if err != nil {
		return err
	}
	c, err := n.authenticate(r, form)
	if err != nil {
		return err
	}
	text := form.Get("token")
	if text == "" {
		return fail("invalid_request", "token is missing")
	}
	if id := grantOf(text); id != "" {
		err = n.locked(r.Context(), "grant:"+id, func() error { return n.revokeToken(r, c, id, text) })
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusOK) // also for an unknown token, RFC 7009, 2.2
	return nil
}

// revokeToken ends the grant of a refresh token, or an access token alone.
func (n *node) revokeToken(r *http.Request, c *client, id, text string) error {
	var g grant
	ok, err := n.records.get(r.Context(), grantKind, id, &g)
	if err != nil || !ok {
		return err
	}
	a := g.accessOf(text)
	if a == nil && !g.isRefresh(text) && !g.wasRefresh(text) { // a client may not have received its latest tokens
		return nil
	}
	if g.Client != c.ID {
		return fail("invalid_grant", "the token is one of another client")
	}
	n.log(r, "a client has given a token back", "grant", g.ID, "client", c.ID, "user", g.User)
	if a == nil {
		return n.end(r.Context(), g.ID)
	}
	g.Access = slices.DeleteFunc(g.Access, func(has access) bool { return slices.Equal(has.Hash, a.Hash) })
	return n.replace(r.Context(), &g)
}
