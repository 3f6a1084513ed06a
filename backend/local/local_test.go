package local

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/backendtest"
)

func newBackend(*testing.T) backend.Backend { return New(Config{}) }

func TestBackend(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, backendtest.Harness{New: newBackend, Bubble: synctest.Test})
}

// TestBackendOnTheRealClock checks that the suite also works without a virtual clock, as a backend with a server needs
// it.
func TestBackendOnTheRealClock(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, backendtest.Harness{New: newBackend, Slack: 20 * time.Millisecond})
}

// TestBackendOnDisk runs the suite with jobs on disk.
func TestBackendOnDisk(t *testing.T) {
	t.Parallel()
	backendtest.Run(t, backendtest.Harness{
		New:   func(t *testing.T) backend.Backend { return New(Config{Queue: QueueConfig{Path: t.TempDir()}}) },
		Slack: 100 * time.Millisecond,
	})
}

func TestOpenRefusesNegativeMaxBytes(t *testing.T) {
	t.Parallel()
	err := New(Config{MaxBytes: -1}).Open(t.Context(), backend.Node{ID: "node"})
	if err == nil || !strings.Contains(err.Error(), "cache.maxBytes is -1") {
		t.Errorf("Open = %v, want an error that names cache.maxBytes and its value", err)
	}
}

func TestErrorsNameKeyAndSizes(t *testing.T) {
	t.Parallel()
	b := open(t, Config{MaxBytes: 1000})
	_, err := b.Store().Get(t.Context(), strings.Repeat("k", 1025))
	want := "a key of 1025 bytes, \"" + strings.Repeat("k", 32) + "\"…, is refused: the key is too long: use at most 1024 bytes"
	if err == nil || err.Error() != want {
		t.Errorf("Get = %v, want %s", err, want)
	}
	err = b.Store().Set(t.Context(), "key", make([]byte, 1000), 0)
	want = "there is no room for an entry of 1131 bytes: 0 of the 1000 bytes that cache.maxBytes allows are in use: " + backend.ErrFull.Error()
	if err == nil || err.Error() != want || !errors.Is(err, backend.ErrFull) {
		t.Errorf("Set = %v, want %s", err, want)
	}
}

func TestEmptyRoomsAreRemoved(t *testing.T) {
	t.Parallel()
	b := open(t, Config{}).broker
	for i := range 100 {
		for _, member := range []string{"a", "b"} {
			if _, err := b.Move(t.Context(), backend.Change{Room: fmt.Sprint(i), Member: member}); err != nil {
				t.Fatal(err)
			}
		}
		for _, member := range []string{"a", "b", "b"} {
			if _, err := b.Move(t.Context(), backend.Change{Room: fmt.Sprint(i), Member: member, Leave: true}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if len(b.rooms) > 0 {
		t.Errorf("%d empty rooms are still in memory", len(b.rooms))
	}
}

// open returns an open backend, which is closed when the test ends.
func open(t testing.TB, config Config) *Backend {
	t.Helper()
	b := New(config)
	if err := b.Open(t.Context(), backend.Node{ID: "node"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	return b
}
