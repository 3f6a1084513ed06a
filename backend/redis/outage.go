package redis

import (
	"context"
	"log/slog"
	"strings"
	"time"
)

// outage logs the beginning and the end of each outage of the server, as the heartbeats of this node see it. Only the
// goroutine of the heartbeats uses it.
type outage struct {
	since  time.Time // of the first sign; zero: there is none
	logged bool      // the log has the beginning
}

// The signs of an outage. A connection for messages is often lost and made again at once, so this sign alone is no outage.
type sign int

const (
	noSign   sign = iota
	deafness      // the messages of the server do not arrive
	silence       // a heartbeat was not answered
)

// note notes the outcome of a heartbeat. err describes the sign.
func (o *outage) note(log *slog.Logger, server string, s sign, err error) {
	switch {
	case s == noSign && o.logged:
		log.Info("the Redis server is reached again", "server", server, "after", time.Since(o.since).Round(100*time.Millisecond))
		*o = outage{}
	case s == noSign:
		*o = outage{}
	case o.logged:
	case s == silence || !o.since.IsZero():
		if o.since.IsZero() {
			o.since = time.Now()
		}
		o.logged = true
		log.Warn("the Redis server is not reached: what needs it fails with unavailable until it is back", "server", server, "error", signText(err))
	default:
		o.since = time.Now()
	}
}

// signText returns the text of err without the end of the heartbeat, which is the sign itself.
func signText(err error) string {
	text := strings.TrimPrefix(err.Error(), context.DeadlineExceeded.Error()+": ")
	return strings.TrimSuffix(text, ": "+errRefused.Error())
}

// awayLimit bounds the calls of the app during an outage that is known: each of them waits only that long in place of
// redis.timeout, or the requests that need the server pile up. The calls of this package itself, above all the heartbeats,
// keep their limits, so that a slow server is noticed when it answers again.
const awayLimit = 250 * time.Millisecond

// lifeKey is the key of a value that session.life and the contexts below it have.
type lifeKey struct{}

// limitOf returns the time limit of a call that is made now.
func (c *core) limitOf(ctx context.Context, limit time.Duration) time.Duration {
	if c.away.Load() && limit > awayLimit && ctx.Value(lifeKey{}) == nil {
		return awayLimit
	}
	return limit
}

// report notes a heartbeat with its error.
func (k *cluster) report(o *outage, s *session, err error) {
	if err != nil {
		o.note(k.core.config.Log, s.addr.String(), silence, err)
	} else if err := k.router.healthy(); err != nil {
		o.note(k.core.config.Log, s.addr.String(), deafness, err)
	} else {
		o.note(k.core.config.Log, s.addr.String(), noSign, nil)
	}
	k.core.away.Store(o.logged)
}
