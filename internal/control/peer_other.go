//go:build !linux

package control

import "net"

// checkPeer accepts every peer. On this system, the file mode of the socket is the only check, because the standard
// library cannot report the user of a peer.
func checkPeer(*net.UnixConn) error { return nil }
