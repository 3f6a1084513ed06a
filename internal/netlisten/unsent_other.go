//go:build !linux

package netlisten

import "net"

// limitUnsent does nothing, because systems other than Linux buffer fewer unsent bytes than maxUnsent.
func limitUnsent(*net.TCPConn) {}
