package main

import (
	"strings"
	"testing"
	"time"
)

// TestEachLaneAnswers runs each lane for some milliseconds with one processor and with two.
func TestEachLaneAnswers(t *testing.T) {
	for _, l := range lanes {
		load, err := l.open(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", l.name, err)
		}
		row, err := compare(load, 1, 20*time.Millisecond)
		if err != nil || strings.Count(row, "|") != 3 {
			t.Errorf("%s: %q, %v", l.name, row, err)
		}
	}
}
