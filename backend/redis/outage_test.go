//go:build unix

package redis

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

func TestTheLogHasTheBeginningAndTheEndOfAnOutage(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := f.Start(t, redistest.Options{})
		log := &lockedBuffer{}
		c := at(s)
		c.Log = slog.New(slog.NewTextHandler(log, nil))
		open(t, c)
		for n := 1; n <= 2; n++ {
			s.Kill(t)
			basics.Eventually(t, "the log has the beginning", func() bool { return strings.Count(log.String(), "is not reached: what needs it") == n })
			s.Restart(t)
			basics.Eventually(t, "the log has the end", func() bool { return strings.Count(log.String(), "is reached again") == n })
		}
		if text := log.String(); strings.Count(text, "is not reached: what needs it") != 2 || !strings.Contains(text, "server="+s.Addr) {
			t.Errorf("two outages give the log\n%s", text)
		}
	})
}

// During an outage that is known, a call does not wait for its whole time limit, and the first call after it has all of it.
func TestACallOfTheAppDoesNotWaitInAKnownOutage(t *testing.T) {
	t.Parallel()
	p := faultproxy.Start(t, redistest.Redis.Shared(t).Addr)
	log := &lockedBuffer{}
	c := Config{URL: "redis://" + p.Addr(), Prefix: redistest.Prefix(), Timeout: 10 * basics.Wait, Log: slog.New(slog.NewTextHandler(log, nil))}
	b := open(t, c)
	get := func() (time.Duration, error) {
		begun := time.Now()
		_, err := b.Store().Get(t.Context(), "key")
		return time.Since(begun), err
	}
	p.Cut()
	basics.Eventually(t, "the outage is known", func() bool { return strings.Contains(log.String(), "is not reached: what needs it") })
	if took, err := get(); !errors.Is(err, backend.ErrUnavailable) || took > c.Timeout/2 {
		t.Errorf("in the outage, a call takes %v, %v", took, err)
	}
	p.Heal()
	basics.Eventually(t, "the end of the outage is known", func() bool { return strings.Contains(log.String(), "is reached again") })
	if _, err := get(); !errors.Is(err, backend.ErrNotFound) {
		t.Errorf("after the outage: %v", err)
	}
}

func TestOneLostConnectionForMessagesIsNoOutage(t *testing.T) {
	t.Parallel()
	log := &lockedBuffer{}
	logger := slog.New(slog.NewTextHandler(log, nil))
	var o outage
	deaf := errors.New("deaf")
	for range 3 {
		o.note(logger, "s", deafness, deaf)
		o.note(logger, "s", noSign, nil)
	}
	if log.String() != "" {
		t.Errorf("the log has %s", log)
	}
	o.note(logger, "s", deafness, deaf)
	o.note(logger, "s", deafness, deaf)
	if !strings.Contains(log.String(), "error=deaf") {
		t.Errorf("after two heartbeats without messages, the log has %q", log)
	}
}

func TestAStartWithTheIDOfALiveNodeSaysSoAndEnds(t *testing.T) {
	t.Parallel()
	s := redistest.Redis.Shared(t)
	first := open(t, at(s))
	log := &lockedBuffer{}
	c := at(s)
	c.Prefix, c.Log = first.core.config.Prefix, slog.New(slog.NewTextHandler(log, nil))
	second := newBackend(c)
	same := backend.Node{ID: first.cluster.life.self().ID, Started: time.Now()}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opened := make(chan error, 1)
	go func() { opened <- second.Open(ctx, same) }()
	basics.Eventually(t, "the log says that the start waits", func() bool { return strings.Contains(log.String(), "another node has the id") })
	cancel()
	if err := <-opened; !errors.Is(err, backend.ErrNodeInUse) || !errors.Is(err, context.Canceled) {
		t.Errorf("a start that is cancelled while it waits returns %v", err)
	}
	if text := log.String(); strings.Count(text, "another node has the id") != 1 || strings.Contains(text, "was not reached") {
		t.Errorf("the log of the start is\n%s", text)
	}

	if err := second.core.open(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer second.core.close()
	second.life.start(same)
	err := second.life.join(t.Context(), newInc(), time.Millisecond, nil)
	if !errors.Is(err, backend.ErrNodeInUse) || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("after its patience, join returns %v", err)
	}
}

func TestAStartIsPatientLongerThanALease(t *testing.T) {
	t.Parallel()
	for wait, least := range map[time.Duration]time.Duration{0: nodeLease, time.Second: nodeLease, time.Minute: time.Minute, -1: time.Hour} {
		c := Config{Wait: wait}
		if got := c.patience(); got < least || wait >= 0 && got > max(wait, 3*nodeLease) {
			t.Errorf("with redis.wait %v, a start waits %v for the id", wait, got)
		}
	}
}
