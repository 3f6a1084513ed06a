package testkit

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Ports from firstPort up to lastPort are below the range from which the system chooses ports for clients, on Linux and
// every other system.
const firstPort, lastPort = 20000, 30000

// FreePort returns a free port of the loopback interface for a server that stops and starts again at the same port.
//
// The system never gives this port to a client. In contrast, a port that the system chose for a server may go to a
// client later. A client that keeps dialing the stopped server then connects to itself and takes the port.
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
