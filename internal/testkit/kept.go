package testkit

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync/atomic"
)

// KeptClient is an HTTP client that repeats no request, while a client of package net/http would. It keeps its connection
// until a response says that the connection ends.
type KeptClient struct {
	Address string
	Fresh   bool          // it closes the connection after each response
	Reused  *atomic.Int64 // counts the requests on a kept connection

	nc net.Conn
	in *bufio.Reader
}

// Get sends a request with further headers, each with its line end, and returns the status and the body.
func (k *KeptClient) Get(path, headers string) (status int, body string, err error) {
	if k.nc == nil {
		if k.nc, err = net.Dial("tcp", k.Address); err != nil {
			return 0, "", err
		}
		k.in = bufio.NewReader(k.nc)
	} else {
		k.Reused.Add(1)
	}
	if _, err := fmt.Fprintf(k.nc, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers); err != nil {
		k.Close()
		return 0, "", err
	}
	resp, err := http.ReadResponse(k.in, nil)
	if err != nil {
		k.Close()
		return 0, "", err
	}
	text, err := io.ReadAll(resp.Body)
	if resp.Close || k.Fresh || err != nil {
		k.Close()
	}
	return resp.StatusCode, string(text), err
}

// Close closes the connection. A further request opens another one.
func (k *KeptClient) Close() {
	if k.nc != nil {
		_ = k.nc.Close() // nothing is lost
		k.nc = nil
	}
}
