package mcp_test

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// BenchmarkCall compares the call of a tool with the same action over HTTP. The client sends the same bytes again and again,
// so that the server needs almost all of the time.
func BenchmarkCall(b *testing.B) {
	s := start(b, func(cfg *server.Config) { cfg.General.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) }, isTool(close("any")))
	body := callNew
	for name, message := range map[string]string{
		"http": fmt.Sprintf("POST /api/any HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(`{"id":"12"}`), `{"id":"12"}`),
		"mcp": fmt.Sprintf("POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAccept: application/json, text/event-stream\r\n"+
			"Mcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: any\r\nContent-Length: %d\r\n\r\n%s", len(body), body),
		// The path is not served by the engine for ordinary requests, but by net/http.
		"net/http": fmt.Sprintf("POST /api/%%61ny HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(`{"id":"12"}`), `{"id":"12"}`),
	} {
		b.Run(name, func(b *testing.B) { benchmark(b, s, message) })
	}
}

const callNew = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"any","arguments":{"id":"12"},"_meta":` + meta + `}}`

func benchmark(b *testing.B, s *testkit.Server, message string) {
	nc, err := net.Dial("tcp", s.Web.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer nc.Close()
	in := bufio.NewReader(nc)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.WriteString(nc, message); err != nil {
			b.Fatal(err)
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			b.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 || !strings.Contains(string(text), `"votes":3`) {
			b.Fatalf("%d %s (%v)", resp.StatusCode, text, err)
		}
	}
}
