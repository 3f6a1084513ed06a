package auth

import (
	"context"
	"strings"

	"github.com/actionhero-go/actionhero"
)

// streamBegins makes a stream with a key known to the node: it ends when the key is revoked. The key may have been revoked
// since the request was identified.
func (k *Keys) streamBegins(ctx context.Context, st *actionhero.Stream) error {
	n, err := k.node(st.Request.API)
	id := KeyIDOf(st.Request.Identity())
	if err != nil || !strings.HasPrefix(id, k.cfg.Prefix+"_") {
		return err
	}
	n.mu.Lock()
	n.streams[st] = id
	n.mu.Unlock()
	if _, err = n.find(ctx, id); isNotFound(err) {
		return errWrongKey
	}
	return err
}

func (k *Keys) streamEnds(st *actionhero.Stream) {
	n, err := k.node(st.Request.API)
	if err != nil {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.streams, st)
}

// endStreams ends the streams of this node with a key.
func (n *keyNode) endStreams(id string) {
	n.mu.Lock()
	var found []*actionhero.Stream
	for st, key := range n.streams {
		if key == id {
			found = append(found, st)
		}
	}
	n.mu.Unlock()
	for _, st := range found {
		st.End()
	}
}

// streamKeys adds the ids of the keys of all streams to ids.
func (n *keyNode) streamKeys(ids map[string]struct{}) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, id := range n.streams {
		ids[id] = struct{}{}
	}
}
