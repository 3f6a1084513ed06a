//go:build !linux

package netlisten

import (
	"context"
	"net"
)

// listenTCP listens like net.Listen. Each connection sets its own options for probes of idle connections.
func listenTCP(ctx context.Context, address string) (net.Listener, error) {
	return new(net.ListenConfig).Listen(ctx, "tcp", address)
}
