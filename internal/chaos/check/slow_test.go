package check

import (
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/chaos/history"
)

// stalling makes n stalls of 900 ms, too short to count as faults, in the 100 seconds after second 100.
func stalling(n int) (text string) {
	for i := range n {
		text += itoa(101+i) + " ctl sample a=stall b=n3 k=900000000\n"
	}
	return text + "200 c gap a=r b=x\n"
}

// On a machine that stalls, lateness is counted and proves nothing.
func TestAStalledMachineIsAccusedOfNoLateness(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ law, text, why string }{
		{"T5", running + "24 n1/1 fin? c=2 id=101 f=10 r=completed\n24.1 n1/1 fin c=2 id=101 f=10 r=completed o=lost\n", "a run is lost"},
		{"T5", running + "35 n2/2 start n=1 id=101 f=11 a=mail\n", "starts again although"},
		{"T6", running + killed1 + ticking(40), "within 12 s"},
		{"R3", crowd + "5 n2/2 members? c=50 a=r\n5.1 n2/2 members c=50 o=ok k=2 m=x m=y\n", "lacks the member y"},
	} {
		judge(t, c.law, []verdict{
			{name: c.why, text: c.text + stalling(8), violates: c.why},
			{name: c.why + " while the machine stalls", text: c.text + stalling(20), excepted: c.why},
		})
	}
	judge(t, "T1", []verdict{
		{name: "ready at the end", text: enqueued + stalling(20), dump: dumpOf(history.Job{ID: 101, Number: 1, State: "ready"}), excepted: "is ready in the store"},
		{name: "ready, and no stalls", text: enqueued + stalling(0), dump: dumpOf(history.Job{ID: 101, Number: 1, State: "ready"}), violates: "is ready in the store"},
	})
}

// No stall excuses a job that is lost or starts after its end, or a fence that falls.
func TestAStalledMachineLosesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ law, text, why string }{
		{"T1", enqueued, "no end and no record"},
		{"T2", completed + "20 n2/2 start n=1 id=101 f=11 a=mail\n", "after its end"},
		{"T3", running + "20 n2/2 start n=1 id=101 f=9 a=mail\n", "lower fence"},
		{"T4", running + "5 n1/1 pulse t=5s\n8 n2/2 start n=1 id=101 f=11 a=mail\n", "3s before"},
	} {
		judge(t, c.law, []verdict{
			{name: c.why, text: c.text + stalling(20), violates: c.why},
			{name: "nothing", text: prelude + stalling(20)},
		})
	}
}

// Stalls of several processes at one time are one time, and a stall that a fault made is none.
func TestStallsAreCountedOnce(t *testing.T) {
	t.Parallel()
	r, err := Run(written(t, prelude+`
10 n1/1 sample a=stall b=n1 k=900000000
10.5 n2/2 sample a=stall b=n2 k=900000000
20 ctl fault c=1 a=pause b=n1
25 ctl heal c=1
25.1 n1/1 sample a=stall b=n1 k=5000000000
100 c gap a=r b=x
`), Options{Partial: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Stalled != 1400*time.Millisecond || r.slow() {
		t.Errorf("the machine stalled for %v, want 1.4 s, which is not slow: %v", r.Stalled, r.slow())
	}
	r.Stalled = 6 * time.Second
	if text := show(r); !strings.Contains(text, "stalled for 6s") {
		t.Errorf("the report does not say that the machine stalled: %s", text)
	}
}
