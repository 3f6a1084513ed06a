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
	var ports []int
	if *c.HTTPServer.Enable {
		ports = append(ports, c.HTTPServer.Port)
	}
	if on := c.HTTPSServer.Enable; on != nil && *on || on == nil && c.HTTPSServer.CertFile != "" {
		ports = append(ports, c.HTTPSServer.Port)
	}
	if *c.TCPServer.Enable {
		ports = append(ports, c.TCPServer.Port)
	}
	if c.TCPServer.TLSPort != 0 {
		ports = append(ports, c.TCPServer.TLSPort)
	}
	id, err := os.Hostname()
	if err != nil || len(ports) == 0 {
		return ""
	}
	for _, port := range ports {
		if port <= 0 {
			return ""
		}
		id += ":" + strconv.Itoa(port)
	}
	return id
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
