package listen

import (
	"errors"
	"log/slog"
	"net"
	"time"
)

// Accept hands each connection to open until the listener is closed. An error such as too many open files passes: it
// waits a little and goes on. what names the kind of connection in the log.
func Accept(ln net.Listener, log *slog.Logger, what string, open func(net.Conn)) {
	var pause time.Duration
	for {
		nc, err := ln.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			log.Warn("a "+what+" connection could not be accepted", "error", err.Error())
			time.Sleep(pause)
			continue
		}
		pause = 0
		open(nc)
	}
}
