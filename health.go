package actionhero

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"
)

const (
	healthLimit = 2 * time.Second // the time of one run of a health check
	healthFresh = time.Second     // for which its result is returned again
)

// healthCheck is a check of [API.AddHealthCheck]. At most one run of it exists at a time.
type healthCheck struct {
	name  string
	check func(ctx context.Context) error

	mu      sync.Mutex
	running chan struct{} // closed at the end of the run; nil: there is none
	ended   time.Time     // of the last run; zero: there is no result
	err     error         // of the last run
	failing bool          // the log says so
}

// AddHealthCheck adds a check of something that the app needs to serve, such as a database. While check returns an error,
// panics, or has not returned after two seconds, [API.Health] returns an error, and the health path of the web server answers
// 503, so that a load balancer sends new clients elsewhere. name appears in that answer, so it must not be a secret; the
// error itself is logged.
//
// The check runs when the health is asked for, but at most once a second and once at a time, while the API is started and
// before the first initializer stops. The context of check ends after two seconds or with the stop.
func (api *API) AddHealthCheck(name string, check func(ctx context.Context) error) {
	_ = api.change(func(r *registry) error {
		r.checks = append(r.checks, &healthCheck{name: name, check: check})
		return nil
	})
}

// Health returns nil if all health checks of [API.AddHealthCheck] pass. Otherwise it returns an error with
// [CodeUnavailable], whose message names the checks that fail, and whose cause has their errors. If the API is not started,
// Health returns that as an error. It blocks for at most two seconds, or until ctx ends.
func (api *API) Health(ctx context.Context) error {
	checks := api.registry.Load().checks
	runs := api.checkRuns.Load()
	if runs == nil {
		return Errorf(CodeUnavailable, "the server is not started")
	}
	for _, c := range checks { // all of them run at the same time
		c.begin(runs)
	}
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	var names []string
	var errs []error
	for _, c := range checks {
		if err := c.result(ctx); err != nil {
			names, errs = append(names, c.name), append(errs, fmt.Errorf("the health check %q: %w", c.name, err))
		}
	}
	if errs == nil {
		return nil
	}
	return Errorf(CodeUnavailable, "a health check fails: %s%w", strings.Join(names, ", "), errors.Join(errs...))
}

// begin starts a run, unless one is running or the last result is fresh.
func (c *healthCheck) begin(runs *checkRuns) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running != nil || !c.ended.IsZero() && time.Since(c.ended) < healthFresh {
		return
	}
	running := make(chan struct{})
	if runs.start(func(ctx context.Context) { c.run(ctx, runs.api, running) }) {
		c.running = running
	}
}

func (c *healthCheck) run(ctx context.Context, api *API, running chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, healthLimit)
	defer cancel()
	err := contained(func() error { return c.check(ctx) })
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err, c.ended, c.running = err, time.Now(), nil
	close(running)
	if (err != nil) == c.failing {
		return
	}
	if c.failing = err != nil; c.failing {
		api.log.Warn("a health check fails", "check", c.name, "error", err)
	} else {
		api.log.Info("a health check passes again", "check", c.name)
	}
}

var errNoResult = errors.New("it does not return in time")

// result waits for the run, if there is one, and returns the last result.
func (c *healthCheck) result(ctx context.Context) error {
	c.mu.Lock()
	running := c.running
	c.mu.Unlock()
	if running != nil {
		select {
		case <-running:
		case <-ctx.Done():
			return errNoResult
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended.IsZero() {
		return errNoResult
	}
	return c.err
}

// checkRuns is the last of the initializers of one start. Its stop cancels the running checks and waits for them, so that
// none of them meets a resource that an initializer has closed.
type checkRuns struct {
	api    *API
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	stopped bool
	running sync.WaitGroup
}

// start runs check in a goroutine, and returns false after the stop.
func (r *checkRuns) start(check func(ctx context.Context)) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.stopped {
		r.running.Go(func() { check(r.ctx) })
	}
	return !r.stopped
}

// Start implements Component. A result of an earlier start is forgotten.
func (r *checkRuns) Start(context.Context) error {
	for _, c := range r.api.registry.Load().checks {
		c.mu.Lock()
		c.ended, c.err = time.Time{}, nil
		c.mu.Unlock()
	}
	r.ctx, r.cancel = context.WithCancel(context.Background())
	r.api.checkRuns.Store(r)
	return nil
}

// Stop implements Component.
func (r *checkRuns) Stop(context.Context) error {
	r.api.checkRuns.CompareAndSwap(r, nil)
	r.mu.Lock()
	r.stopped = true
	r.mu.Unlock()
	r.cancel()
	r.running.Wait()
	return nil
}
