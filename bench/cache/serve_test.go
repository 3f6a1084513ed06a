package main

import (
	"fmt"
	"strings"
	"testing"
)

// TestServe runs each load for 5 ms on a cache of each kind.
func TestServe(t *testing.T) {
	t.Parallel()
	for _, name := range []string{names[0], "Store", "CacheOf[string] with a prefix", formerNames["CacheOf a struct"]} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out strings.Builder
			orders := "fill\nget 5ms\n90 % get, 10 % set 5ms\nset 5ms\ncheck\n"
			if err := serve(t.Context(), name, strings.NewReader(orders), &out); err != nil {
				t.Fatal(err)
			}
			var costs [3]float64
			lines := strings.Split(out.String(), "\n")
			for i := range costs {
				if _, err := fmt.Sscan(lines[1+i], &costs[i]); err != nil || costs[i] <= 0 {
					t.Errorf("load %d: %q, %v", i, lines[1+i], err)
				}
			}
			if !strings.Contains(lines[4], "dropped silently") {
				t.Errorf("the check returns %q", lines[4])
			}
		})
	}
	if err := serve(t.Context(), names[0], strings.NewReader("unknown 5ms\n"), &strings.Builder{}); err == nil {
		t.Error("an unknown order is accepted")
	}
}
