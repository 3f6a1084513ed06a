package server

import (
	"cmp"
	"os"
	"strconv"

	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/backend/redis"
)

// Clustered reports whether the server shares its state with other nodes: redis.enable is true, or a URL of the server
// is set.
func (c *Config) Clustered() bool { return c.Redis.Enabled() }

// NodeID returns the id of this node in a cluster: general.id, or the name of the machine and the ports of the
// configuration. It is empty if a port is left to the system, or if the server has no port: two servers with this
// configuration could run on one machine then.
func (c *Config) NodeID() string {
	c.fill()
	if c.General.ID != "" {
		return c.General.ID
	}
	ports := c.Ports()
	id, err := os.Hostname()
	if err != nil || len(ports) == 0 {
		return ""
	}
	for _, p := range ports {
		if p.Port <= 0 {
			return ""
		}
		id += ":" + strconv.Itoa(p.Port)
	}
	return id
}

// Port is a port of the configuration.
type Port struct {
	Setting string // such as "httpServer.port"
	IP      string // empty: all addresses
	Port    int    // -1: any free port
	TLS     bool
}

// Ports returns the ports on which a server with this configuration listens.
func (c *Config) Ports() (ports []Port) {
	c.fill()
	if *c.HTTPServer.Enable {
		ports = append(ports, Port{"httpServer.port", c.HTTPServer.BindIP, c.HTTPServer.Port, false})
	}
	if on := c.HTTPSServer.Enable; on != nil && *on || on == nil && c.HTTPSServer.CertFile != "" {
		ports = append(ports, Port{"httpsServer.port", c.HTTPSServer.BindIP, c.HTTPSServer.Port, true})
	}
	if *c.TCPServer.Enable {
		ports = append(ports, Port{"tcpServer.port", c.TCPServer.BindIP, c.TCPServer.Port, false})
	}
	if c.TCPServer.TLSPort != 0 {
		ports = append(ports, Port{"tcpServer.tlsPort", c.TCPServer.BindIP, c.TCPServer.TLSPort, true})
	}
	return ports
}

// setBackend creates the backend: over Redis in a cluster, else the embedded one.
func (c *Config) setBackend() {
	if !c.Clustered() {
		c.Cache.Queue = c.Tasks.QueueConfig
		c.Cache.Queue.Path = c.Tasks.Folder()
		c.General.Backend = local.New(c.Cache)
		// This process is the whole cluster. The name of the node is fixed, because tasks that wait for this node must
		// find it again if the address of the node changes.
		c.Tasks.Node = cmp.Or(c.Tasks.Node, "local")
		return
	}
	if c.Redis.Log == nil {
		c.Redis.Log = c.General.Log
	}
	c.Redis.Queue = c.Tasks.QueueConfig
	c.General.Backend, c.General.ID = redis.New(c.Redis), c.NodeID()
}
