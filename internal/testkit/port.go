package testkit

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Below the range of ports that clients get, on Linux and every other system.
const firstPort, lastPort = 20000, 30000

// FreePort returns a free port of the loopback interface for a server that stops and starts again at the same port.
//
// A port that the system chose may go to a client at any time: a client that keeps dialing a server that has stopped
// ends up connected to itself, and the port is taken. No client gets the port that FreePort returns.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := firstPort + rand.N(lastPort-firstPort)
		ln, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		if err := ln.Close(); err != nil {
			t.Fatal(err)
		}
		return port
	}
	t.Fatal("there is no free port")
	return 0
}
