//go:build !unix

package supervise

import (
	"context"
	"errors"
	"net"
	"os"
)

var errUnsupported = errors.New("several nodes need a system on which processes pass sockets to each other, such as Linux: start one process here, without --nodes")

// Node is the connection of a process to its supervisor. There is none on this system.
type Node struct{}

// Join returns nil, because no process has a supervisor on this system.
func Join() (*Node, error) { return nil, nil }

// Number returns 0.
func (*Node) Number() int { return 0 }

// Replaced returns nil.
func (*Node) Replaced() <-chan struct{} { return nil }

// Orphaned returns nil.
func (*Node) Orphaned() <-chan struct{} { return nil }

// Listen returns an error.
func (*Node) Listen(context.Context, string, string, string) (net.Listener, error) {
	return nil, errUnsupported
}

// Ready returns an error.
func (*Node) Ready(Readiness) error { return errUnsupported }

// Alone returns false.
func (*Node) Alone() bool { return false }

// AwaitTurn returns an error.
func (*Node) AwaitTurn(context.Context) error { return errUnsupported }

// News returns nil.
func (*Node) News() <-chan News { return nil }

// Run returns an error.
func Run(context.Context, Config) error { return &ExitError{Code: 1, Text: errUnsupported.Error()} }

// Signals returns no signals.
func Signals() (signals <-chan os.Signal, hangupStops bool, release func()) {
	return nil, false, func() {}
}
