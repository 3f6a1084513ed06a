package hostile

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// MaxP99 is how long an innocent client may wait for 99 of 100 answers while others attack the server: a quarter of a
// second. Under the race detector it is more, and says little.
const MaxP99 = 250 * time.Millisecond * slower

// A machine that has more to do than this test can be slow by itself. Before the attack an innocent client makes
// calmCalls calls, and during it it may wait calmFactor times as long as for the slowest of them, if that is more.
const (
	calmCalls  = 25
	calmFactor = 5
)

// probeEvery is how often an innocent client asks.
const probeEvery = 20 * time.Millisecond

// Prober is an innocent client that notes how long it waits.
type Prober struct {
	name string
	stop chan struct{}
	done sync.WaitGroup
	max  time.Duration // that 99 of 100 calls may take

	took []time.Duration
	errs []error
}

// Probe starts an innocent client that calls ask 50 times a second, one call after the other. Time counts from when
// a call was due, so that one long wait is not taken for a single one. Call it before the attack: it returns when it
// knows how long a call takes in calm.
func Probe(name string, ask func() error) *Prober {
	p := &Prober{name: name, stop: make(chan struct{}), max: MaxP99}
	for range calmCalls {
		began := time.Now()
		if err := ask(); err != nil {
			p.errs = append(p.errs, err)
		}
		p.max = max(p.max, calmFactor*time.Since(began))
	}
	p.done.Go(func() { p.run(ask) })
	return p
}

func (p *Prober) run(ask func() error) {
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

// Check ends the probing. It fails the test if a call failed, or if the client waited for longer than it may.
func (p *Prober) Check(t testing.TB) {
	t.Helper()
	close(p.stop)
	p.done.Wait()
	if len(p.errs) > 0 {
		t.Errorf("%s: %d of %d calls failed; the first: %v", p.name, len(p.errs), len(p.took), p.errs[0])
	}
	if len(p.took) == 0 {
		t.Errorf("%s: not one call was made", p.name)
		return
	}
	slices.Sort(p.took)
	n := len(p.took)
	p99 := p.took[n*99/100]
	t.Logf("%s: %d calls, p50 %v, p99 %v, longest %v", p.name, n, p.took[n/2], p99, p.took[n-1])
	if p99 >= p.max {
		t.Errorf("%s: p99 is %v, it must be less than %v", p.name, p99, p.max)
	}
}
