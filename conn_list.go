package actionhero

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// ConnInfo describes one persistent connection, see [Conns.List].
type ConnInfo struct {
	ID          string         `json:"id"`
	Node        string         `json:"node"` // the id of its node
	Transport   string         `json:"transport"`
	Remote      string         `json:"remote"` // the address of the client
	ConnectedAt time.Time      `json:"connectedAt"`
	User        string         `json:"user,omitempty"`    // the ID of its Identity
	Room        string         `json:"room,omitempty"`    // the current room
	Rooms       []string       `json:"rooms"`             // all rooms, sorted
	Details     map[string]any `json:"details,omitempty"` // only from [Conns.Get]
}

// ConnFilter selects connections. The zero value selects all of them.
type ConnFilter struct {
	Room   string `json:"room,omitzero"`   // only members of this room
	User   string `json:"user,omitzero"`   // only connections of the user with this id
	After  string `json:"after,omitzero"`  // only connections whose ids come after it, in the order of List
	Prefix string `json:"prefix,omitzero"` // only connections whose ids begin with it
	Limit  int    `json:"limit,omitzero"`  // the largest number of entries from each node; default 100, at most 1,000
}

// ConnList is the answer of [Conns.List].
type ConnList struct {
	Total   int        `json:"total"` // the number of all connections that match the filter
	Conns   []ConnInfo `json:"conns"` // sorted by age, the oldest first
	Nodes   []NodeSum  `json:"nodes"` // the connections that match, by node; sorted by the ids of the nodes
	Missing []string   `json:"missing,omitempty"`
}

// NodeSum counts the connections of one node.
type NodeSum struct {
	Node       string         `json:"node"`
	Total      int            `json:"total"`
	Transports map[string]int `json:"transports"` // by the name of the transport
}

// maxListBytes is the size of the entries that one node returns. It leaves room for the rest of an answer.
const maxListBytes = backend.MaxCallBytes * 3 / 4

// nodeConns is what a node answers to connsCall.
type nodeConns struct {
	Conns []ConnInfo `json:"conns"`
	Sum   NodeSum    `json:"sum"`
}

// connsCall makes each node list its connections.
var connsCall = NodeCall[ConnFilter, nodeConns]{Name: internalCalls + "conns"}

// connGetCall makes the node of a connection describe it. The answer of any other node has no id.
var connGetCall = NodeCall[connOp, ConnInfo]{Name: internalCalls + "connGet"}

// List returns the connections on all nodes of the cluster that match f. Of each node it has the oldest ones, and fewer
// than f.Limit if they are in very many rooms; the counts are complete. The ids of nodes that do not answer are in
// ConnList.Missing, and their connections are left out.
func (c *Conns) List(ctx context.Context, f ConnFilter) (ConnList, error) {
	answers, err := connsCall.CallAll(ctx, c.api, f)
	list := ConnList{Conns: []ConnInfo{}, Nodes: []NodeSum{}}
	for _, a := range answers {
		if a.Err != nil {
			list.Missing = append(list.Missing, a.Node)
			continue
		}
		list.Total += a.Out.Sum.Total
		list.Conns = append(list.Conns, a.Out.Conns...)
		list.Nodes = append(list.Nodes, a.Out.Sum)
	}
	slices.SortFunc(list.Conns, func(a, b ConnInfo) int { return cmp.Compare(a.ID, b.ID) })
	return list, err
}

// Get describes the connection with this id, with its details.
func (c *Conns) Get(ctx context.Context, id string) (ConnInfo, error) {
	if conn := c.api.Rooms.conn(id); conn != nil {
		return c.info(conn, true), nil
	}
	var info ConnInfo
	err := c.elsewhere(ctx, id, func(node string) (found bool, err error) {
		info, err = connGetCall.Call(ctx, c.api, node, connOp{ID: id})
		return err == nil && info.ID != "", err
	})
	return info, err
}

