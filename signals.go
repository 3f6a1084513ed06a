package actionhero

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/signals"
)

// Run starts the API, blocks until ctx ends or the process receives SIGINT or SIGTERM, and then stops the API like
// [API.Wait]. If one of these signals arrives during the start, Run cancels the start, stops the components that have
// started, and returns nil. The end of ctx and a call of [API.Stop] during the start do the same.
func (api *API) Run(ctx context.Context) error {
	received, release := api.takeSignals()
	defer release()
	leave, release := api.leavable()
	defer release()
	starting, cancel := context.WithCancel(ctx)
	defer cancel()
	started := make(chan struct{})
	early := make(chan os.Signal, 1)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case sig := <-received:
			early <- sig
			cancel()
			api.endAtOnce(received, started)
		case <-started:
		}
	})
	err := api.Start(starting)
	close(started)
	watch.Wait()
	switch {
	case errors.Is(err, errStopCalled), err != nil && ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return nil
	case err != nil && len(early) > 0:
		if !errors.Is(err, context.Canceled) { // a part has given the end of its context another name, or the signal came with its error
			api.log.Warn("a signal has ended the start, which returned an error", "signal", (<-early).String(), "error", err)
		}
		return nil
	case err != nil:
		return err
	}
	return api.wait(ctx, leave, early, received)
}

// Wait blocks until ctx ends or the process receives SIGINT or SIGTERM, and then stops the API. A second of these signals
// ends the process at once with exit code 130.
//
// If the signal arrives during an [API.Restart], its start is cancelled, and the API stays stopped.
//
// SIGHUP and SIGUSR1 do not stop the API: they reopen the log, as each [Reopener] describes. If standard input is a
// terminal, SIGHUP stops the API, because the terminal has closed. While Run or Wait blocks, a write to a closed
// standard output does not end the process.
//
// If other code stops the API with [API.Stop], Wait returns when that stop has ended. If an [API.Restart] fails to start
// the API again, Wait returns the error of that start.
func (api *API) Wait(ctx context.Context) error {
	received, release := api.takeSignals()
	defer release()
	leave, release := api.leavable()
	defer release()
	return api.wait(ctx, leave, nil, received)
}

// leavable returns a function that cancels the start of each Restart from then on, until the caller calls release.
func (api *API) leavable() (leave, release func()) {
	leaving, leave := context.WithCancel(context.Background())
	api.leaving.Store(&leaving)
	return leave, func() {
		api.leaving.CompareAndSwap(&leaving, nil)
		leave()
	}
}

// wait does the work of API.Wait. received has the signals of the process. early holds a signal that arrived before
// the call, if there was one.
func (api *API) wait(ctx context.Context, leave func(), early, received <-chan os.Signal) error {
	var sig os.Signal
	var failure error
	end := api.ended.Load()
	if len(early) > 0 {
		sig = <-early
	} else {
		select {
		case <-ctx.Done():
		case <-end.done:
			failure = end.failure
		case sig = <-received:
		}
	}
	leave()
	if sig != nil {
		api.logSignal(sig)
	}
	stopped := make(chan struct{})
	var watch sync.WaitGroup
	watch.Go(func() {
		if sig == nil { // something else stops the API, and the first signal asks for no more than that
			select {
			case first := <-received:
				api.logSignal(first)
			case <-stopped:
				return
			}
		}
		api.endAtOnce(received, stopped)
	})
	err := api.Stop(context.WithoutCancel(ctx))
	close(stopped)
	watch.Wait()
	return errors.Join(failure, err)
}

func (api *API) logSignal(sig os.Signal) {
	signals.FreshLine(sig)
	api.log.Info("stopping; a second signal ends at once", "signal", sig.String())
}

// takeSignals returns a channel that receives the signals that end the process, until the caller calls release. Until
// then, a goroutine also handles the signals that reopen the log.
func (api *API) takeSignals() (received chan os.Signal, release func()) {
	received = make(chan os.Signal, 2)
	signals.Take(received)
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, signals.Reopen()...)
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
	return received, func() {
		signal.Stop(received)
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

// endAtOnce ends the process with exit code 130 at the next signal. If done is closed first, endAtOnce returns. The line that
// it logs makes the logger of the server write the lines that wait. A logger that blocks does not hold up the end.
func (api *API) endAtOnce(received <-chan os.Signal, done <-chan struct{}) {
	select {
	case sig := <-received:
		logged := make(chan struct{})
		go func() {
			defer close(logged)
			api.log.Warn("a second signal ends the process at once", "signal", sig.String())
		}()
		select {
		case <-logged:
		case <-time.After(lastLine):
		}
		os.Exit(130)
	case <-done:
	}
}

// lastLine is the longest time that the end of the process waits for its last line of the log.
const lastLine = 250 * time.Millisecond
