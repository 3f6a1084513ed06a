package testkit

import (
	"context"

	"github.com/actionhero-go/actionhero"
)

// Gate is the action "gate". A call sends on Begun and then waits until the gate is open or its context is done.
type Gate struct {
	Begun chan struct{}
	open  chan struct{}
}

// NewGate makes a gate that is shut.
func NewGate() *Gate { return &Gate{make(chan struct{}, 10_000), make(chan struct{})} }

// Open lets all calls pass.
func (g *Gate) Open() { close(g.open) }

// Pass waits for one call and lets it pass.
func (g *Gate) Pass() { g.open <- struct{}{} }

// Action is the action.
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
