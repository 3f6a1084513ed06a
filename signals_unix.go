//go:build unix

package actionhero

import (
	"os"
	"syscall"
)

// reopenSignals are the signals by which logrotate and other programs make a server reopen its log.
var reopenSignals = []os.Signal{syscall.SIGHUP, syscall.SIGUSR1}
