package netlisten

import (
	"net"
	"syscall"
	"testing"
)

// The listener bounds the unsent bytes of each connection.
func TestUnsentIsBounded(t *testing.T) {
	t.Parallel()
	ln, err := TCP(t.Context(), "tcpServer", "port", "127.0.0.1", AnyPort)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	raw, err := nc.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var got int
	var failure error
	if err := raw.Control(func(fd uintptr) {
		got, failure = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, notSentLowat)
	}); err != nil || failure != nil || got != maxUnsent {
		t.Errorf("the bound is %d, want %d (%v, %v)", got, maxUnsent, err, failure)
	}
}
