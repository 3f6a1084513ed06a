package web_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/web"
)

// A program that composes its own server adds the transport to the API. Package server does this for all transports.
func ExampleNew() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, builtin.CacheTest)
	if err != nil {
		fmt.Println(err)
		return
	}
	site, err := web.New(api, web.Config{HTTP: web.HTTPConfig{Port: -1, BindIP: "127.0.0.1"}}) // -1: any free port
	if err != nil {
		fmt.Println(err)
		return
	}
	api.Add(site)
	ctx := context.Background()
	if err := api.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = api.Stop(ctx) }()

	response, err := http.Get("http://" + site.Addr().String() + "/api/cacheTest?key=k&value=v")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.Status, response.Header.Get("Content-Type"))
	// Output: 200 OK application/json
}

// A program that listens itself uses the Server as an http.Handler, with its limits and mounted handlers. The API still
// starts and stops it.
func ExampleServer_ServeHTTP() {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, builtin.CacheTest)
	if err != nil {
		fmt.Println(err)
		return
	}
	site, err := web.New(api, web.Config{HTTP: web.HTTPConfig{Enable: new(false)}})
	if err != nil {
		fmt.Println(err)
		return
	}
	api.Add(site)
	ctx := context.Background()
	if err := api.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = api.Stop(ctx) }()

	listener := httptest.NewServer(site) // or http.ListenAndServe, or a route of another router
	defer listener.Close()
	response, err := listener.Client().Get(listener.URL + "/api/cacheTest?key=k&value=v")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(response.Status, response.Body.Close())
	// Output: 200 OK <nil>
}
