package socketio_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/web"
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
	sockets := socketio.New(api, socketio.Config{RemoteIP: site.RemoteIP})
	if err := site.Mount("/socket.io/", sockets); err != nil {
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

	// A page does: io("https://api.example.com"). Its client first opens a session.
	response, err := http.Get("http://" + site.Addr().String() + "/socket.io/?EIO=4&transport=polling")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	session, err := io.ReadAll(response.Body)
	fmt.Printf("%s %.8s %v\n", response.Status, session, err)
	// Output: 200 OK 0{"sid": <nil>
}
