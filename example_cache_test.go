package actionhero_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

// started returns a running API on the embedded backend, and what stops it.
func started() (*actionhero.API, func()) {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		err = api.Start(context.Background())
	}
	if err != nil {
		panic(err)
	}
	return api, func() { _ = api.Stop(context.Background()) }
}

type profile struct {
	Name string `json:"name"`
}

var profiles = actionhero.CacheOf[profile]{Prefix: "profile:"}

// What is slow to find is found once and kept for a while.
func ExampleCacheOf_GetOrLoad() {
	api, stop := started()
	defer stop()
	ctx := context.Background()
	for range 3 {
		p, err := profiles.GetOrLoad(ctx, api, "42", time.Minute, func(context.Context) (profile, error) {
			fmt.Println("asking the database")
			return profile{Name: "Evan"}, nil
		})
		fmt.Println(p.Name, err)
	}
	// Output:
	// asking the database
	// Evan <nil>
	// Evan <nil>
	// Evan <nil>
}

// Only one node of the cluster sends the report, and the mail service refuses a sender that was too slow.
func ExampleCache_Lock() {
	api, stop := started()
	defer stop()
	ctx := context.Background()

	lock, err := api.Cache.Lock(ctx, "report", 30*time.Second)
	if err != nil {
		fmt.Println(err)
		return
	}
	_, second := api.Cache.Lock(ctx, "report", 30*time.Second)
	fmt.Println("meanwhile:", second)
	err = lock.Unlock(ctx)
	fmt.Println("done:", err)

	next, err := api.Cache.Lock(ctx, "report", 30*time.Second)
	fmt.Println(err, next.Fence > lock.Fence)
	// Output:
	// meanwhile: Another caller holds the lock
	// done: <nil>
	// <nil> true
}

// At most 2 mails in an hour: the window begins with the first.
func ExampleCache_Increment() {
	api, stop := started()
	defer stop()
	for range 3 {
		n, err := api.Cache.Increment(context.Background(), "mails:evan", 1, time.Hour)
		fmt.Println(n, n <= 2, err)
	}
	// Output:
	// 1 true <nil>
	// 2 true <nil>
	// 3 false <nil>
}
