package nonblock_test

import (
	"net"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/nonblock"
)

// On Linux, Ended sees the end of a client although bytes of it were not read.
func TestUnreadBytesDoNotHideTheEnd(t *testing.T) {
	t.Parallel()
	server, client, _ := sockets(t)
	if _, err := client.Write([]byte("unread")); err != nil {
		t.Fatal(err)
	}
	if eof, err := nonblock.Ended(server); eof || err != nil {
		t.Fatalf("while the client is there: %v, %v", eof, err)
	}
	_ = client.(*net.TCPConn).CloseWrite()
	for end := time.Now().Add(10 * time.Second); ; {
		if eof, err := nonblock.Ended(server); eof && err == nil {
			break
		} else if time.Now().After(end) {
			t.Fatalf("after the end: %v, %v", eof, err)
		}
	}
	_ = client.(*net.TCPConn).SetLinger(0)
	_ = client.Close()
	for end := time.Now().Add(10 * time.Second); ; {
		if _, err := nonblock.Ended(server); err != nil {
			break
		} else if time.Now().After(end) {
			t.Fatal("a reset is no error")
		}
	}
}
