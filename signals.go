package actionhero

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
)

// Run starts the API and then does the same as [API.Wait]. A signal during the start cancels the start and stops the
// components that have started.
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
// the process at once with exit code 130.
func (api *API) Wait(ctx context.Context) error {
	signals, release := takeSignals()
	defer release()
	return api.wait(ctx, nil, signals)
}

// wait is Wait. early holds a signal that came before the call.
func (api *API) wait(ctx context.Context, early, signals <-chan os.Signal) error {
	var sig os.Signal
	select {
	case <-ctx.Done():
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

// takeSignals sends SIGINT and SIGTERM to a channel until release is called.
func takeSignals() (signals chan os.Signal, release func()) {
	signals = make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	return signals, func() { signal.Stop(signals) }
}

// endAtOnce ends the process at the next signal, unless done is closed first.
func endAtOnce(signals <-chan os.Signal, done <-chan struct{}) {
	select {
	case <-signals:
		os.Exit(130)
	case <-done:
	}
}
