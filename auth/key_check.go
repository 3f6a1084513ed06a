package auth

import (
	"context"
	"crypto/subtle"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// keyClaim is the claim with the id of the key of a caller, a keyID.
const keyClaim = "keyID"

// keyID is the id of a key in the claims. Its type is not in the claims of a token of an issuer.
type keyID string

// CredentialID returns the id. The log line of a request calls it through an interface.
func (id keyID) CredentialID() string { return string(id) }

// KeyIDOf returns the id of the API key with which the caller has identified itself, or "".
func KeyIDOf(who actionhero.Identity) string {
	id, _ := who.Claims[keyClaim].(keyID)
	return string(id)
}

const (
	keyUsePause   = time.Minute // between two writes of the last use of a key
	keyCheckPause = time.Minute // between two checks of the keys of all connections
)

// revokedReason is the reason that the client of a closed connection reads.
const revokedReason = "your API key was revoked"

// keyNode is a Keys in one API.
type keyNode struct {
	keys  *Keys
	api   *actionhero.API
	store KeyStore

	mu      sync.Mutex
	streams map[*actionhero.Stream]string // the ids of their keys
	used    map[string]time.Time          // when the last use of a key was written; entries older than keyUsePause may be missing
	end     context.CancelFunc            // of the checks of connections; nil while the API is stopped
	done    chan struct{}                 // closed after the last check
}

// authenticate is the Authenticator.
func (k *Keys) authenticate(ctx context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
	text, given := k.keyOf(c)
	if !given {
		return actionhero.Identity{}, nil
	}
	n, err := k.node(c.API)
	if err != nil {
		return actionhero.Identity{}, err
	}
	who, err := n.check(ctx, text)
	if err == nil && c.Conn != nil {
		k.of.Set(c.Conn, connKey{KeyIDOf(who), who.ID})
	}
	return who, err
}

// connKey is the key with which a connection has identified itself as the user. The app may give the connection another
// identity of this user, for example with new roles, which has no key in its claims.
type connKey struct{ id, user string }

// keyOf returns the key among the credentials. given is false if there is none.
func (k *Keys) keyOf(c *actionhero.Credentials) (text string, given bool) {
	if k.cfg.Header != "" {
		text = c.Header(k.cfg.Header)
		given = text != ""
	} else if text, given = bearerToken(c.Header("Authorization")); given {
		given = strings.HasPrefix(text, k.cfg.Prefix+"_")
	}
	if raw := c.Auth(); !given && raw != nil {
		var auth struct {
			Key   string `json:"key"`
			Token string `json:"token"`
		}
		if jsonx.Unmarshal(raw, &auth) != nil {
			return "", false
		}
		if text, given = auth.Key, auth.Key != ""; !given {
			text, given = auth.Token, strings.HasPrefix(auth.Token, k.cfg.Prefix+"_")
		}
	}
	if !given && c.Conn != nil && c.Header("Authorization") == "" {
		text = c.Bearer() // the subprotocol of a plain WebSocket
		given = strings.HasPrefix(text, k.cfg.Prefix+"_")
	}
	if k.cfg.QueryParam != "" && !given && c.Conn != nil {
		text = c.Query().Get(k.cfg.QueryParam)
		given = text != ""
	}
	return text, given
}

var (
	errWrongKey   = invalid("the API key is not valid")
	errExpiredKey = invalid("the API key has expired")
)

// find returns the stored key with this id.
func (n *keyNode) find(ctx context.Context, id string) (StoredKey, error) {
	if !isKeyID(n.keys.cfg.Prefix, id) {
		return StoredKey{}, errNoKey
	}
	return n.store.Find(ctx, id)
}

// check returns the caller with the key text.
func (n *keyNode) check(ctx context.Context, text string) (actionhero.Identity, error) {
	id, ok := parseKey(n.keys.cfg.Prefix, text)
	if !ok {
		return actionhero.Identity{}, errWrongKey
	}
	stored, err := n.find(ctx, id)
	switch {
	case isNotFound(err):
		return actionhero.Identity{}, errWrongKey
	case err != nil:
		return actionhero.Identity{}, err
	case subtle.ConstantTimeCompare(stored.Hash, hashKey(text)) != 1:
		return actionhero.Identity{}, errWrongKey
	case !stored.ExpiresAt.IsZero() && !time.Now().Before(stored.ExpiresAt):
		return actionhero.Identity{}, errExpiredKey
	}
	who, err := n.identity(ctx, stored.Key)
	if err == nil {
		n.use(ctx, id)
	}
	return who, err
}

// identity returns the caller with this key.
func (n *keyNode) identity(ctx context.Context, key Key) (actionhero.Identity, error) {
	who := actionhero.Identity{ID: key.Owner, Roles: key.Roles, Scopes: key.Scopes}
	if own := n.keys.cfg.Identity; own != nil {
		var err error
		if who, err = own(ctx, key); err != nil {
			return actionhero.Identity{}, err
		}
		if !who.Known() {
			return actionhero.Identity{}, errWrongKey
		}
	}
	if who.Claims = maps.Clone(who.Claims); who.Claims == nil {
		who.Claims = map[string]any{}
	}
	who.Claims[keyClaim] = keyID(key.ID)
	if end := key.ExpiresAt; !end.IsZero() && (who.ExpiresAt.IsZero() || end.Before(who.ExpiresAt)) {
		who.ExpiresAt = end
	}
	return who, nil
}

func isNotFound(err error) bool {
	e := actionhero.AsError(err)
	return e != nil && e.Code == actionhero.CodeNotFound
}

// use writes the last use of a key, unless this node has done so in the last minute.
func (n *keyNode) use(ctx context.Context, id string) {
	now := time.Now()
	if !n.claimUse(id, now) {
		return
	}
	if err := n.store.Used(ctx, id, now); err != nil {
		n.api.Log().Warn("the last use of an API key was not stored", "key_id", id, "error", err.Error())
	}
}

// maxUsedKeys is the number of remembered uses above which old ones are forgotten.
const maxUsedKeys = 4096

func (n *keyNode) claimUse(id string, now time.Time) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if last, ok := n.used[id]; ok && now.Sub(last) < keyUsePause {
		return false
	}
	if len(n.used) >= maxUsedKeys {
		maps.DeleteFunc(n.used, func(_ string, last time.Time) bool { return now.Sub(last) >= keyUsePause })
	}
	n.used[id] = now
	return true
}

