package actionhero_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
)

// Whatever several goroutines start, stop, restart, register and add in any order, nothing hangs, each component starts
// and stops in turns, and every registered action is there.
func TestAnyOrderOfStartsStopsAndRegistrations(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { lifecycleAtRandom(t, seed) })
		})
	}
}

// turns is a component that notices a second start, or a stop without a start.
type turns struct {
	t       *testing.T
	pause   func()
	started atomic.Bool
}

func newTurns(t *testing.T) *turns {
	return &turns{t: t, pause: func() { time.Sleep(time.Millisecond) }}
}

func (c *turns) Start(context.Context) error {
	c.pause()
	if c.started.Swap(true) {
		c.t.Error("a component started twice")
	}
	return nil
}

func (c *turns) Stop(context.Context) error {
	c.pause()
	if !c.started.Swap(false) {
		c.t.Error("a component stopped that had not started")
	}
	return nil
}

func lifecycleAtRandom(t *testing.T, seed uint64) {
	api := stoppedAPI(t, actionhero.Config{StopGrace: 50 * time.Millisecond}, act("quick", func(context.Context) error { return nil }),
		act("stop", func(ctx context.Context) error { return actionhero.RequestFrom(ctx).API.Stop(context.Background()) }))
	api.Add(newTurns(t))
	var registered sync.Map
	var workers sync.WaitGroup
	for worker := range 5 {
		random := rand.New(rand.NewPCG(seed, uint64(worker)))
		workers.Go(func() {
			for i := range 12 {
				time.Sleep(time.Duration(random.IntN(4)) * time.Millisecond)
				lifecycleStep(t, api, random.IntN(8), fmt.Sprintf("a%d-%d", worker, i), &registered)
			}
		})
	}
	workers.Wait()
	steps(t, api.Stop(t.Context()))
	for name := range registered.Range {
		if !hasAction(api, name.(string)) {
			t.Errorf("the action %s was registered and is gone", name)
		}
	}
	steps(t, api.Start(t.Context()), api.Stop(t.Context()))
}

func lifecycleStep(t *testing.T, api *actionhero.API, step int, name string, registered *sync.Map) {
	ctx := context.Background()
	switch step {
	case 0:
		_ = api.Start(ctx)
	case 1:
		_ = api.Stop(ctx)
	case 2:
		_ = api.Restart(ctx)
	case 3:
		if err := api.Register(act(name, func(context.Context) error { return nil }), actionhero.Initializer{Name: name, Setup: func(api *actionhero.API) error {
			time.Sleep(time.Millisecond)
			return api.Register(act(name+"-inner", func(context.Context) error { return nil }))
		}}); err != nil {
			t.Error(err)
			return
		}
		registered.Store(name, true)
		registered.Store(name+"-inner", true)
	case 4:
		if err := api.Register(act(name, func(context.Context) error { return nil }), actionhero.Initializer{Name: name, Setup: func(*actionhero.API) error {
			time.Sleep(time.Millisecond)
			return errors.New("no database")
		}}); err == nil || hasAction(api, name) {
			t.Errorf("a failed registration leaves its action: %v", err)
		}
	case 5:
		api.Add(newTurns(t))
	case 6:
		_, _ = dispatch(t, api, "quick")
	case 7:
		_, _ = dispatch(t, api, "stop")
	}
}

func hasAction(api *actionhero.API, name string) bool {
	for _, info := range api.Actions() {
		if info.Name == name {
			return true
		}
	}
	return false
}
