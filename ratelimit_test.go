package actionhero

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLimiterGivesBackOverTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(10, time.Minute)
		for want := 9; want >= 0; want-- {
			if _, remaining, err := l.admit("192.0.2.1"); remaining != want || err != nil {
				t.Fatalf("%d remaining and the error %v, want %d and none", remaining, err, want)
			}
		}
		_, remaining, err := l.admit("192.0.2.1")
		if remaining != 0 || err == nil || err.Code != CodeResourceExhausted || err.RetryAfter != 6*time.Second {
			t.Fatalf("beyond the limit: %d remaining, %+v; want 0 and 6s, a tenth of the window", remaining, err)
		}
		if _, _, err := l.admit("192.0.2.2"); err != nil {
			t.Error("another address pays for it")
		}
		time.Sleep(err.RetryAfter)
		if _, _, err := l.admit("192.0.2.1"); err != nil {
			t.Errorf("after RetryAfter: %+v", err)
		}
		time.Sleep(time.Hour)
		if _, remaining, _ := l.admit("192.0.2.1"); remaining != 9 {
			t.Errorf("after a long time %d remain, want all but this one", remaining)
		}
	})
}

func TestLimiterKnowsClients(t *testing.T) {
	t.Parallel()
	l := newLimiter(1, time.Minute)
	take := func(ip string) bool { return l.take(ip).Wait == 0 }
	if !take("2001:db8::1") || take("2001:db8::2") {
		t.Error("addresses of one IPv6 network must share a limit")
	}
	if !take("2001:db8:0:1::1") {
		t.Error("another IPv6 network must have a limit of its own")
	}
	if !take("192.0.2.1") || take("::ffff:192.0.2.1") {
		t.Error("an IPv4 address written as IPv6 must be the same client")
	}
	if !take("::1") || !take("0.0.0.1") {
		t.Error("an IPv6 network and an IPv4 address must not share a limit")
	}
	for range 2 {
		if !take("unix socket") {
			t.Error("what is no address cannot be limited")
		}
	}
}
