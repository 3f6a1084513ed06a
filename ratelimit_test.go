package actionhero

import (
	"fmt"
	"testing"
	"time"
)

func TestLimiterGivesBackOverTime(t *testing.T) {
	t.Parallel()
	l := newLimiter(10, time.Minute)
	now := time.Now()
	for want := 9; want >= 0; want-- {
		if remaining, wait := l.take("192.0.2.1", now); remaining != want || wait != 0 {
			t.Fatalf("got %d remaining and %v to wait, want %d and none", remaining, wait, want)
		}
	}
	remaining, wait := l.take("192.0.2.1", now)
	if remaining != 0 || wait != 6*time.Second {
		t.Errorf("beyond the limit: %d remaining, %v to wait; want 0 and 6s, a tenth of the window", remaining, wait)
	}
	if _, wait := l.take("192.0.2.2", now); wait != 0 {
		t.Error("another address pays for it")
	}
	if _, wait := l.take("192.0.2.1", now.Add(6*time.Second)); wait != 0 {
		t.Errorf("after the wait that was told there are still %v to go", wait)
	}
	if remaining, _ := l.take("192.0.2.1", now.Add(time.Hour)); remaining != 9 {
		t.Errorf("after a long time %d remain, want all but this one", remaining)
	}
}

func TestLimiterKnowsClients(t *testing.T) {
	t.Parallel()
	l := newLimiter(1, time.Minute)
	now := time.Now()
	take := func(ip string) bool { _, wait := l.take(ip, now); return wait == 0 }
	if !take("2001:db8::1") || take("2001:db8::2") {
		t.Error("addresses of one IPv6 network must share a limit")
	}
	if !take("2001:db8:0:1::1") {
		t.Error("another IPv6 network must have a limit of its own")
	}
	if !take("192.0.2.1") || take("::ffff:192.0.2.1") {
		t.Error("an IPv4 address written as IPv6 must be the same client")
	}
	for range 2 {
		if !take("unix socket") {
			t.Error("what is no address cannot be limited")
		}
	}
}

func TestLimiterIsBounded(t *testing.T) {
	t.Parallel()
	l := newLimiter(1, time.Hour)
	now := time.Now()
	for i := range 3 * limiterShards * limiterShardSize {
		l.take(fmt.Sprintf("10.%d.%d.%d", i>>16&255, i>>8&255, i&255), now)
	}
	total := 0
	for i := range l.shards {
		total += len(l.shards[i].tat)
	}
	if limit := limiterShards * limiterShardSize; total > limit {
		t.Errorf("%d addresses are kept, more than %d", total, limit)
	}
}
