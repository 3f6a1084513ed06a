package auth

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
)

// KeyConfig is the declaration of the API keys of an app, for [NewKeys].
type KeyConfig struct {
	// Store makes the store of the keys when the part is registered: [KeysInFolder], [KeysInCluster] or a function of the
	// app, which may call [actionhero.Use] for its database. Required.
	Store func(api *actionhero.API) (KeyStore, error)
	// Prefix begins each key, so that a scanner for secrets finds keys in code and logs: a lower-case letter, then 1 to 15
	// lower-case letters and digits. Keys of another prefix belong to another Authenticator. Default: "ak".
	Prefix string
	// Header is the request header with the key and nothing else, for example "X-API-Key". Default: the header
	// Authorization with the scheme Bearer.
	Header string
	// QueryParam is a param of the URL by which a WebSocket client may give its key, for browsers, which send no headers.
	// The logs of proxies and the history of browsers show URLs, so an action of [Keys.LoginAction] is better. Default:
	// none. Requests over HTTP cannot use it. The log shows params of this name as "[FILTERED]".
	QueryParam string
	// MaxPerOwner is the number of keys that one owner may have; -1 is no limit. Keys that are made at the same time may
	// exceed it. Default: 100.
	MaxPerOwner int
	// Identity returns the caller with this key. An error refuses the key. Default: the owner, with the roles and scopes of
	// the key. The id of the key, see [KeyIDOf], and an end that is not after the end of the key are added.
	Identity func(ctx context.Context, key Key) (actionhero.Identity, error)
}

// Key describes an API key, without its secret.
type Key struct {
	ID         string    `json:"id"`    // the beginning of the key, with its prefix; no secret
	Owner      string    `json:"owner"` // the ID of the Identity
	Name       string    `json:"name"`
	Scopes     []string  `json:"scopes"`
	Roles      []string  `json:"roles"`
	CreatedAt  time.Time `json:"createdAt"`
	ExpiresAt  time.Time `json:"expiresAt,omitzero"`  // zero: no end
	LastUsedAt time.Time `json:"lastUsedAt,omitzero"` // written once a minute by each node; zero: never, or not known
}

// KeySpec describes a new API key.
type KeySpec struct {
	Owner     string    // the ID of the Identity, 1 to 256 bytes; required
	Name      string    // for people, at most 256 bytes
	Scopes    []string  // at most 100
	Roles     []string  // at most 100
	ExpiresAt time.Time // zero: no end
}

// Keys issues API keys and knows callers by them. It is a part of the app. Its methods need an API that has this part, and
// may be called concurrently after [actionhero.API.Start]. NewKeys makes a Keys.
//
// A persistent client is checked when it connects, and closed when its key is revoked.
type Keys struct {
	keysPart
	cfg    KeyConfig
	revoke actionhero.NodeCall[revokedKey, actionhero.None]
	of     actionhero.ConnValue[connKey]
	nodes  sync.Map // *actionhero.API: *keyNode
}

// keysPart hides the embedded Part, whose methods make Keys a Part.
type keysPart = actionhero.Part

var keyPrefix = regexp.MustCompile(`^[a-z][a-z0-9]{1,15}$`)

// NewKeys returns a part that knows callers by API keys. If a field of cfg is missing or wrong, the registration of the
// part fails.
func NewKeys(cfg KeyConfig) *Keys {
	if cfg.Prefix == "" {
		cfg.Prefix = "ak"
	}
	if cfg.MaxPerOwner == 0 {
		cfg.MaxPerOwner = 100
	}
	k := &Keys{cfg: cfg}
	k.revoke = actionhero.NodeCall[revokedKey, actionhero.None]{Name: "auth.keyRevoked:" + cfg.Prefix, Run: k.closeRevoked}
	k.keysPart = actionhero.Initializer{
		Name:  "auth.keys:" + cfg.Prefix,
		Parts: actionhero.Parts{actionhero.Authenticator(k.authenticate), actionhero.ConnMiddleware{Connected: k.connected}, actionhero.StreamMiddleware{Begin: k.streamBegins, End: k.streamEnds}, k.revoke},
		Setup: k.setUp, Start: k.start, Stop: k.stop,
	}
	return k
}

// scheme describes how a client sends its key over HTTP.
func (k *Keys) scheme() actionhero.SecurityScheme {
	s := actionhero.SecurityScheme{Name: "apiKey_" + k.cfg.Prefix, Type: "http", Scheme: "bearer", Description: "An API key, which begins with " + k.cfg.Prefix + "_."}
	if k.cfg.Header != "" {
		s.Type, s.Scheme, s.In, s.Key = "apiKey", "", "header", k.cfg.Header
	}
	return s
}

func (k *Keys) setUp(api *actionhero.API) error {
	switch {
	case !keyPrefix.MatchString(k.cfg.Prefix):
		return fmt.Errorf("KeyConfig.Prefix is %q: use a lower-case letter, then 1 to 15 lower-case letters and digits", k.cfg.Prefix)
	case k.cfg.Store == nil:
		return errors.New("KeyConfig.Store is missing: use auth.KeysInFolder for one machine, auth.KeysInCluster for a cluster, or a store of your own")
	case k.cfg.MaxPerOwner < -1:
		return fmt.Errorf("KeyConfig.MaxPerOwner is %d: use a number from 1, or -1 for no limit", k.cfg.MaxPerOwner)
	}
	store, err := k.cfg.Store(api)
	if err != nil {
		return err
	}
	if store == nil {
		return errors.New("KeyConfig.Store has returned no store")
	}
	if k.cfg.Header == "" {
		useChallenge(api, "Bearer")
	}
	if k.cfg.QueryParam != "" {
		api.AcceptSecret(k.cfg.QueryParam) // the log must not show it if a client sends it over HTTP
	}
	if err := api.Register(k.scheme()); err != nil {
		return err
	}
	k.nodes.Store(api, &keyNode{keys: k, api: api, store: store, used: map[string]time.Time{}, streams: map[*actionhero.Stream]string{}})
	return nil
}

