package testkit

import (
	"context"

	"github.com/actionhero-go/actionhero"
)

// Gate is the action "gate", with which a test blocks requests. Each call of the action sends a value on the channel
// Begun and then blocks until the gate is open or the context of the call is done.
type Gate struct {
	Begun chan struct{}
	open  chan struct{}
}

// NewGate returns a closed Gate.
func NewGate() *Gate { return &Gate{make(chan struct{}, 10_000), make(chan struct{})} }

// Open opens the gate: all blocked and all later calls of the action return.
func (g *Gate) Open() { close(g.open) }

// Pass lets one call of the action return. It blocks until a call is blocked at the gate.
func (g *Gate) Pass() { g.open <- struct{}{} }

// Action returns the action "gate" as a part for a server.
func (g *Gate) Action() actionhero.Part {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: "gate", Description: "Waits until the gate is open",
		Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
			g.Begun <- struct{}{}
			select {
			case <-g.open:
			case <-ctx.Done():
			}
			return n, ctx.Err()
		},
	}
}
