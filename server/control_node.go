package server

import (
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/buildversion"
	"github.com/actionhero-go/actionhero/internal/control"
)

// node answers with the description of this server.
func (c *controller) node(*http.Request) (any, error) { return c.self(), nil }

// self describes this server.
func (c *controller) self() control.Node {
	node := control.Node{ID: c.api.Stats.ID(), PID: os.Getpid(), Version: buildversion.Text(actionhero.Version), Uptime: c.api.Uptime().Seconds(), Endpoints: []control.Endpoint{}}
	if c.endpoints != nil {
		for _, e := range c.endpoints() {
			node.Endpoints = append(node.Endpoints, control.Endpoint{Name: e.Name, URL: e.URL, Port: portOf(e.URL)})
		}
	}
	return node
}

// portOf returns the port of the URL or the address of an endpoint.
func portOf(address string) int {
	if strings.Contains(address, "://") {
		if u, err := url.Parse(address); err == nil {
			address = u.Host
		}
	}
	_, text, _ := net.SplitHostPort(address)
	port, _ := strconv.Atoi(text)
	return port
}
