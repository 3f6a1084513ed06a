package check

import (
	"flag"
	"os"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

var simRuns = flag.Int("chaos.runs", 6, "simulated runs of each property test")

const simLength = 150 * time.Second

// TestACorrectClusterIsNeverAccused checks the histories of many simulated runs with faults.
func TestACorrectClusterIsNeverAccused(t *testing.T) {
	t.Parallel()
	excepted := map[string]int{}
	var starts, deliveries, faults int
	for seed := range uint64(*simRuns) {
		h, dump := simulate(seed, simLength)
		r, err := Run(h, Options{Dump: dump})
		if err != nil {
			t.Fatal(err)
		}
		if !r.OK() {
			if _, err := r.WriteTo(os.Stderr); err != nil {
				t.Error(err)
			}
			t.Errorf("seed %d is accused: %v", seed, r.Count)
		}
		starts, deliveries, faults = starts+r.Starts, deliveries+r.Deliveries, faults+r.Faults
		for _, x := range r.Exceptions {
			excepted[x.Law+": "+x.Why] += x.Count
		}
	}
	t.Logf("%d starts, %d deliveries, %d faults", starts, deliveries, faults)
	for _, x := range sortedKeys(excepted) {
		t.Logf("%6d %s", excepted[x], x)
	}
	if starts < 500**simRuns || deliveries < 2000**simRuns || faults < 2**simRuns {
		t.Errorf("the simulation does too little: %d starts, %d deliveries, %d faults", starts, deliveries, faults)
	}
}

var _ history.Source
