//go:build !unix

package actionhero

import (
	"os"
	"syscall"
)

// reopenSignals are the signals that make a server reopen its log.
var reopenSignals = []os.Signal{syscall.SIGHUP}
