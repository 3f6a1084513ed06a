//go:build unix

package signals

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// The cause of a context tells Ctrl+C from the other ends.
func TestTheCauseOfAContextIsTheSignalOfCtrlC(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if sig := Cause(ended); sig != nil {
		t.Errorf("after a cancel, the cause is %v", sig)
	}
	for sig, want := range map[os.Signal]os.Signal{syscall.SIGINT: os.Interrupt, syscall.SIGTERM: nil} {
		ctx, stop := signal.NotifyContext(t.Context(), sig)
		if err := syscall.Kill(os.Getpid(), sig.(syscall.Signal)); err != nil {
			t.Fatal(err)
		}
		<-ctx.Done()
		if got := Cause(ctx); got != want {
			t.Errorf("after %v, the cause is %v", sig, got)
		}
		stop()
	}
}
