package control

import (
	"errors"
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A server that accepts nothing, because it is suspended, keeps its socket.
func TestASuspendedServerKeepsItsSocket(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "control.sock")
	ln, err := listen(path)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	raw, err := ln.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if err := raw.Control(func(fd uintptr) { err = syscall.Listen(int(fd), 1) }); err != nil {
		t.Fatal(err)
	}
	full := false
	for i := 0; i < 100 && !full; i++ {
		nc, err := net.DialTimeout("unix", path, time.Second)
		if full = errors.Is(err, syscall.EAGAIN); err == nil {
			defer nc.Close()
		}
	}
	if !full {
		t.Skip("this system has no end of the queue")
	}
	if _, err := listen(path); err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("a second server gets %v", err)
	}
	if _, err := net.DialTimeout("unix", path, time.Second); !errors.Is(err, syscall.EAGAIN) {
		t.Errorf("the socket of the first server is gone: %v", err)
	}
}
