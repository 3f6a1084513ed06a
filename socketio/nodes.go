package socketio

import (
	"context"
	"errors"
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/socketio/internal/engine"
	"github.com/actionhero-go/actionhero/transport"
)

// nodes implements engine.Nodes by calls between the nodes of the cluster.
type nodes struct {
	api  transport.Host
	name string // of the calls; the same for the same handler on all nodes
}

// join makes h answer the calls of other nodes. The handlers of one API have different names, in the order of New.
func (n *nodes) join(h *Handler) {
	n.api, n.name = h.api, transportName
	for i := 2; !n.api.HandleCalls(n.name, h.handleCall); i++ {
		n.name = transportName + strconv.Itoa(i)
	}
}

// handleCall answers a call of another node.
func (h *Handler) handleCall(ctx context.Context, from string, body []byte) ([]byte, error) {
	e := h.running.Load()
	if e == nil {
		return nil, actionhero.Errorf(actionhero.CodeUnavailable, "Socket.IO is not started")
	}
	return e.HandleCall(ctx, from, body)
}

// Tag implements engine.Nodes.
func (n nodes) Tag() uint32 { return n.api.Tag() }

// Find implements engine.Nodes.
func (n nodes) Find(ctx context.Context, tag uint32) (ids []string, err error) {
	return n.api.NodesWithTag(ctx, tag)
}

// Call implements engine.Nodes.
func (n nodes) Call(ctx context.Context, id string, message []byte) (answer []byte, err error) {
	answer, err = n.api.CallNode(ctx, id, n.name, message)
	if failure, ok := errors.AsType[*actionhero.Error](err); ok && failure.Code == actionhero.CodeNotFound {
		return nil, engine.ErrNoNode
	}
	return answer, err
}
