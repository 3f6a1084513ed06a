package actionhero

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Run starts the API, blocks until ctx ends or the process receives SIGINT or SIGTERM, and then stops the API like
// [API.Wait]. If a signal arrives during the start, Run cancels the start and stops the components that have started.
func (api *API) Run(ctx context.Context) error {
	signals, release := takeSignals()
	defer release()
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	started := make(chan struct{})
	early := make(chan os.Signal, 1)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case sig := <-signals:
			early <- sig
			cancel()
			endAtOnce(signals, started)
		case <-started:
		}
	})
	err := api.Start(starting)
	close(started)
	watch.Wait()
	switch {
	case err != nil && len(early) > 0 && errors.Is(err, context.Canceled): // by the signal
		return nil
	case err != nil:
		return err
	}
	return api.wait(ctx, early, signals)
}

// Wait blocks until ctx ends or the process receives SIGINT or SIGTERM, and then stops the API. A second signal ends
// the process at once with exit code 130. If other code stops the API with [API.Stop], Wait returns when that stop has
// ended.
func (api *API) Wait(ctx context.Context) error {
	signals, release := takeSignals()
	defer release()
	return api.wait(ctx, nil, signals)
}

// wait does the work of API.Wait. signals receives the signals of the process. early holds a signal that arrived before
// the call, if there was one.
func (api *API) wait(ctx context.Context, early, signals <-chan os.Signal) error {
	var sig os.Signal
	select {
	case <-ctx.Done():
	case <-*api.ended.Load():
	case sig = <-early:
	case sig = <-signals:
	}
	if sig != nil {
		api.log.Info("stopping; a second signal ends at once", "signal", sig.String())
	}
	stopped := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() { endAtOnce(signals, stopped) })
	err := api.Stop(context.WithoutCancel(ctx))
	close(stopped)
	watch.Wait()
	return err
}

// takeSignals returns a channel that receives SIGINT and SIGTERM until the caller calls release.
func takeSignals() (signals chan os.Signal, release func()) {
	signals = make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals, func() { signal.Stop(signals) }
}

// endAtOnce ends the process with exit code 130 at the next signal. If done is closed first, endAtOnce returns.
func endAtOnce(signals <-chan os.Signal, done <-chan struct{}) {
	select {
	case <-signals:
		os.Exit(130)
	case <-done:
	}
}
