//go:build unix

package nonblock_test

import (
	"syscall"
	"testing"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

func BenchmarkReadWrite(b *testing.B) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer syscall.Close(pair[0])
	defer syscall.Close(pair[1])
	for _, fd := range pair {
		if err := syscall.SetNonblock(fd, true); err != nil {
			b.Fatal(err)
		}
	}
	buf := make([]byte, 64)
	for b.Loop() {
		if _, _, err := nonblock.Write(uintptr(pair[0]), buf); err != nil {
			b.Fatal(err)
		}
		if n, _, err := nonblock.Read(uintptr(pair[1]), buf); n != len(buf) || err != nil {
			b.Fatalf("read %d bytes, %v", n, err)
		}
	}
}
