package builtin

import (
	"context"
	"runtime"
	"slices"
	"sync"
	"time"
	"weak"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// CacheTestInput is the input of [CacheTest] and [ActionClusterCacheTest].
type CacheTestInput struct {
	Key   string `json:"key" required:"true" doc:"the key to save under"`
	Value any    `json:"value" required:"true" doc:"the value to save"`
}

// CacheTestOutput is the output of [CacheTest] and [ActionClusterCacheTest].
type CacheTestOutput struct {
	Results CacheTestResults `json:"cacheTestResults"`
}

// CacheTestResults holds the result of each step of [CacheTest]: saving, counting, loading and deleting an object.
type CacheTestResults struct {
	Saved   bool        `json:"saveResp"`
	Size    int         `json:"sizeResp"`
	Loaded  LoadResults `json:"loadResp"`
	Deleted bool        `json:"deleteResp"`
}

// LoadResults is the object that [CacheTest] loads from the cache, with its times in Unix milliseconds.
type LoadResults struct {
	Value           rawJSON `json:"value"`
	ExpireTimestamp *int64  `json:"expireTimestamp"` // null: never
	CreatedAt       int64   `json:"createdAt"`
	ReadAt          int64   `json:"readAt"`
}

// Limits of [CacheTest] and [ActionClusterCacheTest], so that any client may call them and none can fill the cache.
const (
	MaxTestKey   = 256      // bytes of a key
	MaxTestValue = 16 << 10 // bytes of a value in JSON
	MaxTestLeft  = 64       // objects that ActionClusterCacheTest leaves in the cache on each node; the oldest is removed
)

// ClusterTestTTL is the lifetime of the object that [ActionClusterCacheTest] leaves in the cache. The object expires,
// because any client may call the action and could otherwise fill the cache.
const ClusterTestTTL = time.Hour

// testPrefix is the prefix of the cache keys that [CacheTest] and [ActionClusterCacheTest] write, so that clients
// cannot overwrite the keys of the app.
const testPrefix = "cacheTest_"

// CacheTest is the action "cacheTest". The action saves, loads and deletes an object in the cache and returns the
// result of each step.
var CacheTest = actionhero.Action[CacheTestInput, CacheTestOutput]{
	Name:        "cacheTest",
	Description: "Tests the cache: saves a value under a key, loads it and deletes it",
	Run: func(ctx context.Context, in CacheTestInput) (CacheTestOutput, error) {
		results, err := testCache(ctx, in)
		return CacheTestOutput{results}, err
	},
}

// ActionClusterCacheTest is the action "actionClusterCacheTest". It does the same as [CacheTest], and then saves the
// object again for [ClusterTestTTL], so that a client can read the object on another node.
var ActionClusterCacheTest = actionhero.Action[CacheTestInput, CacheTestOutput]{
	Name:        "actionClusterCacheTest",
	Description: "Tests the cache of the cluster: saves a value under a key, loads it, deletes it and leaves it there for an hour",
	Run: func(ctx context.Context, in CacheTestInput) (CacheTestOutput, error) {
		results, err := testCache(ctx, in)
		if err != nil {
			return CacheTestOutput{}, err
		}
		api := actionhero.RequestFrom(ctx).API
		if err := leftOf(api).add(ctx, api.Cache, testPrefix+in.Key); err != nil {
			return CacheTestOutput{}, err
		}
		return CacheTestOutput{results}, api.Cache.Set(ctx, testPrefix+in.Key, in.Value, ClusterTestTTL)
	},
}

// leftKeys holds the keys that ActionClusterCacheTest has left in the cache of one API, the oldest first.
type leftKeys struct {
	mu   sync.Mutex
	keys []string
}

// left maps weak pointers to APIs to the *leftKeys of the APIs.
var left sync.Map

func leftOf(api *actionhero.API) *leftKeys {
	key := weak.Make(api)
	if known, ok := left.Load(key); ok {
		return known.(*leftKeys)
	}
	known, loaded := left.LoadOrStore(key, new(leftKeys))
	if !loaded {
		runtime.AddCleanup(api, func(key weak.Pointer[actionhero.API]) { left.Delete(key) }, key)
	}
	return known.(*leftKeys)
}

// add adds key, and removes the oldest object from the cache if there are more than MaxTestLeft.
func (l *leftKeys) add(ctx context.Context, cache *actionhero.Cache, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.keys, key); i >= 0 {
		l.keys = slices.Delete(l.keys, i, i+1)
	}
	if l.keys = append(l.keys, key); len(l.keys) <= MaxTestLeft {
		return nil
	}
	oldest := l.keys[0]
	l.keys = slices.Delete(l.keys, 0, 1)
	_, err := cache.Delete(ctx, oldest)
	return err
}

// checkSize returns an error if the key or the value is too large for the demo actions.
func (in CacheTestInput) checkSize() error {
	if len(in.Key) > MaxTestKey {
		return actionhero.Errorf(actionhero.CodeInvalidInput, "key may have %d bytes at most", MaxTestKey)
	}
	if raw, err := jsonx.Marshal(in.Value); err != nil || len(raw) > MaxTestValue {
		return actionhero.Errorf(actionhero.CodeInvalidInput, "value may have %d bytes of JSON at most", MaxTestValue)
	}
	return nil
}

func testCache(ctx context.Context, in CacheTestInput) (r CacheTestResults, err error) {
	if err := in.checkSize(); err != nil {
		return r, err
	}
	cache, key := actionhero.RequestFrom(ctx).API.Cache, testPrefix+in.Key
	if err = cache.Set(ctx, key, in.Value, 0); err != nil {
		return r, err
	}
	defer func() {
		if !r.Deleted { // the object has no expiry: it must not stay if the request is cancelled
			_, _ = cache.Delete(context.WithoutCancel(ctx), key)
		}
	}()
	r.Saved = true
	if r.Size, err = cache.Size(ctx); err != nil {
		return r, err
	}
	loaded, err := cache.Get(ctx, key)
	if err != nil {
		return r, err
	}
	r.Loaded = LoadResults{Value: rawJSON(loaded.Value), CreatedAt: loaded.CreatedAt.UnixMilli(), ReadAt: loaded.ReadAt.UnixMilli()}
	if !loaded.ExpiresAt.IsZero() {
		ms := loaded.ExpiresAt.UnixMilli()
		r.Loaded.ExpireTimestamp = &ms
	}
	r.Deleted, err = cache.Delete(ctx, key)
	return r, err
}
