package server

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/control"
)

// lookRoutes are the routes with which the command `console` looks into the server, and changes what can be changed
// without harm.
func (c *controller) lookRoutes() map[string]control.Handler {
	return map[string]control.Handler{
		"GET /status":            c.status,
		"GET /report":            func(r *http.Request) (any, error) { return c.api.Stats.Report(r.Context()) },
		"GET /peers":             c.peers,
		"GET /conns":             c.conns,
		"GET /conns/{id}":        c.conn,
		"POST /conns/{id}/close": c.closeConn,
		"GET /rooms":             c.rooms,
		"GET /rooms/members":     c.members,
		"POST /rooms/messages":   c.say,
		"GET /cache":             c.cacheKeys,
		"GET /cache/entry":       c.cacheEntry,
		"PUT /cache/entry":       c.setCacheEntry,
		"DELETE /cache/entry":    c.deleteCacheEntry,
	}
}

// status has the figures of the cluster at one glance.
func (c *controller) status(r *http.Request) (any, error) {
	ctx := r.Context()
	peers, err := c.api.Cluster.Peers(ctx)
	if err != nil {
		return nil, err
	}
	conns, err := c.api.Conns.List(ctx, actionhero.ConnFilter{Limit: 1})
	if err != nil {
		return nil, err
	}
	status := control.Status{Node: c.self(), Clustered: c.api.Cluster.Shared(), Peers: len(peers), Connections: conns.Total, Transports: map[string]int{}, Missing: conns.Missing}
	for _, n := range conns.Nodes {
		for name, count := range n.Transports {
			status.Transports[name] += count
		}
	}
	if status.CacheSize, err = c.api.Cache.Size(ctx); err != nil {
		return nil, err
	}
	status.Jobs, err = c.api.Tasks.Stats(ctx)
	return status, err
}

func (c *controller) peers(r *http.Request) (any, error) {
	peers, err := c.api.Cluster.Peers(r.Context())
	if err != nil {
		return nil, err
	}
	conns, err := c.api.Conns.List(r.Context(), actionhero.ConnFilter{Limit: 1})
	counts := map[string]int{}
	for _, n := range conns.Nodes {
		counts[n.Node] = n.Total
	}
	views := make([]control.Peer, len(peers))
	for i, p := range peers {
		n, answered := counts[p.ID]
		if !answered {
			n = -1
		}
		views[i] = control.Peer{ID: cmp.Or(c.nodeName(p.ID), c.api.Stats.ID()), Host: p.Host, Address: p.Address, PID: p.PID, Version: p.Version, Started: p.Started, Self: p.Self, Connections: n}
	}
	return views, err
}

func (c *controller) conns(r *http.Request) (any, error) {
	query := r.URL.Query()
	limit, err := listLimit(query.Get("limit"))
	if err != nil {
		return nil, err
	}
	list, err := c.api.Conns.List(r.Context(), actionhero.ConnFilter{Room: query.Get("room"), Prefix: query.Get("prefix"), Limit: limit})
	list.Conns = list.Conns[:min(len(list.Conns), limit)]
	for i := range list.Conns {
		list.Conns[i].Node = c.nodeName(list.Conns[i].Node)
	}
	return list, err
}

func (c *controller) conn(r *http.Request) (any, error) {
	conn, err := c.api.Conns.Get(r.Context(), r.PathValue("id"))
	conn.Node = c.nodeName(conn.Node)
	return conn, err
}

// nodeName returns the id of a node, or "" if there is only one, whose name here is random.
func (c *controller) nodeName(id string) string {
	if !c.api.Cluster.Shared() {
		return ""
	}
	return id
}

// listLimit parses the largest number of entries of a list.
func listLimit(text string) (int, error) {
	n, err := number(text, "limit")
	return int(min(cmp.Or(n, 100), control.MaxJobs)), err
}

func (c *controller) closeConn(r *http.Request) (any, error) {
	body, err := control.Body[control.Reason](r)
	if err != nil {
		return nil, err
	}
	return nil, c.api.Conns.Close(r.Context(), r.PathValue("id"), cmp.Or(body.Reason, "closed by the operator"))
}

func (c *controller) rooms(r *http.Request) (any, error) {
	query := r.URL.Query()
	limit, err := listLimit(query.Get("limit"))
	if err != nil {
		return nil, err
	}
	return c.api.Rooms.List(r.Context(), actionhero.RoomFilter{Prefix: query.Get("prefix"), After: query.Get("after"), Limit: limit})
}

