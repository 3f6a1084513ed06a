//go:build !unix

package testkit

import (
	"errors"
	"net"
	"os"
	"time"
)

// tryRead reads almost without waiting. n is 0 at the end.
func tryRead(c net.Conn, p []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, err := c.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, errNothing
	}
	return n, err
}
