// Package backendtest is the one suite that every backend passes. It holds a backend to what package backend promises
// and to nothing else, so that the rest of the house may rely on any of them.
//
// Time is what backends differ in: the embedded one can run on the virtual clock of testing/synctest, where a test waits
// for no one and is exact; one that talks to a server cannot. A [Harness] says which it is, and the tests are written to
// be right on both. They never assume that a sleep ends in time. They look again and again, and compare what they see
// with the clock before and after looking; only how late a backend may be is allowed for, by [Harness.Slack].
//
//	func TestBackend(t *testing.T) { // the embedded backend
//		backendtest.Run(t, backendtest.Harness{
//			New:    func(*testing.T) backend.Backend { return local.New(local.Config{}) },
//			Bubble: synctest.Test,
//		})
//	}
//
//	func TestBackend(t *testing.T) { // one with a server
//		backendtest.Run(t, backendtest.Harness{
//			New:   func(t *testing.T) backend.Backend { return connect(t, address, "test:"+rand.Text()+":") },
//			Slack: 100 * time.Millisecond,
//		})
//	}
package backendtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Harness tells [Run] how to test one backend.
type Harness struct {
	// New returns a backend that is not open yet, with nothing in it that another test could see: backends on one server
	// need a prefix or a database of their own. Run opens and closes it. It is called within Bubble. Required.
	New func(t *testing.T) backend.Backend
	// Bubble runs one test on a virtual clock; synctest.Test is made for it. Default: the test runs on the real clock.
	Bubble func(t *testing.T, test func(t *testing.T))
	// Slack is how late the backend may be, as seen from the test: in letting an entry expire, and in the times that it
	// tells. Default: 0, which only a virtual clock allows.
	Slack time.Duration
}

// waitLimit is how long a test waits for something that must happen, before it fails.
const waitLimit = 10 * time.Second

// Run runs the whole suite, each guarantee as a subtest of its own, all in parallel.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.New == nil {
		t.Fatal("backendtest.Run needs Harness.New: set the function that makes a backend")
	}
	tests := []struct {
		name string
		test func(*tester)
	}{
		{"set and get", setAndGet},
		{"overwrite", overwrite},
		{"values are copies", valuesAreCopies},
		{"odd keys", oddKeys},
		{"key too long", keyTooLong},
		{"big values", bigValues},
		{"times", entryTimes},
		{"expiry", expiry},
		{"expiry of an overwritten entry", expiryOfOverwritten},
		{"no expiry", noExpiry},
		{"negative ttl", negativeTTL},
		{"delete", deleteReports},
		{"len", lenCounts},
		{"store in concurrent use", storeConcurrently},
		{"add", addEntry},
		{"add in concurrent use", addConcurrently},
		{"counters", counters},
		{"what is no counter", notCounters},
		{"expiry of counters", counterExpiry},
		{"counters in concurrent use", countConcurrently},
		{"keys", listKeys},
		{"keys that expired", listedKeysExpire},
		{"keys while others come and go", listDuringChanges},
		{"clear", clearing},
		{"remove expired", removeExpired},
		{"locks", locks},
		{"locks and entries", locksAndEntries},
		{"locks that are refused", refusedLocks},
		{"expiry of locks", lockExpiry},
		{"refreshing locks", refreshing},
		{"locks in concurrent use", lockConcurrently},
		{"waiting for locks", waitForLocks},
		{"giving up waiting for locks", cancelWaiting},
		{"close ends waiting for locks", closeEndsWaiting},
		{"order of messages", orderOfMessages},
		{"one message at a time in a room", publishConcurrently},
		{"odd messages", oddMessages},
		{"no subscriber", noSubscriber},
		{"presence", presence},
		{"presence is idempotent", presenceIsIdempotent},
		{"presence lists up to a limit", presenceLimit},
		{"presence with odd names", presenceOddNames},
		{"presence in concurrent use", presenceConcurrently},
		{"room too long", roomTooLong},
		{"calls from a delivery", callsFromDelivery},
		{"a job is kept as it is", jobFields},
		{"order of jobs", jobOrder},
		{"odd jobs", oddJobs},
		{"jobs that are refused", refusedJobs},
		{"jobs in concurrent use", jobsConcurrently},
		{"delayed jobs", delayedJobs},
		{"a delayed job is not kept waiting", shortDelayAfterLong},
		{"retries and snoozes", retryAndSnooze},
		{"leases", leases},
		{"watching queues", watchQueues},
		{"outcomes of runs", outcomes},
		{"unique jobs", uniqueJobs},
		{"jobs unique for a time", uniqueFor},
		{"listing jobs", listing},
		{"retrying jobs", retrying},
		{"cancelling jobs", cancelling},
		{"deleting jobs", deletingJobs},
		{"ticks of schedules", enqueueScheduled},
		{"setting the ticks of schedules", setLastRun},
		{"counts of tasks", taskStats},
		{"jobs outlive closing", reopenQueue},
		{"closed", closed},
		{"close ends deliveries", closeEndsDeliveries},
		{"open again", reopen},
		{"open and close twice", openTwice},
		{"parts stay the same", partsStaySame},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			bubble := h.Bubble
			if bubble == nil {
				bubble = func(t *testing.T, test func(*testing.T)) { test(t) }
			}
			bubble(t, func(t *testing.T) { tt.test(&tester{T: t, h: h, ctx: t.Context()}) })
		})
	}
}

// tester is one test at work.
type tester struct {
	*testing.T
	h   Harness
	ctx context.Context
}

// open returns an open backend, which is closed when the test ends.
func (t *tester) open() backend.Backend {
	t.Helper()
	b := t.h.New(t.T)
	t.mustOpen(b)
	return b
}

func (t *tester) mustOpen(b backend.Backend) {
	t.Helper()
	if err := b.Open(t.ctx); err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { t.mustClose(b) })
}

func (t *tester) mustClose(b backend.Backend) {
	t.Helper()
	// The test's own context has ended when its clean-up runs.
	if err := b.Close(context.WithoutCancel(t.ctx)); err != nil {
		t.Errorf("Close: %v", err)
	}
}

func (t *tester) must(err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// wantError fails unless err is want, as a sentence.
func (t *tester) wantError(what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	} else if !strings.Contains(err.Error(), " ") {
		t.Errorf("%s: error %q is no sentence", what, err)
	}
}
