package builtin

import (
	"context"
	"time"

	"github.com/actionhero-go/actionhero"
)

// CacheTestInput is what [CacheTest] and [ActionClusterCacheTest] take.
type CacheTestInput struct {
	Key   string `json:"key" required:"true" doc:"the key to save under"`
	Value any    `json:"value" required:"true" doc:"what to save"`
}

// CacheTestOutput is what both answer.
type CacheTestOutput struct {
	Results CacheTestResults `json:"cacheTestResults"`
}

// CacheTestResults says how each step of the test went.
type CacheTestResults struct {
	Saved   bool        `json:"saveResp"`
	Size    int         `json:"sizeResp"`
	Loaded  LoadResults `json:"loadResp"`
	Deleted bool        `json:"deleteResp"`
}

// LoadResults is a cached value as it was loaded. Times are Unix milliseconds.
type LoadResults struct {
	Value           rawJSON `json:"value"`
	ExpireTimestamp *int64  `json:"expireTimestamp"` // null: never
	CreatedAt       int64   `json:"createdAt"`
	ReadAt          int64   `json:"readAt"`
}

// ClusterTestTTL is for how long [ActionClusterCacheTest] leaves its object behind. It ends, because strangers may
// call the action and could fill the cache otherwise.
const ClusterTestTTL = time.Hour

// Keys of the tests are kept apart from the app's own, which strangers must not overwrite.
const testPrefix = "cacheTest_"

// CacheTest saves, loads and deletes an object in the cache.
var CacheTest = actionhero.Action[CacheTestInput, CacheTestOutput]{
	Name:        "cacheTest",
	Description: "Tests the cache: saves a value under a key, loads it and deletes it",
	Run: func(ctx context.Context, in CacheTestInput) (CacheTestOutput, error) {
		results, err := testCache(ctx, in)
		return CacheTestOutput{results}, err
	},
}

// ActionClusterCacheTest does the same and then leaves the object behind for [ClusterTestTTL], so that another node
// can be asked for it.
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
