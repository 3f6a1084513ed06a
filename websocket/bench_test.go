package websocket_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/websocket"
)

// socketPair returns the two ends of a TCP connection.
func socketPair(t testing.TB) (client, server net.Conn) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if client, err = net.Dial("tcp", ln.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if server, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client, server
}

// BenchmarkAction measures a request and its reply over a socket, including the work of the client.
func BenchmarkAction(b *testing.B) {
	h := newHandler(b, websocket.Config{})
	client, server := socketPair(b)
	c := openOn(b, h, client, server)
	request := []byte(testkit.Text(`{"event":"action","id":1,"params":{"action":"randomNumber","limit":10,"offset":5}}`))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := client.Write(request); err != nil {
			b.Fatal(err)
		}
		if err := skip(c.In); err != nil {
			b.Fatal(err)
		}
	}
}

// skip reads a frame of less than 64 KiB.
func skip(in *bufio.Reader) error {
	head, err := in.Peek(2)
	if err != nil {
		return err
	}
	size, n := 2, int(head[1])
	if n == 126 {
		if head, err = in.Peek(4); err != nil {
			return err
		}
		size, n = 4, int(head[2])<<8|int(head[3])
	}
	_, err = in.Discard(size + n)
	return err
}

// BenchmarkRoom measures a message to all members of a room, until the last one has received it.
func BenchmarkRoom(b *testing.B) {
	for _, members := range []int{1, 1000} {
		b.Run(fmt.Sprint(members), func(b *testing.B) {
			var api *actionhero.API
			h := newHandler(b, websocket.Config{}, actionhero.Initializer{Name: "api", Setup: func(a *actionhero.API) error { api = a; return nil }})
			var left atomic.Int64
			done := make(chan struct{})
			for range members {
				client, server := socketPair(b)
				c := openOn(b, h, client, server)
				go func() {
					for skip(c.In) == nil {
						if left.Add(-1) == 0 {
							done <- struct{}{}
						}
					}
				}()
			}
			text := strings.Repeat("hello, ", 15) + "world"
			b.ReportAllocs()
			for b.Loop() {
				left.Store(int64(members))
				if err := api.Rooms.Broadcast(b.Context(), "defaultRoom", text); err != nil {
					b.Fatal(err)
				}
				<-done
			}
			b.ReportMetric(float64(b.N*members)/b.Elapsed().Seconds(), "deliveries/s")
		})
	}
}
