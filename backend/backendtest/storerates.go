package backendtest

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// take calls Take, and fails the test unless the event is counted or refused as wanted.
func (t *tester) take(s backend.Store, key string, rate backend.Rate, allowed bool) backend.Taken {
	t.Helper()
	taken, err := s.Take(t.ctx, key, rate)
	if err != nil || (taken.Wait == 0) != allowed {
		t.Errorf("Take(%q) = %+v, %v, want allowed = %t", key, taken, err, allowed)
	}
	return taken
}

func rates(t *tester) {
	s := t.open().Store()
	hourly := backend.Rate{Every: time.Hour, Burst: 3}
	for left := 2; left >= 0; left-- {
		if taken := t.take(s, "a", hourly, true); hourly.Left(taken.Full) != left {
			t.Errorf("%+v, want %d left", taken, left)
		}
	}
	for range 2 { // a refused event counts for nothing
		taken := t.take(s, "a", hourly, false)
		if taken.Wait > time.Hour || taken.Wait < time.Hour-waitLimit || taken.Full > 3*time.Hour || taken.Full < 3*time.Hour-waitLimit {
			t.Errorf("beyond the limit: %+v, want 1h and 3h", taken)
		}
	}
	t.take(s, "b", hourly, true)
	t.wantNothing(s, "a")
	t.wantLen(s, 0)

	quick := backend.Rate{Every: 200 * time.Millisecond, Burst: 1}
	start := time.Now()
	t.take(s, "quick", quick, true)
	for got := 0; got < 3; {
		taken, err := s.Take(t.ctx, "quick", quick)
		t.must(err)
		if taken.Wait == 0 {
			if got++; time.Since(start) < time.Duration(got)*quick.Every-t.h.Slack {
				t.Fatalf("event %d is allowed after %v", got, time.Since(start))
			}
			continue
		}
		if time.Since(start) > waitLimit {
			t.Fatalf("%d events after %v", got, time.Since(start))
		}
		time.Sleep(taken.Wait)
	}
}

// rateOfMany checks that concurrent events are counted exactly.
func rateOfMany(t *tester) {
	s := t.open().Store()
	rate := backend.Rate{Every: time.Hour, Burst: 20}
	var allowed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 8 {
				taken, err := s.Take(t.ctx, "key", rate)
				if err != nil {
					t.Error(err)
				} else if taken.Wait == 0 {
					allowed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if allowed.Load() != 20 {
		t.Errorf("%d events are allowed, want 20", allowed.Load())
	}
}

func refusedRates(t *tester) {
	b := t.open()
	s := b.Store()
	for _, rate := range []backend.Rate{{}, {Every: time.Second}, {Burst: 1}, {Every: time.Nanosecond, Burst: 1}, {Every: -time.Second, Burst: 1}, {Every: 24 * time.Hour, Burst: 367}} {
		if _, err := s.Take(t.ctx, "a", rate); !errors.Is(err, backend.ErrRate) {
			t.Errorf("Take with %+v: %v", rate, err)
		}
	}
	long := backend.Rate{Every: 24 * time.Hour, Burst: 366}
	if taken := t.take(s, "long", long, true); long.Left(taken.Full) != 365 {
		t.Errorf("%+v", taken)
	}
	if _, err := s.Take(t.ctx, strings.Repeat("k", backend.MaxKeyBytes+1), long); !errors.Is(err, backend.ErrKeyTooLong) {
		t.Errorf("Take with a long key: %v", err)
	}
	t.must(b.Close(t.ctx))
	if _, err := s.Take(t.ctx, "a", long); !errors.Is(err, backend.ErrClosed) {
		t.Errorf("Take after Close: %v", err)
	}
	if _, err := s.Renew(t.ctx, "a", "load", time.Second); !errors.Is(err, backend.ErrClosed) {
		t.Errorf("Renew after Close: %v", err)
	}
}
