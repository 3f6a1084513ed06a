package tcp_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/tcp"
)

// A program that composes its own server adds the transport to the API. Package server does this for all transports.
func ExampleNew() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, builtin.CacheTest)
	if err != nil {
		fmt.Println(err)
		return
	}
	s := tcp.New(api, tcp.Config{Port: -1, BindIP: "127.0.0.1"}) // -1: any free port
	api.Add(s)
	ctx := context.Background()
	if err := api.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = api.Stop(ctx) }()

	conn, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	fmt.Fprint(conn, `{"action": "cacheTest", "params": {"key": "k", "value": "v"}}`, "\n")
	answers := json.NewDecoder(bufio.NewReader(conn))
	for range 2 { // the welcome and the answer
		var answer struct{ Context, Welcome string }
		if err := answers.Decode(&answer); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Printf("%s %q\n", answer.Context, answer.Welcome)
	}
	// Output:
	// api "Hello! Welcome to the actionHero api"
	// response ""
}
