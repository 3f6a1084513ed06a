package auth

import (
	"context"
	"errors"
	"time"

	"github.com/actionhero-go/actionhero"
)

// StoredKey is a [Key] with the SHA-256 of its text, as a [KeyStore] keeps it.
type StoredKey struct {
	Key
	Hash []byte `json:"hash"`
}

// KeyStore keeps API keys. It must keep them over a restart, and all nodes of a cluster must use the same keys. Each
// method is one statement of a database. All methods may be called concurrently.
type KeyStore interface {
	// Add stores a new key. The error is CodeAlreadyExists if the id exists.
	Add(ctx context.Context, k StoredKey) error
	// Find returns the key with this id, or an error of CodeNotFound. It may leave out LastUsedAt. It is called for each
	// request with a key.
	Find(ctx context.Context, id string) (StoredKey, error)
	// List returns the keys of the owner, or all keys if owner is "", in any order.
	List(ctx context.Context, owner string) ([]StoredKey, error)
	// Remove deletes the key with this id, or returns an error of CodeNotFound. After it has returned nil, no Find on any
	// node returns the key.
	Remove(ctx context.Context, id string) error
	// Used stores the last use of a key. It must not bring back a key that was removed.
	Used(ctx context.Context, id string, at time.Time) error
}

// KeysInCluster makes a store in the backend of the cluster, for [KeyConfig.Store]. The keys are as durable as the server
// of the backend: for Redis, set appendonly. [actionhero.Cache.Clear] with an empty prefix deletes all keys. List reads
// all keys of all owners, so more than about 10,000 keys need a database. The registration fails on the embedded backend,
// which forgets its values at a restart.
func KeysInCluster(api *actionhero.API) (KeyStore, error) {
	if !api.Cluster.Shared() {
		return nil, errors.New("the embedded backend forgets the API keys at a restart: use auth.KeysInFolder")
	}
	return clusterKeys{api}, nil
}

type clusterKeys struct{ api *actionhero.API }

var (
	keyCache = actionhero.CacheOf[StoredKey]{Prefix: "_auth:key:"}
	// The last use is a value of its own, so that writing it does not bring back a removed key.
	keyUseCache = actionhero.CacheOf[time.Time]{Prefix: "_auth:keyUse:"}
)

// keyUseTTL is the time for which the last use of a key is kept. It ends the values of removed keys.
const keyUseTTL = 400 * 24 * time.Hour

func (s clusterKeys) Add(ctx context.Context, k StoredKey) error {
	added, err := keyCache.Add(ctx, s.api, k.ID, k, 0)
	if err == nil && !added {
		err = errKeyExists
	}
	return err
}

var errKeyExists = actionhero.Errorf(actionhero.CodeAlreadyExists, "there is an API key with this id")

func (s clusterKeys) Find(ctx context.Context, id string) (StoredKey, error) {
	k, err := keyCache.Get(ctx, s.api, id)
	if isNotFound(err) {
		err = errNoKey
	}
	return k, err
}

func (s clusterKeys) List(ctx context.Context, owner string) ([]StoredKey, error) {
	var list []StoredKey
	seen := map[string]bool{} // in a cluster, a key may appear twice
	for id, err := range keyCache.Keys(ctx, s.api, "") {
		if err != nil {
			return nil, err
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		k, err := keyCache.Get(ctx, s.api, id)
		switch {
		case isNotFound(err) || err == nil && owner != "" && k.Owner != owner:
			continue
		case err != nil:
			return nil, err
		}
		if used, err := keyUseCache.Get(ctx, s.api, id); err == nil {
			k.LastUsedAt = used
		}
		list = append(list, k)
	}
	return list, nil
}

func (s clusterKeys) Remove(ctx context.Context, id string) error {
	was, err := keyCache.Delete(ctx, s.api, id)
	if err == nil && !was {
		err = errNoKey
	}
	if err == nil {
		_, _ = keyUseCache.Delete(ctx, s.api, id) // a rest ends after keyUseTTL
	}
	return err
}

func (s clusterKeys) Used(ctx context.Context, id string, at time.Time) error {
	return keyUseCache.Set(ctx, s.api, id, at, keyUseTTL)
}
