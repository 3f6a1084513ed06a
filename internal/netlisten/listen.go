// Package netlisten opens the TCP ports of the transports and loads their TLS certificates. Begin with [TCP], [Accept]
// and [LoadCertificate].
//
// Each error names the wrong setting in a full sentence. For every accepted connection, the number of unsent bytes that
// the kernel buffers is limited.
package netlisten

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"syscall"
	"time"
)

// AnyPort is the value of a port setting with which the system chooses a free port.
const AnyPort = -1

// TCP listens on a TCP port at the address bindIP, or at all addresses if bindIP is empty. section is the section of
// the configuration, and key is the name of the port setting in that section. The caller has checked that the port is
// AnyPort or from 1 to 65535. If the port cannot be opened, the error names the setting to change. After [Share], other
// processes have the same socket.
func TCP(ctx context.Context, section, key, bindIP string, port int) (net.Listener, error) {
	if bindIP != "" && net.ParseIP(bindIP) == nil {
		return nil, fmt.Errorf("%s.bindIP is %q: write an IP address of this machine, or leave it empty for all of them", section, bindIP)
	}
	address := net.JoinHostPort(bindIP, strconv.Itoa(max(port, 0)))
	ln, ok, err := Listen(ctx, section+"."+key, "tcp", address)
	if !ok {
		ln, err = listenTCP(ctx, address)
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("port %d is in use: stop the program that listens there, or choose another %s.%s", port, section, key)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("port %d needs more rights than this program has: choose a %s.%s above 1023", port, section, key)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return nil, fmt.Errorf("%s.bindIP %s is not an address of this machine", section, bindIP)
	case err != nil:
		return nil, fmt.Errorf("%s cannot listen: %w", section, err)
	}
	return boundedListener{ln}, nil
}

// Port returns the TCP port number on which ln listens.
func Port(ln net.Listener) int { return ln.Addr().(*net.TCPAddr).Port }

// Accept accepts connections until the listener is closed, and calls open with each connection. After any other error,
// for example too many open files, Accept logs a warning and retries after a pause. The pause is 5 ms at first and
// doubles with each further error, up to 1 s. transport is the name of the transport in the warning.
func Accept(ln net.Listener, log *slog.Logger, transport string, open func(net.Conn)) {
	var pause time.Duration
	for {
		nc, err := ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			log.Warn("a "+transport+" connection could not be accepted", "error", err.Error())
			time.Sleep(pause)
			continue
		}
		pause = 0
		open(nc)
	}
}

// maxUnsent is the largest number of unsent bytes that the kernel buffers for a connection whose receive window is
// full. Without this limit, Linux would buffer up to 4 MB for each connection. A few hundred clients that do not read
// would then use up the memory that Linux has for all of TCP, and slow down all other clients. Bytes in flight do not
// count, so the limit does not slow down a client that reads.
const maxUnsent = 256 << 10

// boundedListener is a listener that limits the unsent bytes of each accepted connection to maxUnsent.
type boundedListener struct{ net.Listener }

func (l boundedListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if tc, ok := nc.(*net.TCPConn); ok {
		limitUnsent(tc)
	}
	return nc, err
}
