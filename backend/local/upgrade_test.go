package local

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/actionhero-go/actionhero/backend"
)

// unpack copies the file of a folder that version 0.1.0 wrote to a new folder, and returns the new folder.
func unpack(t *testing.T) (folder string) {
	t.Helper()
	folder = t.TempDir()
	packed, err := os.Open(filepath.Join("testdata", "0.1.0-tasks-00000001.log.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	reader, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(reader)
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "tasks-00000001.log"), raw, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// Jobs that version 0.1.0 stored are there with all fields, and so they are after a second start.
func TestFilesOfTheFirstVersion(t *testing.T) {
	t.Parallel()
	folder := unpack(t)
	ended := "it was cancelled while it ran, then its process ended"
	want := []backend.Job{
		{ID: 1, Task: "available", Queue: "default", Params: []byte(`{"a":1}`), Priority: -3, MaxAttempts: 5, Timeout: time.Minute, State: backend.Available},
		{ID: 2, Task: "scheduled", Queue: "default", State: backend.Scheduled, Unique: "key"},
		{ID: 3, Task: "retryable", Queue: "r", MaxAttempts: 9, Attempt: 1, Starts: 1, Fence: 1, State: backend.Retryable, Error: "it failed", Node: "old"},
		{ID: 4, Task: "crashed", Queue: "c", Starts: 1, Fence: 1, Crashes: 1, State: backend.Available, Node: "old"},
		{ID: 5, Task: "running", Queue: "run", Starts: 1, Fence: 1, Crashes: 1, State: backend.Available, Node: "old"},
		{ID: 6, Task: "cancelling", Queue: "can", Starts: 1, Fence: 1, Crashes: 1, State: backend.Cancelled, Error: ended, Node: "old"},
		{ID: 8, Task: "tick", Queue: "tick", State: backend.Available},
	}
	for range 2 {
		b := New(Config{Queue: QueueConfig{Path: folder}})
		if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
			t.Fatal(err)
		}
		q := b.Queue()
		jobs, err := q.List(t.Context(), backend.JobFilter{})
		if err != nil {
			t.Fatal(err)
		}
		times := cmpopts.IgnoreFields(backend.Job{}, "RunAt", "Enqueued", "Started", "Finished", "UniqueUntil", "MaxCrashes")
		if diff := cmp.Diff(want, jobs, times, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the jobs (-want +got):\n%s", diff)
		}
		if far := time.Date(2500, 1, 1, 0, 0, 0, 0, time.UTC); len(jobs) > 1 && !jobs[1].RunAt.Equal(far) {
			t.Errorf("the scheduled job runs at %v", jobs[1].RunAt)
		}
		runs, err := q.LastRuns(t.Context())
		if err != nil || len(runs) != 1 || !runs["schedule every 1m0s"].Equal(time.UnixMilli(1_700_000_000_000)) {
			t.Errorf("the last runs are %v, %v", runs, err)
		}
		if added, err := q.Enqueue(t.Context(), backend.NewJob{Task: "again", Unique: "key"}); err != nil || !added[0].Existing || added[0].ID != 2 {
			t.Errorf("a job with a held key is %+v, %v", added, err)
		}
		if err := b.Close(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
