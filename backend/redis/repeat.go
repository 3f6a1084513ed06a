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
//     The error of all others wraps errUnknown.
//
// A caller whose command carries a number of its own, so that a second execution has no effect, may call again after
// errUnknown.

// errUnavailable is wrapped by all errors that the server or the network causes.
var errUnavailable = backend.ErrUnavailable

// errRefused means that the server did not execute the command. errUnknown means that it may have executed it.
var (
	errRefused = fmt.Errorf("nothing has changed: %w", errUnavailable)
	errUnknown = fmt.Errorf("the change may have happened: %w", errUnavailable)
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

// attempt calls send until it has an outcome.
func (c *core) attempt(ctx context.Context, mode mode, send func(context.Context, *session) rueidis.RedisResult) (rueidis.RedisMessage, error) {
	s, err := c.current()
	if err != nil {
		return rueidis.RedisMessage{}, err
	}
	bounded, cancel := context.WithTimeout(ctx, c.config.Timeout)
	defer cancel()
	var pause backoff
	for {
		m, err := send(bounded, s).ToMessage()
		if err == nil || rueidis.IsRedisNil(err) {
			return m, err
		}
		if !s.cluster && isReadOnly(err) {
			s.dialer.foundReplica()
		}
		again, err := judge(err, mode)
		if again && pause.wait(bounded, s.life) {
			continue
		}
		return m, c.explain(ctx, s, err)
	}
}

// judge returns whether a failed command may be sent again, and the error for the caller.
func judge(err error, mode mode) (again bool, _ error) {
	var dial *net.OpError
	if reply, ok := rueidis.IsRedisErr(err); ok {
		code := codeOf(reply.Error())
		if remedy, ok := refusals[code]; ok {
			return true, fmt.Errorf("%s; the server answers %q: %w", remedy, reply.Error(), errRefused)
		}
		if code == "NOPERM" {
			return false, fmt.Errorf("the access control list of the server does not permit a command to its user, see redis.username: %w", err)
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
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false, fmt.Errorf("no answer within the time limit: %w", errUnknown)
	}
	return mode == repeatable, fmt.Errorf("%w: %w", err, errUnknown)
}

// isReadOnly reports whether the server is a replica. In a Cluster, it would name the master.
func isReadOnly(err error) bool {
	reply, ok := rueidis.IsRedisErr(err)
	return ok && codeOf(reply.Error()) == "READONLY"
}

// explain adds the server, and the error of ctx if that has ended. After close the error is [backend.ErrClosed].
func (c *core) explain(ctx context.Context, s *session, err error) error {
	switch {
	case s.life.Err() != nil:
		return backend.ErrClosed
	case ctx.Err() != nil:
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	case errors.Is(err, errUnavailable):
		return fmt.Errorf("the server at %s: %w", s.addr, err)
	}
	return err
}

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
