package oauth

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
)

const (
	accessPrefix  = "aha_" // the beginning of an access token
	refreshPrefix = "ahr_"

	maxAccess = 4  // access tokens of a grant that are valid at the same time
	maxPast   = 64 // refresh tokens of a grant whose use is noticed as theft
	pastSize  = 8  // bytes of the hash that are kept of a used refresh token
)

// endedLife is the time for which an ended grant is remembered, so that a change that runs does not bring it back.
const endedLife = 10 * time.Minute

// lockTTL is far longer than a change of a grant takes.
const lockTTL = 10 * time.Second

// grant is what a user has allowed a client.
type grant struct {
	ID       string         `json:"id"`
	User     string         `json:"user"`
	Roles    []string       `json:"roles,omitempty"`
	Claims   map[string]any `json:"claims,omitempty"`
	Client   string         `json:"client"`
	Name     string         `json:"name"` // of the client
	Scopes   []string       `json:"scopes"`
	Resource string         `json:"resource"`
	Created  time.Time      `json:"created"`
	Used     time.Time      `json:"used"` // when the last tokens were issued
	End      time.Time      `json:"end"`  // the absolute one
	Refresh  []byte         `json:"refresh"`
	Past     []byte         `json:"past,omitempty"` // the beginnings of the hashes of used refresh tokens, the latest last
	Access   []access       `json:"access"`
}

// access is an access token.
type access struct {
	Hash   []byte    `json:"hash"`
	Scopes []string  `json:"scopes"`
	End    time.Time `json:"end"`
}

func (g *grant) identity() actionhero.Identity {
	return actionhero.Identity{ID: g.User, Roles: g.Roles, Claims: g.Claims}
}

// end returns when the grant ends if it is not used.
func (g *grant) end(idle time.Duration) time.Time {
	if end := g.Used.Add(idle); end.Before(g.End) {
		return end
	}
	return g.End
}

// tokens are new tokens of a grant, which are stored as hashes only.
type tokens struct {
	access, refresh string
	scopes          []string
	life            time.Duration
}

// issue gives the grant new tokens. The access token has the scopes.
func (s *Server) issue(g *grant, scopes []string) tokens {
	now := time.Now().UTC()
	life := min(s.cfg.AccessLife, g.End.Sub(now))
	t := tokens{access: accessPrefix + g.ID + "_" + newSecret(), refresh: refreshPrefix + g.ID + "_" + newSecret(), scopes: scopes, life: life}
	if g.Refresh != nil {
		g.Past = append(g.Past, g.Refresh[:pastSize]...)
		g.Past = g.Past[max(0, len(g.Past)-maxPast*pastSize):]
	}
	g.Used, g.Refresh = now, hashOf(t.refresh)
	g.Access = slices.DeleteFunc(g.Access, func(a access) bool { return !a.End.After(now) })
	g.Access = append(g.Access, access{hashOf(t.access), scopes, now.Add(life)})
	g.Access = g.Access[max(0, len(g.Access)-maxAccess):]
	return t
}

// newSecret returns the secret part of a token, with at least 250 bits.
func newSecret() string { return strings.ToLower(rand.Text() + rand.Text()) }

var tokenPattern = regexp.MustCompile(`^ah[ar]_([a-z2-7]{26})_[a-z2-7]{52}$`)

// grantOf returns the id of the grant of a token, or "" if the token has another form.
func grantOf(token string) string {
	if m := tokenPattern.FindStringSubmatch(token); m != nil {
		return m[1]
	}
	return ""
}

func (g *grant) isRefresh(token string) bool {
	return subtle.ConstantTimeCompare(hashOf(token), g.Refresh) == 1
}

// wasRefresh reports whether the token was a refresh token of the grant before.
func (g *grant) wasRefresh(token string) bool {
	is := hashOf(token)[:pastSize]
	for past := range slices.Chunk(g.Past, pastSize) {
		if bytes.Equal(past, is) {
			return true
		}
	}
	return false
}

func (g *grant) accessOf(token string) *access {
	is := hashOf(token)
	for i := range g.Access {
		if subtle.ConstantTimeCompare(is, g.Access[i].Hash) == 1 {
			return &g.Access[i]
		}
	}
	return nil
}

// locked calls change, and lets no other call of the name run at the same time in the cluster.
func (n *node) locked(ctx context.Context, name string, change func() error) error {
	lock, err := n.api.Cache.LockWait(ctx, "_oauth:"+name, lockTTL)
	if err != nil {
		return err
	}
	err = change()
	_ = lock.Unlock(context.WithoutCancel(ctx)) // a lock that has expired is free
	return err
}

// now returns the identity that the user of the grant has now. It is zero if the user is gone.
func (s *Server) now(ctx context.Context, g *grant) (actionhero.Identity, error) {
	who := g.identity()
	if s.cfg.Identity == nil {
		return who, nil
	}
	who, err := s.cfg.Identity(ctx, who)
	if err == nil && who.ID != g.User {
		who = actionhero.Identity{}
	}
	return who, err
}

func (n *node) save(ctx context.Context, g *grant) error {
	return n.records.put(ctx, grantKind, g.ID, g, g.end(n.cfg.GrantIdle))
}

// userRecord is the id of the record of a user. An ID of a user may have any characters.
func userRecord(user string) string {
	sum := sha256.Sum256([]byte(user))
	return hex.EncodeToString(sum[:])
}

