// Package backendtest is the test suite that every backend must pass. It tests the guarantees of package backend and
// nothing else, so that the rest of the module can rely on these guarantees with any backend.
//
// Begin reading at [Run], which lists all tests, and [Harness], which adapts the tests to a backend.
//
// Backends differ in their clock. The embedded backend can run on the virtual clock of testing/synctest, where tests
// take no real time and are exact. A backend with a server cannot use a virtual clock. The tests are correct on both
// kinds of clock. The tests never assume that a sleep ends in time. Instead, the tests poll, and compare each result
// with the clock before and after the call. [Harness.Slack] is the only tolerance for a late backend.
//
//	func TestBackend(t *testing.T) { // the embedded backend
//		backendtest.Run(t, backendtest.Harness{
//			New:    func(*testing.T) backend.Backend { return local.New(local.Config{}) },
//			Bubble: synctest.Test,
//		})
//	}
//
//	func TestBackend(t *testing.T) { // a backend with a server
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

// Harness adapts [Run] to one backend. The field New is required.
type Harness struct {
	// New returns an empty backend that is not open. The backend must not share data with the backend of another test:
	// backends on one server need a prefix or a database of their own. Run opens and closes the backend. Run calls New
	// within Bubble. Required.
	New func(t *testing.T) backend.Backend
	// Bubble runs the function test, normally on the virtual clock of synctest.Test. Default: each test runs on the
	// real clock.
	Bubble func(t *testing.T, test func(t *testing.T))
	// Slack is the maximum delay of the backend, as measured by the test: how late entries may expire, and how inexact
	// returned times may be. Default: 0, which only works on a virtual clock.
	Slack time.Duration
	// Shards is the number of shards of the queue. With several shards, the ids of jobs need not rise, and each shard stores the
	// last runs of schedules of its own. Default: 1.
	Shards int
	// Cluster returns n backends that are not open and share one empty store. Default: the tests with several nodes are
	// left out.
	Cluster func(t *testing.T, n int) []Node
}

// Node is one of several backends that share a store, with its faults.
type Node struct {
	backend.Backend
	Cut   func() // ends the connections of the node to the server, and each later one, until Heal
	Pause func() // stops all data between the node and the server, while its connections stay open, until Heal
	Heal  func() // ends Cut and Pause
	Kill  func() // closes the backend as the death of the process does: without a word to the server
}

// testNode is the node of the tests with one node.
var testNode = backend.Node{ID: "node", Tag: 1, Details: []byte("{}")}

// waitLimit is the maximum time for which a test waits for an event. After that time, the test fails. A busy machine with a
// slow disk needs half a minute for the largest of these tests.
const waitLimit = 2 * time.Minute

// namedTest is a subtest of Run.
type namedTest struct {
	name string
	test func(*tester)
}

