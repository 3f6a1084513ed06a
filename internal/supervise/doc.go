// Package supervise runs several processes of one program, the nodes, under a supervisor, which restarts dead nodes and
// replaces living ones without a lost connection.
//
// The program calls [Join] first. In a node, Join returns the [Node], the connection to the supervisor. Otherwise the
// program is not supervised, and may call [Run] to become a supervisor, which executes the same program again.
//
// The supervisor owns the listening sockets. A node asks for a socket by its name and address ([Node.Listen]), and
// receives a copy of the file descriptor. All nodes accept from one queue in the kernel, which outlives each of them:
// connections that wait are never lost with a node. The package speaks to a node over a pair of Unix sockets. If the
// supervisor dies, that connection ends, and with it the node ([Node.Orphaned]).
package supervise

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/actionhero-go/actionhero/internal/control"
)

// variable is the environment variable by which a node recognizes its supervisor: the number of the node, a colon, and
// the process id of the supervisor. It does not begin with the prefix of the settings of a program.
const variable = "AH_SUPERVISED_NODE"

// Config describes the nodes and their supervisor.
type Config struct {
	Nodes          int
	Program        string   // the path of the program; [Program] returns the path of this one
	Args           []string // without the name of the program
	Env            []string // default: the environment of this process
	Stdout, Stderr io.Writer
	Log            *slog.Logger // of the supervisor; it must not write to Stdout or Stderr in several parts

	// Open opens the sockets for the nodes. Default: [Listen].
	Open OpenFunc
	// StartLimit is the time in which a node must become ready. Zero is no limit.
	StartLimit time.Duration
	// StopLimit is the time in which a node must stop that has not named a time of its own. Default: 30 s.
	StopLimit time.Duration
	// FirstDelay is the time after which a node is started again. It doubles with each further failure, up to MaxDelay.
	// A node that was ready for StableAfter begins anew. Defaults: 100 ms, 30 s and 30 s.
	FirstDelay, MaxDelay, StableAfter time.Duration

	// Signals are the signals of this process, from [Signals]. SIGINT and SIGTERM stop the nodes, and the second one ends
	// everything at once. SIGUSR2 replaces all nodes. SIGHUP and SIGUSR1 are sent to the nodes.
	Signals <-chan os.Signal
	// HangupStops says that SIGHUP stops the nodes, because a terminal has closed.
	HangupStops bool
}

// Readiness says that a node serves.
type Readiness struct {
	Text      string        `json:"text"`            // for the console, once for all nodes
	StopLimit time.Duration `json:"stopLimit"`       // time that an orderly stop of this node may take
	Files     string        `json:"files,omitempty"` // the folder of static files, of a node that is [Node.Alone]
}

// News is what the parent of a node says about the development of the program. Each News replaces the one before.
type News struct {
	Building bool   `json:"building"` // a successor is being made
	Pages    int    `json:"pages"`    // grows when pages should be loaded again
	Failure  string `json:"failure"`  // why the present state of the program does not run; empty: it runs
}

// ExitError is the error of a supervisor whose process should end with another exit code than 1, or silently.
type ExitError struct {
	Code int
	Text string // empty: everything is said
}

// Error returns the text.
func (e *ExitError) Error() string { return e.Text }

func (c Config) withDefaults() Config {
	if c.Env == nil {
		c.Env = os.Environ()
	}
	if c.Open == nil {
		c.Open = Listen
	}
	for value, fallback := range map[*time.Duration]time.Duration{
		&c.StopLimit: 30 * time.Second, &c.FirstDelay: 100 * time.Millisecond, &c.MaxDelay: 30 * time.Second, &c.StableAfter: 30 * time.Second,
	} {
		if *value == 0 {
			*value = fallback
		}
	}
	return c
}

// delay returns the pause before a node starts again that has failed a number of times, which is at least one.
func (c *Config) delay(failures int) time.Duration {
	d := c.FirstDelay
	for range failures - 1 {
		if d *= 2; d >= c.MaxDelay {
			return c.MaxDelay
		}
	}
	return min(d, c.MaxDelay)
}

// nameOf returns the name of a node in the output and the log.
func nameOf(number int) string { return "node " + strconv.Itoa(number) }

// OpenFunc opens a listening socket.
type OpenFunc func(ctx context.Context, network, address string) (Socket, error)

// Socket is an open listening socket.
type Socket interface {
	io.Closer
	syscall.Conn
}

// Listen is the OpenFunc for ports, and for the control sockets of package control.
func Listen(ctx context.Context, network, address string) (Socket, error) {
	if network == "unix" {
		socket, err := control.Open(address)
		if err != nil {
			return nil, err
		}
		return socket, nil
	}
	ln, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	socket, ok := ln.(Socket)
	if !ok {
		return nil, errors.Join(fmt.Errorf("a listener of the network %s has no file descriptor", network), ln.Close())
	}
	return socket, nil
}

// Program returns the path by which a supervisor executes this program again: the path by which this process was
// executed, so that a restart executes the program that has taken its place, also if a link in that path has changed.
func Program() (string, error) {
	running, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("the program does not know its own path: %w", err)
	}
	called, err := exec.LookPath(os.Args[0])
	if err == nil {
		called, err = filepath.Abs(called)
	}
	if err != nil {
		return running, nil
	}
	a, failed := os.Stat(called)
	b, err := os.Stat(running)
	if failed != nil || err != nil || !os.SameFile(a, b) {
		return running, nil
	}
	return called, nil
}
