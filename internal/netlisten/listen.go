// Package netlisten opens the TCP ports of the transports and loads their TLS certificates. Begin with [TCP], [Accept]
// and [LoadCertificate].
//
// Errors name the setting that is wrong, in a full sentence. Every accepted connection has a bound on the unsent bytes
// that the kernel buffers for it.
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

// AnyPort as a setting means a free port that the system chooses.
const AnyPort = -1

// TCP listens on a port of an address. The caller has checked that the port is AnyPort or from 1 to 65535. The error names the settings: bindIP and the key of the port, in their section.
func TCP(ctx context.Context, section, key, bindIP string, port int) (net.Listener, error) {
	if bindIP != "" && net.ParseIP(bindIP) == nil {
		return nil, fmt.Errorf("%s.bindIP is %q: write an IP address of this machine, or leave it empty for all of them", section, bindIP)
	}
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(bindIP, strconv.Itoa(max(port, 0))))
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

// Port returns the port of a listener.
func Port(ln net.Listener) int { return ln.Addr().(*net.TCPAddr).Port }

// Accept calls open with each connection until the listener is closed. After another error, for example too many open
// files, it logs a warning and retries: first after 5 ms, then after twice the previous pause, at most 1 s. transport
// is the name of the transport in the warning.
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

// maxUnsent is how many unsent bytes the kernel buffers for a connection whose receive window is full. Linux would
// buffer up to 4 MB for each: a few hundred clients that do not read would use up the memory that it has for all of
// TCP, and slow down all other clients. Bytes in flight do not count, so the bound costs a reading client no speed.
const maxUnsent = 256 << 10

// boundedListener applies maxUnsent to each connection that it accepts.
type boundedListener struct{ net.Listener }

func (l boundedListener) Accept() (net.Conn, error) {
	nc, err := l.Listener.Accept()
	if tc, ok := nc.(*net.TCPConn); ok {
		limitUnsent(tc)
	}
	return nc, err
}
