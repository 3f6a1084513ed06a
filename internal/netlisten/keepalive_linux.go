package netlisten

import (
	"context"
	"net"
	"syscall"
)

// Go's defaults for the probes of idle connections: the time before the first one, the time between two, and their number.
const (
	probeAfter    = 15 // seconds
	probeInterval = 15 // seconds
	probeCount    = 9
)

// listenTCP listens like net.Listen. The listener has the options for probes of idle connections, which Linux passes on to
// each connection, so that a connection needs no four system calls for them.
func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	var failure error
	inheriting := net.ListenConfig{KeepAlive: -1, Control: func(_, _ string, c syscall.RawConn) error {
		err := c.Control(func(fd uintptr) { failure = setProbes(int(fd)) })
		if err != nil {
			failure = err
		}
		return failure
	}}
	ln, err := inheriting.Listen(ctx, "tcp", address)
	if failure != nil {
		return new(net.ListenConfig).Listen(ctx, "tcp", address) // each connection sets its own options
	}
	return ln, err
}

func setProbes(fd int) error {
	for _, option := range [...]struct{ level, name, value int }{
		{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE, 1},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE, probeAfter},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL, probeInterval},
		{syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT, probeCount},
	} {
		if err := syscall.SetsockoptInt(fd, option.level, option.name, option.value); err != nil {
			return err
		}
	}
	return nil
}
