package socketio_test

import (
	"io"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// BenchmarkAcknowledged measures a request and its acknowledgement over TCP, including the client, with 1 and with 16
// requests in flight.
func BenchmarkAcknowledged(b *testing.B) {
	for name, depth := range map[string]int{"one": 1, "sixteen": 16} {
		b.Run(name, func(b *testing.B) {
			nc, err := start(b, func(cfg *server.Config) { cfg.Log.LogRequests = new(false) }).DialHTTP()
			if err != nil {
				b.Fatal(err)
			}
			c, err := testkit.OpenSIO(nc, testkit.Wait)
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			batch := strings.Repeat(testkit.Text(`421["action",{"action":"echo","text":"hello","limit":10,"offset":5}]`), depth)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := io.WriteString(c.Conn, batch); err != nil {
					b.Fatal(err)
				}
				for range depth {
					if text, err := c.Message(); err != nil || !strings.HasPrefix(text, "431") {
						b.Fatal(text, err)
					}
				}
			}
		})
	}
}
