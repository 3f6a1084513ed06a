package actionhero

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"

	"github.com/actionhero-go/actionhero/internal/terminal"
)

// Run starts the API, blocks until ctx ends or the process receives SIGINT or SIGTERM, and then stops the API like
// [API.Wait]. If one of these signals arrives during the start, Run cancels the start and stops the components that have
// started.
func (api *API) Run(ctx context.Context) error {
	signals, release := api.takeSignals()
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

// Wait blocks until ctx ends or the process receives SIGINT or SIGTERM, and then stops the API. A second of these signals
// ends the process at once with exit code 130.
//
// SIGHUP and SIGUSR1 do not stop the API: they reopen the log, as each [Reopener] describes. If standard input is a
// terminal, SIGHUP stops the API, because the terminal has closed. While Run or Wait blocks, a write to a closed
// standard output does not end the process.
//
// If other code stops the API with [API.Stop], Wait returns when that stop has ended. If an [API.Restart] fails to start
// the API again, Wait returns the error of that start.
func (api *API) Wait(ctx context.Context) error {
	signals, release := api.takeSignals()
	defer release()
	return api.wait(ctx, nil, signals)
}

// wait does the work of API.Wait. signals receives the signals of the process. early holds a signal that arrived before
// the call, if there was one.
func (api *API) wait(ctx context.Context, early, signals <-chan os.Signal) error {
	var sig os.Signal
	var failure error
	end := api.ended.Load()
	select {
	case <-ctx.Done():
	case <-end.done:
		failure = end.failure
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
	return errors.Join(failure, err)
}

// takeSignals returns a channel that receives the signals that end the process, until the caller calls release. Until
// then, a goroutine also handles the signals that reopen the log.
func (api *API) takeSignals() (signals chan os.Signal, release func()) {
	signals = make(chan os.Signal, 2)
	end, reopen := []os.Signal{os.Interrupt, syscall.SIGTERM}, reopenSignals
	if terminal.Is(os.Stdin) {
		end = append(end, syscall.SIGHUP)
		reopen = slices.DeleteFunc(slices.Clone(reopen), func(sig os.Signal) bool { return sig == syscall.SIGHUP })
	}
	signal.Notify(signals, end...)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, reopen...)
	// While SIGPIPE has a channel, a write to a closed standard output is an error and does not end the process.
	brokenPipe := make(chan os.Signal, 1)
	signal.Notify(brokenPipe, syscall.SIGPIPE)
	done := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		for {
			select {
			case sig := <-hangups:
				api.reopen(sig)
			case <-done:
				return
			}
		}
	})
	return signals, func() {
		signal.Stop(signals)
		signal.Stop(hangups)
		signal.Stop(brokenPipe)
		close(done)
		watch.Wait()
	}
}

// reopen calls each [Reopener] of the components.
func (api *API) reopen(sig os.Signal) {
	api.registering.Lock()
	components := slices.Concat(api.outermost, api.components)
	api.registering.Unlock()
	var errs []error
	for _, c := range components {
		if r, ok := c.(Reopener); ok {
			errs = append(errs, r.Reopen())
		}
	}
	if err := errors.Join(errs...); err != nil {
		api.log.Error("the log could not be reopened", "signal", sig.String(), "error", err)
		return
	}
	api.log.Info("the log is reopened", "signal", sig.String())
}

// endAtOnce ends the process with exit code 130 at the next signal. If done is closed first, endAtOnce returns.
func endAtOnce(signals <-chan os.Signal, done <-chan struct{}) {
	select {
	case <-signals:
		os.Exit(130)
	case <-done:
	}
}
