package actionhero_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local"
)

// heldBackend is a backend that another process has open until the time free.
type heldBackend struct {
	*local.Backend
	free  time.Time
	opens int
}

func (b *heldBackend) Open(ctx context.Context) error {
	if b.opens++; time.Now().Before(b.free) {
		return fmt.Errorf("the folder belongs to process 7: %w", backend.ErrInUse)
	}
	return b.Backend.Open(ctx)
}

// A start waits for a predecessor that still has the store open while its requests end.
func TestAStartWaitsForItsPredecessor(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		held, took time.Duration // of the other process; of the start
		inUse      bool
	}{
		"free":     {0, 0, false},
		"stopping": {3 * time.Second, 3 * time.Second, false},
		"running":  {time.Hour, 10 * time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				begun := time.Now()
				held := &heldBackend{Backend: local.New(local.Config{}), free: begun.Add(c.held)}
				api, err := actionhero.New(actionhero.Config{Backend: held, Log: slog.New(slog.NewTextHandler(&log, nil))})
				steps(t, err)
				if err := api.Start(t.Context()); errors.Is(err, backend.ErrInUse) != c.inUse || c.inUse == api.Ready() {
					t.Errorf("Start = %v, ready: %v", err, api.Ready())
				}
				if took := time.Since(begun); took < c.took || took > c.took+time.Second/10 {
					t.Errorf("the start took %v, want %v", took, c.took)
				}
				if warned := strings.Contains(log.String(), "the start waits for the end of another process"); warned != (c.held > 0) {
					t.Errorf("logged %q", log.String())
				}
				steps(t, api.Stop(t.Context()))
			})
		})
	}
}

// The end of the context of a start ends the wait for another process, and other errors are not awaited.
func TestAStartThatWaitsEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		held := &heldBackend{Backend: local.New(local.Config{}), free: time.Now().Add(time.Hour)}
		api, err := actionhero.New(actionhero.Config{Backend: held, Log: slog.New(slog.DiscardHandler)})
		steps(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := api.Start(ctx); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, backend.ErrInUse) {
			t.Errorf("Start = %v", err)
		}
		steps(t, held.Backend.Open(t.Context()))
		held.free, held.opens = time.Time{}, 0
		if err := api.Start(t.Context()); err == nil || held.opens != 1 {
			t.Errorf("Start = %v after %d attempts: the backend is open already", err, held.opens)
		}
		steps(t, held.Backend.Close(t.Context()))
	})
}
