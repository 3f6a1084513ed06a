package builtin

import (
	"context"
	"time"

	"github.com/actionhero-go/actionhero"
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
		cache := actionhero.RequestFrom(ctx).API.Cache
		return CacheTestOutput{results}, cache.Set(ctx, testPrefix+in.Key, in.Value, ClusterTestTTL)
	},
}

func testCache(ctx context.Context, in CacheTestInput) (r CacheTestResults, err error) {
	cache, key := actionhero.RequestFrom(ctx).API.Cache, testPrefix+in.Key
	if err = cache.Set(ctx, key, in.Value, 0); err != nil {
		return r, err
	}
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
