package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/redis"
)

// The contenders of the table cache.
const (
	goRedis     = "go-redis GET"
	oursCache   = "actionhero, no copies"
	oursCopies  = "actionhero, local copies"
	cacheKeys   = 1 << 17
	cacheValue  = 200 // bytes
	cacheCopies = 10 * time.Second
)

var cacheNames = []string{goRedis, oursCache, oursCopies}

// cacheClient reads values of a cache on the server.
type cacheClient interface {
	open(ctx context.Context, addr string) error
	set(ctx context.Context, key, value string) error
	get(ctx context.Context, key string) (string, error)
}

var caches = map[string]func() cacheClient{
	goRedis:    func() cacheClient { return &goRedisCache{} },
	oursCache:  func() cacheClient { return &nodeCache{} },
	oursCopies: func() cacheClient { return &nodeCache{copies: cacheCopies} },
}

type goRedisCache struct{ client *goredis.Client }

func (g *goRedisCache) open(ctx context.Context, addr string) error {
	g.client = goredis.NewClient(&goredis.Options{Addr: addr})
	return g.client.Ping(ctx).Err()
}

func (g *goRedisCache) set(ctx context.Context, key, value string) error {
	return g.client.Set(ctx, key, value, time.Hour).Err()
}

func (g *goRedisCache) get(ctx context.Context, key string) (string, error) {
	return g.client.Get(ctx, key).Result()
}

// nodeCache reads through the cache of a node of a cluster.
type nodeCache struct {
	copies time.Duration
	api    *actionhero.API
	values actionhero.CacheOf[string]
}

func (n *nodeCache) open(ctx context.Context, addr string) (err error) {
	quiet := slog.New(slog.DiscardHandler)
	backend := redis.New(redis.Config{URL: "redis://" + addr, Prefix: "bench", LocalCache: n.copies, Log: quiet})
	if n.api, err = actionhero.New(actionhero.Config{Backend: backend, Log: quiet}); err != nil {
		return err
	}
	return n.api.Start(ctx)
}

func (n *nodeCache) set(ctx context.Context, key, value string) error {
	return n.values.Set(ctx, n.api, key, value, time.Hour)
}

func (n *nodeCache) get(ctx context.Context, key string) (string, error) {
	return n.values.Get(ctx, n.api, key)
}

// doCache executes an order: open, or get with the number of callers and the duration.
func doCache(ctx context.Context, c cacheClient, addr string, words []string) (string, error) {
	key := func(i uint64) string { return "key" + strconv.FormatUint(i, 10) }
	if words[0] == "open" {
		if err := c.open(ctx, addr); err != nil {
			return "", err
		}
		return "", fillCache(ctx, c, key)
	}
	callers, err := strconv.Atoi(words[1])
	if err != nil {
		return "", err
	}
	duration, err := time.ParseDuration(words[2])
	if err != nil {
		return "", err
	}
	return measured(func() (int64, time.Duration, error) {
		begun := time.Now()
		n, err := parallelEach(callers, func() (func() bool, func() error) {
			zipf := rand.NewZipf(rand.New(rand.NewPCG(rand.Uint64(), 1)), 1.1, 1, cacheKeys-1)
			return func() bool { return time.Since(begun) < duration }, func() error {
				value, err := c.get(ctx, key(zipf.Uint64()))
				if err == nil && len(value) != cacheValue {
					err = fmt.Errorf("a value has %d bytes", len(value))
				}
				return err
			}
		})
		return n, time.Since(begun), err
	})
}

func fillCache(ctx context.Context, c cacheClient, key func(uint64) string) error {
	value := strings.Repeat("x", cacheValue)
	var last atomic.Uint64
	_, err := parallelEach(200, func() (func() bool, func() error) {
		var i uint64
		return func() bool { i = last.Add(1) - 1; return i < cacheKeys }, func() error { return c.set(ctx, key(i), value) }
	})
	return err
}

// caching measures the reads of 64 callers, a few of whose keys get most of them.
func (b *bench) caching(ctx context.Context) error {
	results, err := b.measure(ctx, b.names(cacheNames), true, func(float64) order {
		return order{measured: fmt.Sprintf("get 64 %v", b.slice)}
	})
	if err == nil {
		printFigures(fmt.Sprintf("Reads of the cache by 64 callers, %d values of %d bytes, Zipf 1.1", cacheKeys, cacheValue), "reads", results)
	}
	return err
}
