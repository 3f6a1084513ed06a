package server_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// lines makes a connection of a socket on which each frame is a line. A close frame becomes a line too, before the end.
func lines(t *testing.T, socket *testkit.Socket) net.Conn {
	ours, theirs := net.Pipe()
	var both sync.WaitGroup
	both.Go(func() {
		defer theirs.Close()
		for {
			_, text, err := socket.Read(context.Background())
			var closed websocket.CloseError
			if errors.As(err, &closed) {
				text = fmt.Appendf(nil, "close %d %s", closed.Code, closed.Reason)
			}
			if len(text) > 0 {
				_, _ = theirs.Write(append(text, "\r\n"...))
			}
			if err != nil {
				return
			}
		}
	})
	both.Go(func() {
		for in := bufio.NewScanner(theirs); in.Scan(); {
			kind, text := websocket.MessageText, in.Text()
			if data, ok := strings.CutPrefix(text, "binary "); ok {
				kind, text = websocket.MessageBinary, data
			}
			if socket.Write(context.Background(), kind, []byte(text)) != nil {
				return
			}
		}
	})
	t.Cleanup(func() {
		_ = ours.Close()
		_ = socket.CloseNow()
		both.Wait()
	})
	return ours
}
