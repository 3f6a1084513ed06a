package testkit

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// MaxP99 is the limit for the response times of a well-behaved client while others attack the server: their 99th
// percentile must be below 250 ms, on a machine that has no other work ([Contention]). Under the race detector MaxP99 is longer, and a test with the race detector proves
// little.
const MaxP99 = 250 * time.Millisecond * slower

// A busy machine is slow even without an attack. A well-behaved client therefore makes calmCalls calls before the
// attack. If calmFactor times the longest of these calls is more than MaxP99, this longer time is the limit during the
// attack.
const (
	calmCalls  = 25
	calmFactor = 5
)

// probeEvery is the interval between two calls of a well-behaved client.
const probeEvery = 20 * time.Millisecond

// Probe is a well-behaved client that measures the response time of its calls.
type Probe struct {
	name string
	stop chan struct{}
	done sync.WaitGroup
	max  time.Duration // time limit for 99 of 100 calls, if no other process slows this one down
	load Contention

	took []time.Duration
	errs []error
}

// StartProbe starts a well-behaved client that calls ask 50 times a second, one call after the other. The response time
// of a call begins when the call is due, so that one long wait counts for all calls that it delays. Call StartProbe
// before the attack: it first measures the response time without an attack, and then returns.
func StartProbe(name string, ask func() error) *Probe {
	p := &Probe{name: name, stop: make(chan struct{}), max: MaxP99}
	for range calmCalls {
		began := time.Now()
		if err := ask(); err != nil {
			p.errs = append(p.errs, err)
		}
		p.max = max(p.max, calmFactor*time.Since(began))
	}
	p.load = StartContention()
	p.done.Go(func() { p.run(ask) })
	return p
}

func (p *Probe) run(ask func() error) {
	for due := time.Now(); ; due = due.Add(probeEvery) {
		select {
		case <-p.stop:
			return
		case <-time.After(time.Until(due)):
		}
		if err := ask(); err != nil {
			p.errs = append(p.errs, err)
		}
		p.took = append(p.took, time.Since(due))
	}
}

// Check stops the client. It fails the test if a call failed or if the 99th percentile of the response time exceeds its
// limit.
func (p *Probe) Check(t testing.TB) {
	t.Helper()
	close(p.stop)
	p.done.Wait()
	if len(p.errs) > 0 {
		t.Errorf("%s: %d of %d calls failed; the first: %v", p.name, len(p.errs), len(p.took), p.errs[0])
	}
	if len(p.took) == 0 {
		t.Errorf("%s: no call was made", p.name)
		return
	}
	slices.Sort(p.took)
	n := len(p.took)
	p99 := p.took[n*99/100]
	limit := p.load.Stretch(p.max)
	t.Logf("%s: %d calls, p50 %v, p99 %v, longest %v; the limit is %v", p.name, n, p.took[n/2], p99, p.took[n-1], limit)
	if p99 >= limit {
		t.Errorf("%s: p99 is %v, it must be less than %v", p.name, p99, limit)
	}
}
