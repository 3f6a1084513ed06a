// Package signals knows the signals that end this process and those that reopen its files, and receives them from the
// first moment of a program on. Begin with [Catch].
package signals

import (
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"

	"github.com/actionhero-go/actionhero/internal/terminal"
)

// End returns the signals that stop a server in an orderly way. If standard input is a terminal, SIGHUP is one of them,
// because the terminal has closed.
func End() []os.Signal {
	end := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if terminal.Is(os.Stdin) {
		end = append(end, syscall.SIGHUP)
	}
	return end
}

// Reopen returns the signals that make a server reopen its log.
func Reopen() []os.Signal {
	end := End()
	return slices.DeleteFunc(slices.Clone(reopen), func(sig os.Signal) bool { return slices.Contains(end, sig) })
}

// caught holds the signals that arrive before the server can handle them.
var caught atomic.Pointer[chan os.Signal]

// Catch keeps the signals of [End] and [Reopen] from ending this process, until release is called. A program calls Catch
// before it loads its configuration. [Take] passes a signal of End that arrives until then on to the server. Signals of
// Reopen are dropped meanwhile, because no file is open. After the server has ended, all these signals are dropped.
func Catch() (release func()) {
	early, all := make(chan os.Signal, 1), make(chan os.Signal, 1)
	signal.Notify(early, End()...)
	signal.Notify(all, append(End(), reopen...)...)
	caught.Store(&early)
	return func() {
		caught.CompareAndSwap(&early, nil)
		signal.Stop(early)
		signal.Stop(all)
	}
}

// Take registers c for the signals of [End], after those that [Catch] has caught. c must have a buffer.
func Take(c chan os.Signal) {
	signal.Notify(c, End()...)
	early := caught.Swap(nil)
	if early == nil {
		return
	}
	signal.Stop(*early) // now all that it has received while c was registered is also in c
	select {
	case sig := <-*early:
		if len(c) == 0 {
			c <- sig
		}
	default:
	}
}
