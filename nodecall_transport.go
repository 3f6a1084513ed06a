package actionhero

import (
	"context"
	"fmt"

	"github.com/actionhero-go/actionhero/backend"
)

// callTransport calls the function of a transport on another node. transport.Host.CallNode documents it.
func (c *Cluster) callTransport(ctx context.Context, node, name string, body []byte) ([]byte, error) {
	name = internalCalls + name
	answer, err := c.nodes.Call(ctx, node, name, body)
	if err != nil {
		return nil, clusterError(err)
	}
	return readAnswer(node, name, answer)
}

// handleTransport answers a call of a transport of another node.
func (c *Cluster) handleTransport(ctx context.Context, f func(context.Context, string, []byte) ([]byte, error), from, method string, body []byte) []byte {
	backend.Detach(ctx)
	answer, err := func() (answer []byte, err error) {
		defer func() {
			if p := recover(); p != nil {
				err = panicked(p)
				c.api.log.Error("[call]", "call", method, "from", from, "cause", failureText(err))
			}
		}()
		return f(ctx, from, body)
	}()
	if len(answer) >= backend.MaxCallBytes {
		err = fmt.Errorf("the answer of the call %s has %d bytes", method, len(answer))
	}
	if err != nil {
		return failureAnswer(AsError(err))
	}
	return append([]byte{answered}, answer...)
}
