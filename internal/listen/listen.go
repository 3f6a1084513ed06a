// Package listen opens the ports of the transports, and says in a sentence why one cannot be opened.
package listen

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
)

// AnyPort as a setting means a free port that the system chooses.
const AnyPort = -1

// TCP listens on a port of an address. The error names the settings: bindIP and the key of the port, in their section.
func TCP(ctx context.Context, section, key, bindIP string, port int) (net.Listener, error) {
	if port < AnyPort || port > 65535 {
		return nil, fmt.Errorf("%s.%s is %d: a port is a number from 1 to 65535, or -1 for any that is free", section, key, port)
	}
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
	return bounded{ln}, nil
}

// Port returns the port of a listener.
func Port(ln net.Listener) int { return ln.Addr().(*net.TCPAddr).Port }