// node returns the state of the API, or an error if the API does not have the part k.
func (k *Keys) node(api *actionhero.API) (*keyNode, error) {
	if n, ok := k.nodes.Load(api); ok {
		return n.(*keyNode), nil
	}
	return nil, fmt.Errorf("the API does not have the part auth.Keys with the prefix %q: register it", k.cfg.Prefix)
}

// Create makes a key and returns its text, which cannot be read again: the store has only a hash. The error is
// CodeInvalidInput if a field of spec is missing, too long or in the past, CodeResourceExhausted if the owner has too many
// keys, and otherwise the error of the store.
func (k *Keys) Create(ctx context.Context, api *actionhero.API, spec KeySpec) (text string, key Key, err error) {
	n, err := k.node(api)
	if err == nil {
		err = spec.check()
	}
	if err != nil {
		return "", Key{}, err
	}
	if limit := k.cfg.MaxPerOwner; limit > 0 {
		keys, err := n.store.List(ctx, spec.Owner)
		if err != nil {
			return "", Key{}, err
		}
		if len(keys) >= limit {
			return "", Key{}, actionhero.Errorf(actionhero.CodeResourceExhausted, "there are %d API keys already: remove one first", limit)
		}
	}
	text, id := newKeyText(k.cfg.Prefix)
	key = Key{
		ID: id, Owner: spec.Owner, Name: spec.Name, Scopes: append([]string{}, spec.Scopes...), Roles: append([]string{}, spec.Roles...),
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), ExpiresAt: spec.ExpiresAt,
	}
	if err := n.store.Add(ctx, StoredKey{Key: key, Hash: hashKey(text)}); err != nil {
		return "", Key{}, err
	}
	return text, key, nil
}

const (
	maxKeyText  = 256 // bytes of a text in a KeySpec
	maxKeyTexts = 100 // entries of a list in a KeySpec
)

func (s *KeySpec) check() error {
	texts := slices.Concat([]string{s.Owner, s.Name}, s.Scopes, s.Roles)
	switch {
	case s.Owner == "":
		return actionhero.Errorf(actionhero.CodeInvalidInput, "an API key needs an owner")
	case len(s.Scopes) > maxKeyTexts || len(s.Roles) > maxKeyTexts:
		return actionhero.Errorf(actionhero.CodeInvalidInput, "an API key has at most %d scopes and %d roles", maxKeyTexts, maxKeyTexts)
	case slices.ContainsFunc(texts, func(text string) bool { return len(text) > maxKeyText }):
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the owner, the name, a scope and a role of an API key have at most %d bytes", maxKeyText)
	case !s.ExpiresAt.IsZero() && !time.Now().Before(s.ExpiresAt):
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the end of the API key is in the past")
	}
	return nil
}

// List returns the keys of the owner, or all keys if owner is "", the oldest first.
func (k *Keys) List(ctx context.Context, api *actionhero.API, owner string) ([]Key, error) {
	n, err := k.node(api)
	if err != nil {
		return nil, err
	}
	stored, err := n.store.List(ctx, owner)
	if err != nil {
		return nil, err
	}
	keys := make([]Key, 0, len(stored))
	for _, s := range stored {
		keys = append(keys, s.Key)
	}
	slices.SortFunc(keys, func(a, b Key) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return keys, nil
}

// Find returns the key with this id, for example to check its owner before [Keys.Revoke]. Some stores leave out LastUsedAt.
// The error is CodeNotFound if there is no such key.
func (k *Keys) Find(ctx context.Context, api *actionhero.API, id string) (Key, error) {
	n, err := k.node(api)
	if err != nil {
		return Key{}, err
	}
	stored, err := n.find(ctx, id)
	return stored.Key, err
}

// Revoke deletes the key with this id. When Revoke has returned nil, all nodes refuse the key, and the connections with it
// are closed on all nodes that have answered. A node that is cut off closes its connections within about a minute after it
// can read the store again. The error is CodeNotFound if there is no such key.
func (k *Keys) Revoke(ctx context.Context, api *actionhero.API, id string) error {
	n, err := k.node(api)
	if err == nil && !isKeyID(k.cfg.Prefix, id) {
		err = errNoKey
	}
	if err == nil {
		err = n.store.Remove(ctx, id)
	}
	if err != nil {
		return err
	}
	n.closeConns(id)
	answers, err := k.revoke.CallAll(context.WithoutCancel(ctx), api, revokedKey{ID: id}) // also if the caller goes meanwhile
	for _, a := range answers {
		err = errors.Join(err, a.Err)
	}
	if err != nil {
		api.Log().Warn("a node has not answered that an API key was revoked: it closes the connections with the key within about a minute", "key_id", id, "error", err.Error())
	}
	return nil
}

// errNoKey is the error for an id without a key.
var errNoKey = actionhero.Errorf(actionhero.CodeNotFound, "there is no such API key")

type revokedKey struct {
	ID string `json:"id" required:"true"`
}

// closeRevoked closes the connections of this node with a key that another node has revoked.
func (k *Keys) closeRevoked(ctx context.Context, in revokedKey) (actionhero.None, error) {
	n, err := k.node(actionhero.RequestFrom(ctx).API)
	if err == nil {
		n.closeConns(in.ID)
	}
	return actionhero.None{}, err
}
