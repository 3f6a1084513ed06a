package auth

import (
	"context"

	"github.com/actionhero-go/actionhero"
)

// KeyLogin is the input of the action of [Keys.LoginAction].
type KeyLogin struct {
	Key string `json:"key" required:"true" maxLength:"256" secret:"true" doc:"an API key"`
}

// KeyLoginOutput is the output of the action of [Keys.LoginAction].
type KeyLoginOutput struct {
	ID string `json:"id"` // of the caller
}

// LoginAction returns an action with which a persistent client gives its key: over TCP, which has no headers, and from a
// browser, which sends no headers with a WebSocket. All requests of the connection that follow come from the caller with
// the key.
func (k *Keys) LoginAction(name string) actionhero.Part {
	return actionhero.Action[KeyLogin, KeyLoginOutput]{
		Name: name, Description: "log this connection in with an API key", Access: actionhero.Public,
		Transports: []string{actionhero.TransportTCP, actionhero.TransportWebSocket, actionhero.TransportSocketIO},
		Run:        k.login,
	}
}

func (k *Keys) login(ctx context.Context, in KeyLogin) (KeyLoginOutput, error) {
	req := actionhero.RequestFrom(ctx)
	n, err := k.node(req.API)
	if err != nil {
		return KeyLoginOutput{}, err
	}
	var who actionhero.Identity
	err = req.Identify(ctx, func(ctx context.Context) (_ actionhero.Identity, err error) {
		if who, err = n.check(ctx, in.Key); err == nil && req.Conn != nil {
			k.of.Set(req.Conn, connKey{KeyIDOf(who), who.ID})
		}
		return who, err
	})
	if err != nil {
		return KeyLoginOutput{}, err
	}
	if req.Conn != nil {
		n.confirm(ctx, req.Conn)
	}
	return KeyLoginOutput{ID: who.ID}, nil
}
