//go:build !linux

package web

import "net"

// cork does nothing on this system.
func cork(net.Conn) (uncork func()) { return func() {} }
