// Package freeport finds ports for tests that stop a server and start it again where it was.
//
// A port that the system chose is one that it may give to a client at any time: one that tries again and again to reach
// the server that is gone ends up connected to itself, and the port is taken.
package freeport

import (
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
)

// Below Linux's and every other system's range for ports that clients get.
const first, last = 20000, 30000

// Get returns a port of the loopback interface that is free and that no client will be given.
func Get(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := first + rand.N(last-first)
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
