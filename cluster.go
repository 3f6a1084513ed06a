package actionhero

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// Cluster knows the live nodes of the cluster that this API is a node of. With the embedded backend, the cluster is this
// node alone. [NodeCall] declares calls between the nodes.
type Cluster struct {
	api        *API
	nodes      backend.Cluster
	transports sync.Map // name → the function that answers a call of a transport, see transport.Host.HandleCalls
}

// Peer is one live node of a cluster: one process. The fields are as of the start of that node.
type Peer struct {
	ID      string    `json:"id"`      // the id of the node, as in the status of that node
	Host    string    `json:"host"`    // the name of the machine; empty if the node does not say it
	Address string    `json:"address"` // the address of the machine; empty if the node does not say it
	PID     int       `json:"pid"`     // the id of the process on that machine
	Version string    `json:"version"` // Config.APIVersion
	Started time.Time `json:"started"` // by the wall clock of the machine
	Self    bool      `json:"self"`    // the node of this API
}

// nodeDetails is the description of a node that its peers read.
type nodeDetails struct {
	Host    string   `json:"host"`    // the name of the machine
	Address string   `json:"address"` // the address of the machine
	PID     int      `json:"pid"`
	Version string   `json:"version"` // the API version of the app
	App     string   `json:"app"`     // the module of the program; empty if it is not known
	Workers []string `json:"workers"` // the nodes for which workers of the process run jobs, "" for the node itself
}

// newCluster returns the Cluster of api.
func newCluster(api *API, nodes backend.Cluster) *Cluster {
	c := &Cluster{api: api, nodes: nodes}
	nodes.Handle(c.handle)
	if nodes.Shared() {
		nodes.Watch(c.logNodes)
	}
	return c
}

// newTag returns a random number for [backend.Node.Tag].
func newTag() uint32 {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return binary.BigEndian.Uint32(b[:])
}

// node describes this node to the backend.
func (api *API) node() backend.Node {
	host, _ := os.Hostname()
	details, _ := jsonx.Marshal(nodeDetails{Host: host, Address: hostAddress(), PID: os.Getpid(), Version: api.cfg.APIVersion, App: appModule(), Workers: api.Tasks.declaredNodes()}) // strings and a number always encode
	return backend.Node{ID: api.nodeID(), Tag: api.tag, Started: time.Now(), Details: details}
}

// nodeID returns the id of this node in the cluster. If Config.ID is empty, the id is made of the address of the machine
// and the tag, which is random for each process.
func (api *API) nodeID() string {
	return cmp.Or(api.cfg.ID, fmt.Sprintf("%s:%08x", hostAddress(), api.tag))
}

// Shared reports whether other nodes can join the cluster. With the embedded backend, Shared returns false.
func (c *Cluster) Shared() bool { return c.nodes.Shared() }

// Peers returns the live nodes, this node included, sorted by id. The list may be a second old, and a node that has died
// may be in it for 10 seconds. While the API is stopped, or while the server of the backend cannot be reached, the error
// is [CodeUnavailable].
func (c *Cluster) Peers(ctx context.Context) ([]Peer, error) {
	nodes, err := c.nodes.Peers(ctx)
	if err != nil {
		return nil, clusterError(err)
	}
	return c.peersOf(nodes), nil
}

func (c *Cluster) peersOf(nodes []backend.Node) []Peer {
	if len(nodes) == 0 {
		return nil
	}
	self := c.api.nodeID()
	peers := make([]Peer, len(nodes))
	for i := range nodes {
		d := detailsOf(&nodes[i])
		peers[i] = Peer{ID: nodes[i].ID, Host: d.Host, Address: d.Address, PID: d.PID, Version: d.Version, Started: nodes[i].Started, Self: nodes[i].ID == self}
	}
	return peers
}

// detailsOf returns the details of a node. If they do not decode, because the node is of another version, they are empty.
func detailsOf(n *backend.Node) (d nodeDetails) {
	if jsonx.Unmarshal(n.Details, &d) != nil {
		return nodeDetails{}
	}
	return d
}

// Watch adds the callback f, which is called after other nodes have joined the cluster or left it. The calls come one at
// a time. After each start of the API, the nodes that are live already count as joined. f must not block. A panic of f is
// logged. The callback stays until stop is called.
func (c *Cluster) Watch(f func(joined, left []Peer)) (stop func()) {
	return c.nodes.Watch(func(joined, left []backend.Node) {
		err := c.api.hook(func() error {
			f(c.peersOf(joined), c.peersOf(left))
			return nil
		})
		if err != nil {
			c.api.log.Error("a callback of Cluster.Watch failed", "error", failureText(err))
		}
	})
}

// withTag returns the ids of the other live nodes with this tag.
func (c *Cluster) withTag(ctx context.Context, tag uint32) (ids []string, err error) {
	nodes, err := c.nodes.Peers(ctx)
	if err != nil {
		return nil, clusterError(err)
	}
	self := c.api.nodeID()
	for i := range nodes {
		if nodes[i].Tag == tag && nodes[i].ID != self {
			ids = append(ids, nodes[i].ID)
		}
	}
	return ids, nil
}

// workers returns the names of the nodes for which workers run jobs, in the whole cluster.
func (c *Cluster) workers(ctx context.Context) (names []string, err error) {
	nodes, err := c.nodes.Peers(ctx)
	if err != nil {
		return nil, clusterError(err)
	}
	for i := range nodes {
		for _, name := range detailsOf(&nodes[i]).Workers {
			if name = cmp.Or(name, nodes[i].ID); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
	return names, nil
}

// clusterError converts an error of the backend's cluster into an error for callers.
func clusterError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, backend.ErrNoNode):
		return &Error{Code: CodeNotFound, Message: "No live node has this id", Err: err}
	case errors.Is(err, backend.ErrUnavailable):
		return &Error{Code: CodeUnavailable, Message: "The other servers cannot be reached now", Err: err}
	case errors.Is(err, backend.ErrClosed):
		return stopping(err)
	case errors.Is(err, backend.ErrTooLarge):
		return &Error{Code: CodeInvalidInput, Message: fmt.Sprintf("The input is too large for a call to another node: use at most %d bytes", backend.MaxCallBytes), Err: err}
	}
	return AsError(err)
}