// Run runs the whole suite against the backend of h. Each guarantee is tested in a subtest of its own. All subtests run
// in parallel.
func Run(t *testing.T, h Harness) {
	t.Helper()
	if h.New == nil {
		t.Fatal("backendtest.Run needs Harness.New: set the function that returns a new backend")
	}
	tests := []namedTest{
		{"set and get", setAndGet},
		{"overwrite", overwrite},
		{"values are copies", valuesAreCopies},
		{"unusual keys", oddKeys},
		{"key too long", keyTooLong},
		{"big values", bigValues},
		{"times", entryTimes},
		{"expiry", expiry},
		{"expiry of an overwritten entry", expiryOfOverwritten},
		{"no expiry", noExpiry},
		{"negative ttl", negativeTTL},
		{"delete reports whether the entry existed", deleteReports},
		{"number of entries", lenCounts},
		{"concurrent set and get", storeConcurrently},
		{"add an existing key", addEntry},
		{"concurrent add", addConcurrently},
		{"counters", counters},
		{"increment of a value that is not a counter", notCounters},
		{"expiry of counters", counterExpiry},
		{"concurrent increments", countConcurrently},
		{"keys by prefix", listKeys},
		{"expired keys", listedKeysExpire},
		{"keys during changes", listDuringChanges},
		{"clear by prefix", clearing},
		{"remove expired", removeExpired},
		{"locks", locks},
		{"locks and entries are independent", locksAndEntries},
		{"invalid locks", refusedLocks},
		{"expiry of locks", lockExpiry},
		{"refresh of locks", refreshing},
		{"concurrent locks", lockConcurrently},
		{"wait for locks", waitForLocks},
		{"wait for a lock with a context that ends", cancelWaiting},
		{"close ends the wait for locks", closeEndsWaiting},
		{"loads", loading},
		{"changes during a load", changesDuringLoad},
		{"concurrent loads", loadConcurrently},
		{"renewed loads", renewing},
		{"rates", rates},
		{"rates of concurrent events", rateOfMany},
		{"invalid rates", refusedRates},
		{"order of messages", orderOfMessages},
		{"concurrent publishers", publishConcurrently},
		{"unusual messages", oddMessages},
		{"no subscriber", noSubscriber},
		{"members of rooms", members},
		{"join and leave are idempotent", joinIsIdempotent},
		{"members up to a limit", membersLimit},
		{"members with unusual names", membersOddNames},
		{"concurrent join and leave", joinConcurrently},
		{"room too long", roomTooLong},
		{"calls from a delivery", callsFromDelivery},
		{"positions", positions},
		{"news of members", news},
		{"details of members", memberDetails},
		{"moves of many members", moveMany},
		{"peers", peersOfOneNode},
		{"calls", callsToItself},
		{"counts", clusterCounts},
		{"fields of a job", jobFields},
		{"order of jobs", jobOrder},
		{"jobs with unusual names", oddJobs},
		{"invalid jobs", refusedJobs},
		{"concurrent workers", jobsConcurrently},
		{"delayed jobs", delayedJobs},
		{"a short delay after a long one", shortDelayAfterLong},
		{"retries and snoozes", retryAndSnooze},
		{"crashes", crashes},
		{"late outcomes", lateOutcomes},
		{"crashes in a row", crashesInARow},
		{"one crash left", oneCrashLeft},
		{"runs of a worker that stops", draining},
		{"watch queues", watchQueues},
		{"unknown tasks", unknownTasks},
		{"outcomes of runs", outcomes},
		{"unique jobs", uniqueJobs},
		{"jobs unique for a duration", uniqueFor},
		{"list jobs", listing},
		{"retry jobs", retrying},
		{"cancel jobs", cancelling},
		{"delete jobs", deletingJobs},
		{"enqueue scheduled jobs", enqueueScheduled},
		{"set the last run of a schedule", setLastRun},
		{"many schedules", manySchedules},
		{"counts of tasks", taskStats},
		{"jobs outlive close", reopenQueue},
		{"closed backend", closed},
		{"close ends deliveries", closeEndsDeliveries},
		{"open after close", reopen},
		{"open twice and close twice", openTwice},
		{"parts stay the same", partsStaySame},
	}
	if h.Cluster != nil {
		tests = append(tests, clusterTests...)
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

// tester is the state of one running test. The helpers of the tests are methods of tester.
type tester struct {
	*testing.T
	h   Harness
	ctx context.Context
}

// open returns a new backend that is open. The backend is closed at the end of the test.
func (t *tester) open() backend.Backend {
	t.Helper()
	b := t.h.New(t.T)
	t.mustOpen(b)
	return b
}

func (t *tester) mustOpen(b backend.Backend) {
	t.Helper()
	if err := b.Open(t.ctx, testNode); err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { t.mustClose(b) })
}

func (t *tester) mustClose(b backend.Backend) {
	t.Helper()
	// The context of the test has ended when its cleanup runs.
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

// wantError fails the test if err does not wrap want, or if the text of err is not a sentence. The argument what names
// the call in the failure.
func (t *tester) wantError(what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	} else if !strings.Contains(err.Error(), " ") {
		t.Errorf("%s: error %q is not a sentence", what, err)
	}
}
