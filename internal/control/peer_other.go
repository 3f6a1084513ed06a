//go:build !linux

package control

import "net"

// checkPeer leaves it to the mode of the socket: the standard library does not say here who asks.
func checkPeer(*net.UnixConn) error { return nil }
