package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
)

type addInput struct {
	A int `json:"a" required:"true"`
	B int `json:"b" default:"1"`
}

var add = actionhero.Action[addInput, map[string]int]{
	Name:        "add",
	Description: "Adds two numbers",
	Run: func(_ context.Context, in addInput) (map[string]int, error) {
		return map[string]int{"sum": in.A + in.B}, nil
	},
}

// quiet is a configuration for the examples: it logs nothing, keeps tasks in memory and listens on free ports.
func quiet() (cfg server.Config) {
	cfg.Log.Logging = new(false)
	cfg.Tasks.Memory = true
	cfg.HTTPServer.Port, cfg.HTTPServer.BindIP = -1, "127.0.0.1"
	cfg.TCPServer.Port, cfg.TCPServer.BindIP = -1, "127.0.0.1"
	return cfg
}

// New returns a server with all transports. The zero Config works.
func ExampleNew() {
	s, err := server.New(quiet(), add)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Stop(ctx) }() // a program that does nothing else calls s.Run(ctx)

	response, err := http.Get("http://" + s.Web.Addr().String() + "/api/add?a=2&b=3")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	var out struct{ Sum int }
	err = json.NewDecoder(response.Body).Decode(&out)
	fmt.Println(response.Status, out.Sum, err)
	// Output: 200 OK 5 <nil>
}

// Load reads the configuration file of a folder and then the environment, which wins. The program can change the result.
func ExampleLoad() {
	folder, err := os.MkdirTemp("", "app")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	config := []byte(`{"general": {"serverName": "shop"}, "httpServer": {"port": 8081}}`)
	if err := os.WriteFile(filepath.Join(folder, "config.json"), config, 0o600); err != nil {
		fmt.Println(err)
		return
	}

	cfg, err := server.Load(folder)
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg.TCPServer.Enable = new(false)
	fmt.Println(cfg.General.ServerName, cfg.HTTPServer.Port, cfg.General.DefaultChatRoom)
	// Output: shop 8081 defaultRoom
}

// The error of LoadFile and Load names every setting that is unknown or does not parse, with its line.
func ExampleLoadFile() {
	folder, err := os.MkdirTemp("", "app")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(folder)
	file := filepath.Join(folder, "shop.yaml")
	if err := os.WriteFile(file, []byte("httpServer:\n  prot: 8081\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	_, err = server.LoadFile(file)
	fmt.Println(strings.TrimPrefix(err.Error(), folder+string(filepath.Separator)))
	// Output: shop.yaml:2:3: httpServer.prot is not a known setting; did you mean httpServer.port?
}

// Endpoints returns the addresses of a started server.
func ExampleServer_Endpoints() {
	s, err := server.New(quiet(), add)
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = s.Stop(ctx) }()

	for _, endpoint := range s.Endpoints() {
		fmt.Println(endpoint.Name) // endpoint.URL has the address
	}
	// Output:
	// HTTP
	// WebSocket
	// Socket.IO
	// TCP
	// Start page
}

// A program starts, restarts and stops a server. Each of these calls returns when the step is complete.
func ExampleServer() {
	s, err := server.New(quiet(), add)
	if err != nil {
		fmt.Println(err)
		return
	}
	const timer = 10 * time.Millisecond
	ctx := context.Background()
	if err := s.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(" >> Boot Successful!")

	<-time.After(timer)
	fmt.Println(" >> restarting server...")
	if err := s.Restart(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(" >> Restarted!")

	<-time.After(timer)
	fmt.Println(" >> stopping server...")
	if err := s.Stop(ctx); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(" >> Stopped!")
	// Output:
	//  >> Boot Successful!
	//  >> restarting server...
	//  >> Restarted!
	//  >> stopping server...
	//  >> Stopped!
}