func (c *controller) members(r *http.Request) (any, error) {
	name := r.URL.Query().Get("room")
	total, err := c.occupied(r.Context(), name)
	if err != nil {
		return nil, err
	}
	members, err := c.api.Rooms.Members(r.Context(), name)
	views := make([]control.Member, len(members))
	for i, m := range members {
		views[i] = control.Member{ID: m.ID, Node: c.nodeName(m.Node), Details: m.Details}
	}
	return control.Members{Total: total, Members: views}, err
}

// occupied returns the number of the members of a room. A room without members does not exist.
func (c *controller) occupied(ctx context.Context, room string) (int, error) {
	status, err := c.api.Rooms.Status(ctx, room)
	if err == nil && status.MembersCount == 0 {
		err = actionhero.Errorf(actionhero.CodeNotFound, "the room %s has no members", strconv.Quote(room))
	}
	return status.MembersCount, err
}

func (c *controller) say(r *http.Request) (any, error) {
	message, err := control.Body[control.Message](r)
	if err != nil {
		return nil, err
	}
	total, err := c.occupied(r.Context(), message.Room)
	if err != nil {
		return nil, err
	}
	return control.Sent{Members: total}, c.api.Rooms.Broadcast(r.Context(), message.Room, message.Text)
}

func (c *controller) cacheKeys(r *http.Request) (any, error) {
	limit, err := listLimit(r.URL.Query().Get("limit"))
	if err != nil {
		return nil, err
	}
	found := map[string]bool{} // in a cluster, a key may come twice
	for key, err := range c.api.Cache.Keys(r.Context(), r.URL.Query().Get("prefix")) {
		if err != nil {
			return nil, err
		}
		if found[key] = true; len(found) > limit {
			break
		}
	}
	keys := control.Keys{Keys: []string{}, More: len(found) > limit}
	for key := range found {
		keys.Keys = append(keys.Keys, key)
	}
	slices.Sort(keys.Keys)
	keys.Keys = keys.Keys[:min(len(keys.Keys), limit)]
	return keys, nil
}

// keyOf returns the key of the cache in the query of r.
func keyOf(r *http.Request) string { return r.URL.Query().Get("key") }

func (c *controller) cacheEntry(r *http.Request) (any, error) {
	e, err := c.api.Cache.Get(r.Context(), keyOf(r))
	return control.Entry{Value: e.Value, Created: e.CreatedAt, Expires: e.ExpiresAt}, unknownKey(err, keyOf(r))
}

// unknownKey names the key in the error for a key without a value.
func unknownKey(err error, key string) error {
	if err != nil && actionhero.AsError(err).Code == actionhero.CodeNotFound {
		return actionhero.Errorf(actionhero.CodeNotFound, "the cache has no value under %q", key)
	}
	return err
}

func (c *controller) setCacheEntry(r *http.Request) (any, error) {
	entry, err := control.Body[control.NewEntry](r)
	switch {
	case err != nil:
		return nil, err
	case entry.Key == "":
		return nil, actionhero.Errorf(actionhero.CodeInvalidInput, "the key is empty")
	case reserved(entry.Key) != nil:
		return nil, reserved(entry.Key)
	case len(entry.Value) == 0:
		return nil, actionhero.Errorf(actionhero.CodeInvalidInput, "the value is missing")
	case entry.TTL < 0:
		return nil, actionhero.Errorf(actionhero.CodeInvalidInput, "the time to live is negative")
	}
	return nil, c.api.Cache.Set(r.Context(), entry.Key, entry.Value, entry.TTL)
}

// reserved returns an error for a key whose value belongs to the server.
func reserved(key string) error {
	if strings.HasPrefix(key, "_") {
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the key %q is reserved for the server, as all keys that begin with _", key)
	}
	return nil
}

func (c *controller) deleteCacheEntry(r *http.Request) (any, error) {
	if err := reserved(keyOf(r)); err != nil {
		return nil, err
	}
	was, err := c.api.Cache.Delete(r.Context(), keyOf(r))
	if err == nil && !was {
		err = actionhero.Errorf(actionhero.CodeNotFound, "the cache has no value under %q", keyOf(r))
	}
	return nil, err
}
