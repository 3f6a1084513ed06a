package testkit

import (
	"testing"
	"time"
)

// Wait is how long a test waits for an event that must happen soon, on a busy machine.
const Wait = 10 * time.Second

// pollEvery is how often [Eventually] and [Within] look.
const pollEvery = 5 * time.Millisecond

// Eventually waits until the condition holds, for at most [Wait]; then it ends the test, with what in the message.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	if !Within(Wait, condition) {
		t.Fatalf("%v later this is still not so: %s", Wait, what)
	}
}

// Within waits until the condition holds, for at most limit. It returns whether it holds.
func Within(limit time.Duration, condition func() bool) bool {
	return poll(pollEvery, limit, condition)
}

func poll(every, limit time.Duration, condition func() bool) bool {
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
