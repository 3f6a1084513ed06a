package control

import (
	"encoding/json"
	"time"

	"github.com/actionhero-go/actionhero/backend"
)

// Status is the answer to GET /status: the node that answers, and the sums of its cluster.
type Status struct {
	Node        Node               `json:"node"`
	Clustered   bool               `json:"clustered"`
	Peers       int                `json:"peers"` // live nodes, this one included
	Connections int                `json:"connections"`
	Transports  map[string]int     `json:"transports"` // connections by transport
	Missing     []string           `json:"missing,omitempty"`
	CacheSize   int                `json:"cacheSize"` // values
	Jobs        backend.QueueStats `json:"jobs"`
}

// Peer is a live node of the cluster, in the answer to GET /peers.
type Peer struct {
	ID          string    `json:"id"`
	Host        string    `json:"host"`
	Address     string    `json:"address"`
	PID         int       `json:"pid"`
	Version     string    `json:"version"` // the API version of the app
	Started     time.Time `json:"started"`
	Self        bool      `json:"self"`
	Connections int       `json:"connections"` // -1: the node does not answer
}

// Reason is the body of POST /conns/{id}/close.
type Reason struct {
	Reason string `json:"reason"`
}

// Message is the body of POST /rooms/messages.
type Message struct {
	Room string `json:"room"`
	Text string `json:"text"`
}

// Sent is the answer to a [Message].
type Sent struct {
	Members int `json:"members"` // of the room, when the message was sent
}

// Members is the answer to GET /rooms/members.
type Members struct {
	Total   int      `json:"total"`
	Members []Member `json:"members"` // the first general.roomStatusLimit
}

// Member is a member of a room.
type Member struct {
	ID      string         `json:"id"`
	Node    string         `json:"node"`
	Details map[string]any `json:"details,omitempty"`
}

// Keys is the answer to GET /cache.
type Keys struct {
	Keys []string `json:"keys"` // sorted
	More bool     `json:"more"` // there are more than these
}

// Entry is a value of the cache, in the answer to GET /cache/entry.
type Entry struct {
	Value   json.RawMessage `json:"value"`
	Created time.Time       `json:"created"`
	Expires time.Time       `json:"expires,omitzero"` // zero: never
}

// NewEntry is the body of PUT /cache/entry.
type NewEntry struct {
	Key   string          `json:"key"`
	Value json.RawMessage `json:"value"`
	TTL   time.Duration   `json:"ttl,omitempty"` // 0: the value never expires
}
