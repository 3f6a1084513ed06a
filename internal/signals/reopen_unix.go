//go:build unix

package signals

import (
	"os"
	"syscall"
)

// reopen are the signals by which logrotate and other programs make a server reopen its log.
var reopen = []os.Signal{syscall.SIGHUP, syscall.SIGUSR1}
