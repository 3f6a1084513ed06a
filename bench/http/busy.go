package main

import (
	"time"

	"github.com/actionhero-go/actionhero/bench/internal/busyload"
)

// busyLoad is loadWith, but never sleeps.
func busyLoad(addr, headers string) func(time.Duration) (int, error) {
	return busyload.New(addr, []byte("GET "+path+"?limit=10&offset=5 HTTP/1.1\r\nHost: localhost\r\n"+headers+"\r\n"))
}
