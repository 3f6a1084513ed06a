// Command mcp compares the call of a tool over MCP with the same action over HTTP: calls per second of the server's processor
// time, in interleaved slices of one second. The servers are pinned to one processor and the load to another. It prints a
// Markdown table. Both servers log their requests, and the one of MCP also writes its audit line.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/bench/internal/busyload"
	"github.com/actionhero-go/actionhero/bench/internal/proc"
	"github.com/actionhero-go/actionhero/bench/internal/slices"
	"github.com/actionhero-go/actionhero/mcp"
	stock "github.com/actionhero-go/actionhero/server"
)

func main() {
	serving := flag.String("serve", "", "run the server at this address (internal)")
	passes := flag.Int("passes", 15, "slices for each server")
	slice := flag.Duration("slice", time.Second, "length of a slice")
	flag.Parse()
	err := error(nil)
	if *serving != "" {
		err = serve(*serving)
	} else {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		err = run(ctx, *passes, *slice)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
}

type closeInput struct {
	ID string `json:"id" required:"true" doc:"of the ticket" minLength:"2"`
}

type ticket struct {
	ID    string `json:"id"`
	Votes int    `json:"votes"`
}

// serve serves the action ticketClose at addr, also as a tool, until the process ends.
func serve(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	var cfg stock.Config
	if cfg.HTTPServer.Port, err = strconv.Atoi(port); err != nil {
		return err
	}
	cfg.HTTPServer.BindIP, cfg.TCPServer.BindIP, cfg.TCPServer.Port = host, host, -1
	cfg.Tasks.Memory = true
	cfg.General.Log = slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := stock.New(cfg, mcp.New(mcp.Options{}), actionhero.Action[closeInput, ticket]{
		Name: "ticketClose", Description: "Closes a ticket.", Kind: actionhero.KindWrite, Tool: &actionhero.Tool{},
		Run: func(_ context.Context, in closeInput) (ticket, error) { return ticket{in.ID, 3}, nil },
	})
	if err != nil {
		return err
	}
	return s.Run(context.Background())
}

const (
	arguments = `{"id":"12"}`
	message   = `{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"ticketClose","arguments":` + arguments + `,"_meta":{` +
		`"io.modelcontextprotocol/protocolVersion":"2026-07-28","io.modelcontextprotocol/clientInfo":{"name":"bench","version":"1"},` +
		`"io.modelcontextprotocol/clientCapabilities":{}}}}`
	messageHeaders = "Accept: application/json, text/event-stream\r\nMcp-Protocol-Version: 2026-07-28\r\nMcp-Method: tools/call\r\nMcp-Name: ticketClose\r\n"
)

// The rows of the table, and their requests. The first is the baseline. net/http serves an action whose path is escaped.
var rows = []struct{ name, request string }{
	{"an action over HTTP", post("/api/ticketClose", "", arguments)},
	{"the same as a tool over MCP", post("/mcp", messageHeaders, message)},
	{"the action over HTTP by net/http", post("/api/ticket%43lose", "", arguments)},
}

func post(path, headers, body string) string {
	return fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n%s", path, headers, len(body), body)
}

// run measures one server for each row.
func run(ctx context.Context, passes int, slice time.Duration) error {
	if err := exec.CommandContext(ctx, "taskset", "-a", "-p", "-c", "1", strconv.Itoa(os.Getpid())).Run(); err != nil {
		return fmt.Errorf("the load cannot be pinned to a processor: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var targets []slices.Target
	for _, row := range rows {
		addr, err := proc.FreeAddr()
		if err != nil {
			return err
		}
		s, err := proc.Start(ctx, row.name, addr, nil, self, "-serve", addr)
		if err != nil {
			return err
		}
		defer func() { _ = s.Stop() }()
		if err := check(addr); err != nil {
			return err
		}
		targets = append(targets, slices.Target{Server: s, Load: busyload.New(addr, []byte(row.request))})
	}
	results, err := slices.Run(targets, passes, slice)
	if err != nil {
		return err
	}
	fmt.Println(slices.Table(results))
	fmt.Printf("%s, %s, %d slices of %v each, %s\n", runtime.Version(), runtime.GOARCH, passes, slice, time.Now().Format(time.DateOnly))
	return nil
}

// check calls the action in both ways, and returns an error if an answer is not the expected one.
func check(addr string) error {
	for _, row := range rows {
		head, body, _ := strings.Cut(row.request, "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		r, err := http.NewRequest(http.MethodPost, "http://"+addr+strings.Fields(lines[0])[1], strings.NewReader(body))
		if err != nil {
			return err
		}
		for _, line := range lines[2:] {
			name, value, _ := strings.Cut(line, ": ")
			r.Header.Set(name, value)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return err
		}
		answer, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(string(answer), `"id":"12","votes":3`) {
			return fmt.Errorf("%s: unexpected answer: %s %s (%w)", row.name, resp.Status, answer, err)
		}
	}
	return nil
}
