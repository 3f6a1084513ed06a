package redis_test

import (
	"context"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/redis"
)

// The server is checked before anything is stored. An error says how to correct the settings.
func ExampleBackend_Open() {
	b := redis.New(redis.Config{URL: "http://127.0.0.1:6379"})
	fmt.Println(b.Open(context.Background(), backend.Node{ID: "node"}))
	// Output:
	// redis.url has the scheme "http": it must be redis://user:password@host:port/database, rediss:// for TLS, or unix:///path?db=database
}

// All nodes that use one server share its locks, whatever process they run in.
func ExampleNew() {
	b := redis.New(redis.Config{URL: "redis://127.0.0.1:6379/0", Prefix: "shop"})
	ctx := context.Background()
	if err := b.Open(ctx, backend.Node{ID: "node"}); err != nil {
		fmt.Println(err)
		return
	}
	defer b.Close(ctx)
	lock, err := b.Store().LockWait(ctx, "report", time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("this node writes the report, with the fence", lock.Fence)
}
