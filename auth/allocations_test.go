//go:build !race

package auth_test

import "testing"

// Sessions allocate nothing for an anonymous caller, and the identity alone for a user. A rule allocates nothing, and a
// limit by identity its headers.
func TestARequestOfASessionAllocatesLittle(t *testing.T) {
	var base float64
	for i, g := range gets() {
		run := g.start(t)
		got := testing.AllocsPerRun(200, run)
		if i == 0 {
			base = got
		}
		if more := got - base; more > []float64{0, 0, 1, 5}[i] { // the value of a header, and the map of headers with two more lists
			t.Errorf("%s: %v allocations more than without", g.name, more)
		}
	}
}
