package web_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/web"
)

// request returns the response of a server with these parts to a request. The server does not listen.
func request(method, url string, parts ...actionhero.Part) *http.Response {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, parts...)
	if err != nil {
		panic(err)
	}
	s, err := web.New(api, web.Config{HTTP: web.HTTPConfig{Enable: new(false)}})
	if err != nil {
		panic(err)
	}
	api.Add(s)
	if err := api.Start(context.Background()); err != nil {
		panic(err)
	}
	defer func() { _ = api.Stop(context.Background()) }()
	recorder := httptest.NewRecorder()
	s.ServeHTTP(recorder, httptest.NewRequest(method, url, nil))
	return recorder.Result()
}

// A login sets a cookie. Over other transports the client gets only the output.
func ExampleSetCookie() {
	login := actionhero.Action[actionhero.None, map[string]bool]{
		Name:        "login",
		Description: "Logs in",
		Run: func(ctx context.Context, _ actionhero.None) (map[string]bool, error) {
			web.SetCookie(ctx, &http.Cookie{Name: "session", Value: "8f2a", Path: "/", HttpOnly: true, Secure: true})
			return map[string]bool{"loggedIn": true}, nil
		},
	}
	response := request("POST", "/api/login", login)
	for _, cookie := range response.Cookies() {
		if cookie.Name == "session" {
			fmt.Println(cookie)
		}
	}
	// Output: session=8f2a; Path=/; HttpOnly; Secure
}

// SetStatus sets the status of an action that succeeds. The status of an error follows from its code.
func ExampleSetStatus() {
	enqueue := actionhero.Action[actionhero.None, map[string]bool]{
		Name:        "export",
		Description: "Starts an export",
		Run: func(ctx context.Context, _ actionhero.None) (map[string]bool, error) {
			web.SetStatus(ctx, http.StatusAccepted)
			return map[string]bool{"started": true}, nil
		},
	}
	fmt.Println(request("POST", "/api/export", enqueue).Status)
	// Output: 202 Accepted
}

// Header returns the headers of the response.
func ExampleHeader() {
	createTicket := actionhero.Action[actionhero.None, map[string]int]{
		Name:        "createTicket",
		Description: "Creates a ticket",
		Route:       "POST /tickets",
		Run: func(ctx context.Context, _ actionhero.None) (map[string]int, error) {
			web.SetStatus(ctx, http.StatusCreated)
			web.Header(ctx).Set("Location", "/tickets/7")
			return map[string]int{"id": 7}, nil
		},
	}
	response := request("POST", "/tickets", createTicket)
	fmt.Println(response.Status, response.Header.Get("Location"))
	// Output: 201 Created /tickets/7
}

// A redirect sends a browser to another URL.
func ExampleRedirect() {
	download := actionhero.Action[actionhero.None, map[string]string]{
		Name:        "download",
		Description: "Returns the address of the newest version",
		Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			const url = "https://example.com/v2.zip"
			web.Redirect(ctx, url, http.StatusFound)
			return map[string]string{"url": url}, nil // for the other transports
		},
	}
	response := request("GET", "/api/download", download)
	fmt.Println(response.Status, response.Header.Get("Location"))
	// Output: 302 Found https://example.com/v2.zip
}

// Request returns the HTTP request of the action, or nil over another transport.
func ExampleRequest() {
	greet := actionhero.Action[actionhero.None, map[string]string]{
		Name:        "greet",
		Description: "Greets, with the method and path of the request",
		Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			if r := web.Request(ctx); r != nil {
				return map[string]string{"greeting": "Hello, " + r.Method + " " + r.URL.Path}, nil
			}
			return map[string]string{"greeting": "Hello"}, nil // over another transport
		},
	}
	response := request("GET", "/api/greet", greet)
	var out map[string]any
	fmt.Println(json.NewDecoder(response.Body).Decode(&out), out["greeting"])
	// Output: <nil> Hello, GET /api/greet
}

// An action that streams its response writes it itself.
func ExampleWriter() {
	export := actionhero.Action[actionhero.None, actionhero.None]{
		Name:        "export",
		Description: "Exports all rows",
		Run: func(ctx context.Context, _ actionhero.None) (n actionhero.None, err error) {
			w := web.Writer(ctx)
			if w == nil {
				return n, actionhero.Errorf(actionhero.CodeInvalidInput, "rows are sent over HTTP only")
			}
			w.Header().Set("Content-Type", "application/x-ndjson")
			for i := range 3 {
				fmt.Fprintf(w, "{\"row\":%d}\n", i)
				if err := http.NewResponseController(w).Flush(); err != nil {
					return n, err
				}
			}
			return n, nil
		},
	}
	response := request("POST", "/api/export", export)
	body, err := io.ReadAll(response.Body)
	fmt.Printf("%s %q %v\n", response.Header.Get("Content-Type"), body, err)
	// Output: application/x-ndjson "{\"row\":0}\n{\"row\":1}\n{\"row\":2}\n" <nil>
}

// Events sends server-sent events until the client leaves or the server stops. A page reads them with
// new EventSource("/prices").
func ExampleEvents() {
	updates := make(chan int, 3) // of this client
	prices := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "prices", Route: "GET /prices", Kind: actionhero.KindRead,
		Description: "Streams prices",
		Timeout:     -1, // no time limit
		Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
			events, err := web.Events(ctx, web.EventOptions{})
			if err != nil {
				return none, err // over another transport
			}
			for {
				select {
				case <-ctx.Done():
					return none, nil
				case price, ok := <-updates:
					if !ok {
						return none, nil
					}
					err := events.Send(web.Event{ID: fmt.Sprint(price), Name: "price", Data: map[string]int{"price": price}})
					if err != nil {
						return none, err
					}
				}
			}
		},
	}
	updates <- 7
	close(updates)
	response := request("GET", "/prices", prices)
	body, err := io.ReadAll(response.Body)
	fmt.Printf("%s\n%s%v\n", response.Header.Get("Content-Type"), body, err)
	// Output:
	// text/event-stream
	// id: 7
	// event: price
	// data: {"price":7}
	//
	// <nil>
}

// Mount is a part of an app that serves any http.Handler next to the actions.
func ExampleMount() {
	health := web.Mount("GET /health", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "fine")
	}))
	response := request("GET", "/health", health) // in an app: cli.Main(actions.All, health)
	body, err := io.ReadAll(response.Body)
	fmt.Print(response.Status, " ", string(body), err)
	// Output:
	// 200 OK fine
	// <nil>
}
