//go:build !unix

package signals

import (
	"os"
	"syscall"
)

// reopen are the signals that make a server reopen its log.
var reopen = []os.Signal{syscall.SIGHUP}
