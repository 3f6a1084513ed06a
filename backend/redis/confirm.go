package redis

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// touched is the time to live that a confirmed script gives to its first key: a century. It is a write that the server does
// not refuse when its memory is full. WAIT counts the replicas that have the last write of its connection, and a repeated
// script may write nothing.
const touched = 100 * 365 * 24 * time.Hour

// runConfirmed executes a script, and waits until as many replicas have its writes as the setting redis.waitReplicas
// demands. It uses a connection of its own, because WAIT blocks the connection. If too few replicas answer, the outcome is
// unknown, and a repeatable script is sent again until the time limit.
func (c *core) runConfirmed(ctx context.Context, sc *script, keys []string, args ...string) (rueidis.RedisMessage, error) {
	return c.attempt(ctx, sc.mode, func(ctx context.Context, s *session) (r rueidis.RedisResult) {
		_ = s.client.Dedicated(func(d rueidis.DedicatedClient) error {
			r = c.evalConfirmed(ctx, d, d.B().Evalsha().Sha1(sc.sha).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build(), keys[0])
			reply, ok := rueidis.IsRedisErr(r.Error())
			if !ok || !strings.HasPrefix(reply.Error(), "NOSCRIPT") {
				return nil
			}
			if sc.hello != nil {
				if err := sc.hello(ctx); err != nil {
					r = rueidis.NewErrorResult(fmt.Errorf("%w: %w", err, errRefused))
					return nil
				}
			}
			r = c.evalConfirmed(ctx, d, d.B().Eval().Script(sc.source).Numkeys(int64(len(keys))).Key(keys...).Arg(args...).Build(), keys[0])
			return nil
		})
		return r
	})
}

// evalConfirmed sends a command, a write and WAIT. It returns the reply to the command.
func (c *core) evalConfirmed(ctx context.Context, d rueidis.DedicatedClient, command rueidis.Completed, key string) rueidis.RedisResult {
	limit := c.config.Timeout / 2 // there is time for one repetition
	replies := d.DoMulti(ctx, command,
		d.B().Pexpire().Key(key).Milliseconds(touched.Milliseconds()).Build(),
		d.B().Wait().Numreplicas(int64(c.config.WaitReplicas)).Timeout(max(limit.Milliseconds(), 1)).Build())
	if replies[0].Error() != nil && !rueidis.IsRedisNil(replies[0].Error()) {
		return replies[0]
	}
	wrote, err1 := replies[1].AsInt64()
	n, err2 := replies[2].AsInt64()
	switch {
	case err1 != nil:
		return rueidis.NewErrorResult(fmt.Errorf("%w: %w", err1, errUnknown))
	case err2 != nil:
		return rueidis.NewErrorResult(fmt.Errorf("%w: %w", err2, errUnknown))
	case wrote != 1 || n < int64(c.config.WaitReplicas):
		return rueidis.NewErrorResult(fmt.Errorf("%d of %s replicas have the change, as many as redis.waitReplicas demands have not answered in %v: start replicas or lower the setting: %w",
			n, strconv.Itoa(c.config.WaitReplicas), limit, errUnknown))
	}
	return replies[0]
}
