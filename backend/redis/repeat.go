package redis

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"time"

	"github.com/redis/rueidis"

	"github.com/actionhero-go/actionhero/backend"
)

// The client library repeats nothing (DisableRetry), except that it follows MOVED and ASK. This file decides:
//
//   - A refused command had no effect, so it is sent again until its time limit: see refusals. The error then wraps
//     errRefused.
//   - A command that was not sent, because no connection could be made, is treated the same.
//   - OOM fails at once, with backend.ErrFull.
//   - A lost connection, a timeout and the end of ctx leave the outcome unknown. Only repeatable commands are sent again.
//     The error of all others wraps errUnknown. So does the last error if the outcome of any attempt is unknown.
//   - If the context of the caller has ended, the error wraps its error, too: see withEnd. Otherwise no error wraps the
//     error of a context, because that would be the context of one attempt or of a connection.
//
// A caller whose command carries a number of its own, so that a second execution has no effect, may call again after
// errUnknown.

// errUnavailable is wrapped by all errors that the server or the network causes.
var errUnavailable = backend.ErrUnavailable

// errRefused means that the server did not execute the command. errUnknown means that it may have executed it. Their texts
// follow the cause, so the text of errUnavailable would only repeat it.
var (
	errRefused error = opaque{errors.New("nothing has changed"), errUnavailable}
	errUnknown error = opaque{errors.New("the change may have happened"), errUnavailable}
)

// refusals are the codes of errors that a command receives before it has an effect, each with its remedy.
var refusals = map[string]string{
	"LOADING":     "the server reads its data after a start: wait",
	"BUSY":        "a script keeps the server busy: find it in its slow log",
	"TRYAGAIN":    "the keys move to another master: wait",
	"ASK":         "the keys move to another master: wait",
	"MOVED":       "the keys have moved to another master: wait",
	"CLUSTERDOWN": "a part of the Cluster has no master: start one",
	"MASTERDOWN":  "the server is a replica without its master: start the master",
	"READONLY":    "the server is a replica: name the master, or its Sentinels in redis.sentinels",
	"NOREPLICAS":  "the server has too few replicas, as its setting min-replicas-to-write says: start them",
	"MISCONF":     "the server cannot save its data: look into its log, usually its disk is full",
	"NOSCRIPT":    "the server has forgotten a script",
}

// mode says whether a command may be executed twice.
type mode bool

const (
	once       mode = false // it changes something
	repeatable mode = true  // it changes nothing, or a second execution has no effect
)

// do sends a command and returns its reply. Build makes the command, once for each attempt. The reply nil is returned as
// an error that [rueidis.IsRedisNil] recognizes.
func (c *core) do(ctx context.Context, mode mode, build func(rueidis.Builder) rueidis.Completed) (rueidis.RedisMessage, error) {
	return c.attempt(ctx, mode, func(ctx context.Context, s *session) rueidis.RedisResult {
		return s.client.Do(ctx, build(s.client.B()))
	})
}

// attempt calls send until it has an outcome, within the time limit of the configuration.
func (c *core) attempt(ctx context.Context, mode mode, send func(context.Context, *session) rueidis.RedisResult) (rueidis.RedisMessage, error) {
	return c.attemptWithin(ctx, c.config.Timeout, mode, send)
}

func (c *core) attemptWithin(ctx context.Context, limit time.Duration, mode mode, send func(context.Context, *session) rueidis.RedisResult) (rueidis.RedisMessage, error) {
	s, err := c.current()
	if err != nil {
		return rueidis.RedisMessage{}, err
	}
	if err := ended(ctx); err != nil {
		return rueidis.RedisMessage{}, fmt.Errorf("%w: %w", err, errRefused)
	}
	bounded := &limited{Context: ctx, limit: c.limitOf(ctx, limit)}
	defer bounded.release()
	var pause backoff
	doubt := false
	for {
		m, err := c.sendOnce(bounded, s, send).ToMessage()
		if err == nil || rueidis.IsRedisNil(err) {
			return m, err
		}
		if !s.cluster && isReadOnly(err) {
			s.dialer.open.foundReplica()
		}
		again, err := judge(bounded, err, mode)
		doubt = doubt || errors.Is(err, errUnknown)
		if again && pause.wait(bounded, s.life) {
			continue
		}
		if doubt && errors.Is(err, errRefused) {
			err = fmt.Errorf("an earlier attempt has no answer, so %w; the last attempt: %v", errUnknown, err)
		}
		return m, c.explain(ctx, s, err)
	}
}