// info describes a connection of this node.
func (c *Conns) info(conn *Conn, details bool) ConnInfo {
	info := ConnInfo{
		ID: conn.ID, Node: c.api.nodeID(), Transport: conn.Transport, Remote: conn.Remote.String(),
		ConnectedAt: conn.ConnectedAt, User: conn.Identity().ID, Room: conn.Room(), Rooms: conn.Rooms(),
	}
	if details {
		info.Details = conn.Details()
	}
	return info
}

// here lists the connections of this node. The ids begin with the time of the connection, so they sort by age.
func (c *Conns) here(f ConnFilter) nodeConns {
	list := nodeConns{Conns: []ConnInfo{}, Sum: NodeSum{Node: c.api.nodeID(), Transports: map[string]int{}}}
	var found []*Conn
	for conn := range c.candidates(f) {
		if conn.ID > f.After && strings.HasPrefix(conn.ID, f.Prefix) && (f.Room == "" || conn.In(f.Room)) {
			found = append(found, conn)
			list.Sum.Transports[conn.Transport]++
		}
	}
	list.Sum.Total = len(found)
	slices.SortFunc(found, func(a, b *Conn) int { return cmp.Compare(a.ID, b.ID) })
	size := 0
	for _, conn := range found[:min(len(found), limitOf(f.Limit))] {
		info := c.info(conn, false)
		if size += sizeOf(info.Rooms) + 6*(len(info.Room)+len(info.User)) + 400; size > maxListBytes { // 400: all other members
			break
		}
		list.Conns = append(list.Conns, info)
	}
	return list
}

// candidates returns the connections of this node that may match f.
func (c *Conns) candidates(f ConnFilter) iter.Seq[*Conn] {
	if f.User != "" {
		return slices.Values(c.api.Rooms.users.of(f.User))
	}
	return c.api.Rooms.conns.all
}

// All returns the connections on all nodes of the cluster that match f, node by node and the oldest first. It asks each
// node for the next f.Limit connections when it needs them, by default for 1,000. A connection that opens or closes
// meanwhile may be left out. If a node does not answer, All yields its error once, with the id of the node in
// ConnInfo.Node, and goes on with the next node.
//
//	for conn, err := range api.Conns.All(ctx, actionhero.ConnFilter{User: "ann"}) { … }
func (c *Conns) All(ctx context.Context, f ConnFilter) iter.Seq2[ConnInfo, error] {
	f.Limit = limitOf(cmp.Or(f.Limit, maxListed))
	return func(yield func(ConnInfo, error) bool) {
		peers, err := c.api.Cluster.Peers(ctx)
		if err != nil {
			yield(ConnInfo{}, err)
			return
		}
		for _, peer := range peers {
			if !c.allOf(ctx, peer.ID, f, yield) {
				return
			}
		}
	}
}

// allOf yields the connections of one node, and returns whether yield wants more.
func (c *Conns) allOf(ctx context.Context, node string, f ConnFilter, yield func(ConnInfo, error) bool) bool {
	for {
		page, err := connsCall.Call(ctx, c.api, node, f)
		if err != nil {
			return yield(ConnInfo{Node: node}, err)
		}
		for _, info := range page.Conns {
			if !yield(info, nil) {
				return false
			}
		}
		if len(page.Conns) == page.Sum.Total || len(page.Conns) == 0 {
			return true
		}
		f.After = page.Conns[len(page.Conns)-1].ID
	}
}

// maxListed is the largest number of entries in a list of one node.
const maxListed = 1000

// limitOf returns the number of entries of a list that is asked for.
func limitOf(limit int) int { return min(max(cmp.Or(limit, 100), 1), maxListed) }

// sizeOf returns the most bytes that the names need as JSON, in which one byte may become six.
func sizeOf(names []string) (size int) {
	for _, name := range names {
		size += 6*len(name) + 3
	}
	return size
}
