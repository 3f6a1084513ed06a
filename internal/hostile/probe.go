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

// probeEvery is how often an innocent client asks.
const probeEvery = 20 * time.Millisecond

// Prober is an innocent client that notes how long it waits.
type Prober struct {
	name string
	stop chan struct{}
	done sync.WaitGroup

	took []time.Duration
	errs []error
}

// Probe starts an innocent client that calls ask 50 times a second, one call after the other. Time counts from when
// a call was due, so that one long wait is not taken for a single one.
func Probe(name string, ask func() error) *Prober {
	p := &Prober{name: name, stop: make(chan struct{})}
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

// Check ends the probing. It fails the test if a call failed, or if the client waited for longer than [MaxP99].
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
	if p99 >= MaxP99 {
		t.Errorf("%s: p99 is %v, it must be less than %v", p.name, p99, MaxP99)
	}
}
