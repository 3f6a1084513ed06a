package signals

import (
	"context"
	"os"
	"strings"

	"github.com/actionhero-go/actionhero/internal/terminal"
)

// FreshLine begins a new line on the terminal after the signal of Ctrl+C, because the terminal has written ^C into the
// present one. The caller then says what it does. For other signals, and without a terminal, FreshLine does nothing.
func FreshLine(sig os.Signal) {
	if sig == os.Interrupt && terminal.Is(os.Stdin) && terminal.Is(os.Stdout) {
		_, _ = os.Stdout.WriteString("\n")
	}
}

// Cause returns os.Interrupt if that signal has ended a context of [os/signal.NotifyContext], and nil otherwise.
func Cause(ctx context.Context) os.Signal {
	if err := context.Cause(ctx); err != nil && strings.HasPrefix(err.Error(), os.Interrupt.String()+" ") {
		return os.Interrupt
	}
	return nil
}
