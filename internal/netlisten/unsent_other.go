//go:build !linux

package netlisten

import "net"

// limitUnsent does nothing: the limits of other systems are lower than maxUnsent.
func limitUnsent(*net.TCPConn) {}
