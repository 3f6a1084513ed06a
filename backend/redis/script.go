package redis

import (
	"context"
	"crypto/sha1"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

//go:embed lua/*.lua
var scriptFiles embed.FS

// script is one file of the folder lua. Each begins with a comment that has its keys, its arguments, its promise and its
// cost. All keys are declared, in one slot, and their number does not depend on what the script finds. A script that
// adds begins with a write that the server refuses when its memory is full; one that keeps or ends something begins with
// a write that it does not refuse. So a script either has all of its effects or none.
type script struct {
	source, sha string
	mode        mode
	confirmed   bool // its writes must outlive a failover, see the setting redis.waitReplicas

	// hello, unless nil, runs before the script is loaded into a process that does not have it. That process is new, or
	// was promoted.
	hello func(ctx context.Context) error
}

// newScript reads a script. The mode repeatable is for scripts whose second execution has no effect.
func newScript(name string, mode mode) *script {
	source, err := scriptFiles.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err) // a mistake in the program
	}
	sum := sha1.Sum(source)
	return &script{source: string(source), sha: hex.EncodeToString(sum[:]), mode: mode}
}

// run executes a script. By convention the last argument is the time in microseconds for tests; "" is the clock of the
// server. A reply of nil is returned as an error that [rueidis.IsRedisNil] recognizes.
func (c *core) run(ctx context.Context, sc *script, keys []string, args ...string) (rueidis.RedisMessage, error) {
	return c.execute(ctx, c.config.Timeout, func() {}, sc, keys, args...)
}

// runWithin is run with a time limit of its own.
func (c *core) runWithin(ctx context.Context, limit time.Duration, sc *script, keys []string, args ...string) (rueidis.RedisMessage, error) {
	return c.execute(ctx, limit, func() {}, sc, keys, args...)
}

// runNoting is run, and calls unknown after each attempt whose outcome is unknown, also if a later attempt has one: the
// server may execute the earlier one after it.
func (c *core) runNoting(ctx context.Context, unknown func(), sc *script, keys []string, args ...string) (rueidis.RedisMessage, error) {
	return c.execute(ctx, c.config.Timeout, unknown, sc, keys, args...)
}

func (c *core) execute(ctx context.Context, limit time.Duration, unknown func(), sc *script, keys []string, args ...string) (rueidis.RedisMessage, error) {
	return c.attemptWithin(ctx, limit, sc.mode, func(ctx context.Context, s *session) rueidis.RedisResult {
		r := s.client.Do(ctx, s.client.B().Evalsha().Sha1(sc.sha).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
		noteUnknown(ctx, r.Error(), unknown)
		reply, ok := rueidis.IsRedisErr(r.Error())
		if !ok || !strings.HasPrefix(reply.Error(), "NOSCRIPT") {
			return r
		}
		if sc.hello != nil {
			if err := sc.hello(ctx); err != nil { // the script itself has not run
				return rueidis.NewErrorResult(fmt.Errorf("%w: %w", err, errRefused))
			}
		}
		// EVAL goes to the server that has the keys, and loads the script there.
		r = s.client.Do(ctx, s.client.B().Eval().Script(sc.source).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build())
		noteUnknown(ctx, r.Error(), unknown)
		return r
	})
}

func noteUnknown(ctx context.Context, err error, unknown func()) {
	if err == nil || rueidis.IsRedisNil(err) {
		return
	}
	if _, outcome := judge(ctx, err, once); errors.Is(outcome, errUnknown) {
		unknown()
	}
}
