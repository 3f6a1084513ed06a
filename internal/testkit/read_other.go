//go:build !unix

package testkit

import (
	"errors"
	"net"
	"os"
	"time"
)

// tryRead reads from c into p and waits at most 1 ms. It returns errNothing if nothing can be read, and n is 0 at the
// end of the input.
func tryRead(c net.Conn, p []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(time.Millisecond))
	n, err := c.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, errNothing
	}
	return n, err
}
