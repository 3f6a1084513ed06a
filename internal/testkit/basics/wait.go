// Package basics has the parts of the test kit that need no server, for tests of the packages below it.
package basics

import (
	"testing"
	"time"
)

// Wait is the time limit for an event that must happen soon. It is long enough for a slow and busy machine,
// and shorter than the default time of a stop.
const Wait = 20 * time.Second

// pollEvery is the interval at which [Eventually] and [Within] check their condition.
const pollEvery = 5 * time.Millisecond

// Eventually blocks until condition returns true. If this takes longer than [Wait], Eventually ends the test. The
// message of the failure contains what, a description of the condition.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !Within(Wait, condition) {
		t.Fatalf("%v later this is still not so: %s", Wait, what)
	}
}

// Within blocks until condition returns true, but not longer than limit. It returns the last result of condition.
func Within(limit time.Duration, condition func() bool) bool {
	return Poll(pollEvery, limit, condition)
}

// Poll is like [Within], with the interval every between the checks.
func Poll(every, limit time.Duration, condition func() bool) bool {
	if condition() {
		return true
	}
	end := time.NewTimer(limit)
	defer end.Stop()
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if condition() {
				return true
			}
		case <-end.C:
			return condition()
		}
	}
}