// add stores a new grant, and removes the one of the user that was used least recently if there are too many.
// It refuses a grant of a code of another epoch.
func (n *node) add(ctx context.Context, g *grant, epoch string) error {
	return n.locked(ctx, "user:"+userRecord(g.User), func() error {
		if now, err := n.epoch(ctx, g.User); err != nil || now != "" && now != epoch {
			return cmpOr(err, errCode)
		}
		list, err := n.grants(ctx, g.User)
		if err != nil {
			return err
		}
		slices.SortFunc(list, func(a, b grant) int { return b.Used.Compare(a.Used) })
		for len(list) >= n.cfg.PerUser {
			if err := n.end(ctx, list[len(list)-1].ID); err != nil {
				return err
			}
			list = list[:len(list)-1]
		}
		if err := n.save(ctx, g); err != nil {
			return err
		}
		return n.setGrants(ctx, g.User, append(list, *g))
	})
}

// epoch returns a text that RevokeAll has changed, or "".
func (n *node) epoch(ctx context.Context, user string) (string, error) {
	text, err := n.epochs.Get(ctx, n.api, userRecord(user))
	if isMissing(err) {
		return "", nil
	}
	return text, err
}

// setGrants stores the ids of the grants of a user.
func (n *node) setGrants(ctx context.Context, user string, list []grant) error {
	if len(list) == 0 {
		_, err := n.records.remove(ctx, userKind, userRecord(user))
		return err
	}
	var ids []string
	for _, g := range list {
		ids = append(ids, g.ID)
	}
	last := slices.MaxFunc(list, func(a, b grant) int { return a.End.Compare(b.End) })
	return n.records.put(ctx, userKind, userRecord(user), ids, last.End)
}

// grants returns the grants of a user that have not ended.
func (n *node) grants(ctx context.Context, user string) (list []grant, err error) {
	var ids []string
	if _, err := n.records.get(ctx, userKind, userRecord(user), &ids); err != nil {
		return nil, err
	}
	for _, id := range ids {
		var g grant
		ok, err := n.records.get(ctx, grantKind, id, &g)
		if err != nil {
			return nil, err
		}
		if ok && g.User == user {
			list = append(list, g)
		}
	}
	return list, nil
}

// end ends a grant. The list of its user may still have the id, which then counts for nothing.
func (n *node) end(ctx context.Context, id string) error {
	err := n.ended.Set(ctx, n.api, id, true, endedLife) // a store that is full cannot, but can remove
	_, gone := n.records.remove(ctx, grantKind, id)
	return errors.Join(err, gone)
}

// replace stores a grant with new tokens. If the grant has ended meanwhile, on this node or another one, it stays so.
func (n *node) replace(ctx context.Context, g *grant) error {
	if err := n.save(ctx, g); err != nil {
		return err
	}
	_, err := n.ended.Get(ctx, n.api, g.ID)
	if isMissing(err) {
		return nil
	}
	_, gone := n.records.remove(context.WithoutCancel(ctx), grantKind, g.ID)
	return errors.Join(err, gone, errRefresh)
}

// Grant is what a user has allowed a client, for a page on which users see and revoke it.
type Grant struct {
	ID         string    `json:"id"`
	Client     string    `json:"client"`     // its id
	ClientName string    `json:"clientName"` // as the client calls itself
	Scopes     []string  `json:"scopes"`
	Resource   string    `json:"resource"` // the part of the app for which the tokens are valid, as a URL
	CreatedAt  time.Time `json:"createdAt"`
	UsedAt     time.Time `json:"usedAt"`    // when the client has got its latest tokens
	ExpiresAt  time.Time `json:"expiresAt"` // unless the client gets new tokens before
}

// List returns the grants of a user, the one with the latest tokens first.
func (s *Server) List(ctx context.Context, api *actionhero.API, user string) ([]Grant, error) {
	n, err := s.node(api)
	if err != nil {
		return nil, err
	}
	list, err := n.grants(ctx, user)
	shown := make([]Grant, 0, len(list))
	for _, g := range list {
		shown = append(shown, Grant{g.ID, g.Client, g.Name, g.Scopes, g.Resource, g.Created, g.Used, g.end(s.cfg.GrantIdle)})
	}
	slices.SortFunc(shown, func(a, b Grant) int { return cmp.Or(b.UsedAt.Compare(a.UsedAt), strings.Compare(a.ID, b.ID)) })
	return shown, err
}

// Revoke ends a grant of a user: its tokens are not valid any more. An open connection that has used one ends when the
// token would have expired. The error is CodeNotFound if the user has no such grant.
func (s *Server) Revoke(ctx context.Context, api *actionhero.API, user, id string) error {
	n, err := s.node(api)
	if err != nil {
		return err
	}
	var g grant
	ok := false
	if grantOf(accessPrefix+id+"_"+strings.Repeat("a", 52)) == id {
		ok, err = n.records.get(ctx, grantKind, id, &g)
	}
	switch {
	case err != nil:
		return err
	case !ok || g.User != user:
		return actionhero.Errorf(actionhero.CodeNotFound, "there is no such grant")
	}
	n.api.Log().Info("oauth: a grant was revoked", "grant", g.ID, "client", g.Client, "user", g.User)
	return n.end(ctx, g.ID)
}

// RevokeAll ends all grants of a user, for example of one who is removed, and the codes that have no tokens yet. End the
// sessions of the user before: a user who is still logged in can allow a client again.
func (s *Server) RevokeAll(ctx context.Context, api *actionhero.API, user string) error {
	n, err := s.node(api)
	if err != nil {
		return err
	}
	return n.locked(ctx, "user:"+userRecord(user), func() error { // a grant of an older code is in the list, or is not stored
		err := n.epochs.Set(ctx, api, userRecord(user), newSecret(), endedLife)
		list, failed := s.List(ctx, api, user)
		err = errors.Join(err, failed)
		for _, g := range list {
			if failed := s.Revoke(ctx, api, user, g.ID); !isMissing(failed) {
				err = errors.Join(err, failed)
			}
		}
		return err
	})
}
