package websocket_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/websocket"
)

// A program that composes its own server mounts the Handler on a web server and adds both to the API. Components stop in
// reverse order, so the connections close before the web server waits for its requests. Package server does all this.
func ExampleNew() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		fmt.Println(err)
		return
	}
	site, err := web.New(api, web.Config{HTTP: web.HTTPConfig{Port: -1, BindIP: "127.0.0.1"}}) // -1: any free port
	if err != nil {
		fmt.Println(err)
		return
	}
	sockets := websocket.New(api, websocket.Config{Origins: []string{"https://app.example.com"}, RemoteIP: site.RemoteIP})
	if err := site.Mount("/ws", sockets); err != nil {
		fmt.Println(err)
		return
	}
	api.Add(site, sockets)
	ctx := context.Background()
	if err := api.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = api.Stop(ctx) }()

	// A browser does: new WebSocket("wss://api.example.com/ws"). A request that is no upgrade is refused.
	response, err := http.Get("http://" + site.Addr().String() + "/ws")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.Status, sockets.Clients(), response.Body.Close())
	// Output: 426 Upgrade Required 0 <nil>
}
