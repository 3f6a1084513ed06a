package actionhero

import (
	"context"
	"errors"
)

var errHookExited = errors.New("it ended its goroutine with runtime.Goexit: it must return instead")

// hook calls fn, code of the app within a command, a message or the report of the status, in a goroutine of its own, and
// returns the error of fn. A panic of fn, and an end of its goroutine with runtime.Goexit, are internal errors: the
// goroutine of the caller may belong to a connection or to the backend, and must go on.
func (api *API) hook(fn func() error) error {
	api.hooks.Add(1)
	result := make(chan error, 1)
	go runHook(fn, result)
	err := <-result
	api.hooks.Add(-1)
	return err
}

// runHook is the first function of the goroutine of a hook. API.isRequest looks for its name.
func runHook(fn func() error, result chan<- error) {
	var err error
	returned := false
	defer func() {
		if p := recover(); p != nil {
			err = panicked(p)
		} else if !returned {
			err = &Error{Code: CodeInternal, Message: internalText, Err: errHookExited}
		}
		result <- err
	}()
	err = fn()
	returned = true
}

// runHooks calls the function hooks of a [RoomMiddleware] with a context that ends after Config.ActionTimeout, and
// returns the error that hooks returns. If hooks panics or ends its goroutine, runHooks returns an internal error.
func (api *API) runHooks(ctx context.Context, hooks func(context.Context) error) error {
	if limit := api.cfg.ActionTimeout; limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	return api.hook(func() error { return hooks(ctx) })
}