// sendOnce calls send. While the client library connects, its calls wait for each other and do not heed their contexts, so
// sendOnce waits for ctx itself.
func (c *core) sendOnce(ctx context.Context, s *session, send func(context.Context, *session) rueidis.RedisResult) rueidis.RedisResult {
	if s.dialer.connecting.Load() == 0 {
		return send(ctx, s)
	}
	result := make(chan rueidis.RedisResult, 1)
	if !c.spawn(func(context.Context, *session) { result <- send(ctx, s) }) {
		return rueidis.NewErrorResult(backend.ErrClosed)
	}
	select {
	case r := <-result:
		return r
	case <-ctx.Done():
		return rueidis.NewErrorResult(ctx.Err())
	}
}

// judge returns whether a failed command may be sent again, and the error for the caller. ctx is the context of the
// attempts.
func judge(ctx context.Context, err error, mode mode) (again bool, _ error) {
	var dial *net.OpError
	if reply, ok := rueidis.IsRedisErr(err); ok {
		code := codeOf(reply.Error())
		if remedy, ok := refusals[code]; ok {
			return true, fmt.Errorf("%s; the server answers %q: %w", remedy, reply.Error(), errRefused)
		}
		if code == "NOPERM" {
			return false, err // explain adds the remedy
		}
		if code == "OOM" {
			return false, fmt.Errorf("the server has no memory left, as its setting maxmemory says: %w", backend.ErrFull)
		}
		return false, fmt.Errorf("the server answers %q: %w", reply.Error(), err)
	}
	switch {
	case errors.Is(err, errRefused):
		return true, err
	case errors.As(err, &dial) && dial.Op == "dial":
		return true, fmt.Errorf("%w: %w", err, errRefused)
	case ended(ctx) != nil:
		return false, fmt.Errorf("no answer within the time limit: %w", errUnknown)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		// It is the context of another call, which was to make the connection: see unhurried.
		return true, fmt.Errorf("%w: %w", err, errRefused)
	}
	return mode == repeatable, fmt.Errorf("%w: %w", err, errUnknown)
}

// isReadOnly reports whether the server is a replica. In a Cluster, it would name the master.
func isReadOnly(err error) bool {
	reply, ok := rueidis.IsRedisErr(err)
	return ok && codeOf(reply.Error()) == "READONLY"
}

// explain adds the server, and the error of ctx if that has ended. After close the error is [backend.ErrClosed], unless the
// server may have executed the command: ErrClosed says that nothing has changed.
func (c *core) explain(ctx context.Context, s *session, err error) error {
	switch {
	case s.life.Err() != nil && errors.Is(err, errUnknown):
		return fmt.Errorf("the backend was closed before the answer came: %w", withoutContext(err))
	case s.life.Err() != nil:
		return backend.ErrClosed
	}
	if reply, ok := rueidis.IsRedisErr(err); ok && codeOf(reply.Error()) == "NOPERM" {
		return fmt.Errorf("the Redis server at %s: %s: %w", s.addr, s.addr.permission(reply.Error()), err)
	}
	if errors.Is(err, errUnavailable) {
		err = fmt.Errorf("the server at %s: %w", s.addr, withoutContext(err))
	}
	return withEnd(ctx, err)
}

// ended returns the error of ctx if ctx has ended. The client library compares the clock with the deadline, so it may
// notice the end before the timer of ctx does.
func ended(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if deadline, ok := ctx.Deadline(); ok && !time.Now().Before(deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// withEnd adds the error of ctx to err if ctx, the context of the caller, has ended and err says that the server did not
// answer. Any other error is an outcome, which ctx has not changed.
func withEnd(ctx context.Context, err error) error {
	if !errors.Is(err, errUnavailable) {
		return err
	}
	if end := ended(ctx); end != nil && !errors.Is(err, end) {
		return fmt.Errorf("%w: %w", end, err)
	}
	return err
}

// withoutContext returns an error with the text of err. If err wraps the error of a context, the result does not.
func withoutContext(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return err
	}
	if errors.Is(err, errRefused) {
		return opaque{err, errRefused}
	}
	return opaque{err, errUnknown}
}

// opaque is an error that wraps only kind.
type opaque struct {
	error
	kind error
}

func (o opaque) Unwrap() error { return o.kind }

// codeOf returns the code at the beginning of an error reply; the client library has removed the code ERR. Redis 6 reports
// the error of a command in a script as "Error running script (…): @user_script:3: -OOM …", and codeOf then returns the
// inner code.
func codeOf(text string) string {
	if strings.HasPrefix(text, "Error running script") {
		if i := strings.LastIndex(text, ": -"); i >= 0 {
			text = text[i+len(": -"):]
		}
	}
	code, _, _ := strings.Cut(text, " ")
	return code
}

// backoff makes pauses that grow from about 1 ms to 250 ms, with jitter.
type backoff struct{ last time.Duration }

// wait makes a pause. It returns false if ctx or life ends before the pause does.
func (b *backoff) wait(ctx, life context.Context) bool {
	b.last = min(max(2*b.last, time.Millisecond), 250*time.Millisecond)
	timer := time.NewTimer(b.last/2 + rand.N(b.last))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
	case <-life.Done():
	}
	return false
}
