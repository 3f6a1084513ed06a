package actionhero_test

import (
	"context"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero"
)

// The cache keeps anything that encodes as JSON.
func ExampleCache() {
	api, stop := startAPI()
	defer stop()
	ctx := context.Background()

	err := api.Cache.Set(ctx, "rates", map[string]float64{"EUR": 1, "USD": 1.1}, time.Hour)
	fmt.Println(err)

	entry, err := api.Cache.Get(ctx, "rates")
	if err != nil {
		fmt.Println(err)
		return
	}
	var rates map[string]float64
	fmt.Println(entry.Decode(&rates), rates["USD"], entry.ExpiresAt.After(entry.ReadAt))

	_, err = api.Cache.Get(ctx, "weather")
	fmt.Println(actionhero.AsError(err).Code)
	// Output:
	// <nil>
	// <nil> 1.1 true
	// notFound
}

// Add stores a value only if there is none. Here the first delivery of a webhook is handled, and its repetition is not.
func ExampleCache_Add() {
	api, stop := startAPI()
	defer stop()

	for range 2 {
		isNew, err := api.Cache.Add(context.Background(), "webhook:evt_123", true, 24*time.Hour)
		fmt.Println(isNew, err)
	}
	// Output:
	// true <nil>
	// false <nil>
}

// A counter with a ttl counts within a window that begins with the first call. Here 2 mails an hour are allowed.
func ExampleCache_Increment() {
	api, stop := startAPI()
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

// Clear removes the values whose keys begin with a prefix; an empty prefix would remove everything.
func ExampleCache_Clear() {
	api, stop := startAPI()
	defer stop()
	ctx := context.Background()

	for _, key := range []string{"session:ann", "session:bob", "rates"} {
		if err := api.Cache.Set(ctx, key, "value", 0); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(api.Cache.Clear(ctx, "session:"))
	for key, err := range api.Cache.Keys(ctx, "") {
		fmt.Println(key, err)
	}
	// Output:
	// 2 <nil>
	// rates <nil>
}

// One caller in the cluster sends the report. The fence grows with each lock, so that the mail service can refuse a sender
// that holds an expired lock.
func ExampleCache_Lock() {
	api, stop := startAPI()
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

// LockWait blocks while another caller holds the lock. Work that may take longer than the ttl calls Refresh.
func ExampleCache_LockWait() {
	api, stop := startAPI()
	defer stop()
	ctx := context.Background()

	first, err := api.Cache.Lock(ctx, "import", time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		fmt.Println("first:", first.Refresh(ctx, time.Minute))
		_ = first.Unlock(ctx)
	}()
	second, err := api.Cache.LockWait(ctx, "import", time.Minute)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("second:", second.Unlock(ctx))
	// Output:
	// first: <nil>
	// second: <nil>
}

// CacheOf gives typed access to the values of one type.
func ExampleCacheOf() {
	type session struct {
		User  string   `json:"user"`
		Roles []string `json:"roles"`
	}
	sessions := actionhero.CacheOf[session]{Prefix: "session:"} // usually a variable of the package
	api, stop := startAPI()
	defer stop()
	ctx := context.Background()

	fmt.Println(sessions.Set(ctx, api, "8f2a", session{"ann", []string{"admin"}}, time.Hour))
	fmt.Println(sessions.Get(ctx, api, "8f2a"))
	fmt.Println(sessions.Delete(ctx, api, "8f2a"))
	// Output:
	// <nil>
	// {ann [admin]} <nil>
	// true <nil>
}

// A value that is slow to find is loaded once, also if many callers need it at the same time.
func ExampleCacheOf_GetOrLoad() {
	type profile struct {
		Name string `json:"name"`
	}
	profiles := actionhero.CacheOf[profile]{Prefix: "profile:"}
	api, stop := startAPI()
	defer stop()

	for range 3 {
		p, err := profiles.GetOrLoad(context.Background(), api, "42", time.Minute, func(context.Context) (profile, error) {
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