// keyIDOf returns the id of the key of a connection, or "" if it has none with this prefix.
func (n *keyNode) keyIDOf(c *actionhero.Conn) string {
	who := c.Identity()
	if id := KeyIDOf(who); strings.HasPrefix(id, n.keys.cfg.Prefix+"_") {
		return id
	}
	if k, _ := n.keys.of.Get(c); k.user == who.ID {
		return k.id
	}
	return ""
}

// closeConns closes the connections of this node with a key, and ends its streams.
func (n *keyNode) closeConns(id string) {
	n.endStreams(id)
	for c := range n.api.Conns.OnNode() {
		if n.keyIDOf(c) == id {
			c.Close(revokedReason)
		}
	}
}

// connected is ConnMiddleware.Connected. The key may have been revoked after its check and before the connection was
// among those that closeConns looks at.
func (k *Keys) connected(ctx context.Context, c *actionhero.Conn) {
	if n, err := k.node(c.API()); err == nil {
		n.confirm(ctx, c)
	}
}

// confirm closes the connection if its key is not in the store any more.
func (n *keyNode) confirm(ctx context.Context, c *actionhero.Conn) {
	id := n.keyIDOf(c)
	if id == "" {
		return
	}
	if _, err := n.find(ctx, id); isNotFound(err) {
		c.Close(revokedReason)
	}
}

// start begins the regular checks of connections. They find the keys that were revoked while this node was cut off.
func (k *Keys) start(_ context.Context, api *actionhero.API) error {
	n, err := k.node(api)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.end, n.done = cancel, done
	go func() {
		defer close(done)
		ticker := time.NewTicker(keyCheckPause)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				n.checkConns(ctx)
			}
		}
	}()
	return nil
}

func (k *Keys) stop(_ context.Context, api *actionhero.API) error {
	n, err := k.node(api)
	if err != nil {
		return err
	}
	n.mu.Lock()
	end, done := n.end, n.done
	n.end = nil
	n.mu.Unlock()
	if end != nil {
		end()
		<-done
	}
	return nil
}

// checkConns closes the connections whose keys are not in the store any more. It looks each key up once.
func (n *keyNode) checkConns(ctx context.Context) {
	ids := map[string]struct{}{}
	for c := range n.api.Conns.OnNode() {
		if id := n.keyIDOf(c); id != "" {
			ids[id] = struct{}{}
		}
	}
	n.streamKeys(ids)
	for id := range ids {
		if ctx.Err() != nil {
			return
		}
		if _, err := n.find(ctx, id); isNotFound(err) {
			n.closeConns(id)
		}
	}
}
