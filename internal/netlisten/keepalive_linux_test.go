package netlisten

import (
	"net"
	"syscall"
	"testing"
)

// An accepted connection is probed while it is idle, with the same times as a connection of net.Listen.
func TestConnectionsInheritTheProbesOfIdleConnections(t *testing.T) {
	t.Parallel()
	for _, ip := range []string{"127.0.0.1", ""} {
		ln, err := TCP(t.Context(), "httpServer", "port", ip, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		plain, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer plain.Close()
		got, want := probesOf(t, ln), probesOf(t, plain)
		if got != want || got[0] != 1 || got[1] != probeAfter {
			t.Errorf("bindIP %q: the options are %v, want %v", ip, got, want)
		}
	}
}

// probesOf returns the options of a connection to ln.
func probesOf(t *testing.T, ln net.Listener) (options [4]int) {
	t.Helper()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	client, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", port))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	nc, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	raw, err := nc.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(fd uintptr) {
		for i, option := range [...][2]int{
			{syscall.SOL_SOCKET, syscall.SO_KEEPALIVE}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE},
			{syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL}, {syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT},
		} {
			if options[i], err = syscall.GetsockoptInt(int(fd), option[0], option[1]); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return options
}
