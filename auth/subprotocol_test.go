package auth_test

import (
	"context"
	"encoding/base64"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
)

// A page sends a token or an API key with the subprotocols of its WebSocket, as the JavaScript client does.
func TestAPageSendsItsTokenAsASubprotocol(t *testing.T) {
	t.Parallel()
	keys := auth.NewKeys(auth.KeyConfig{Store: auth.KeysInFolder(t.TempDir())})
	api := actionherotest.New(t, actionhero.DefaultAccess(actionhero.Public), keys,
		auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
			return actionhero.Identity{ID: token}, nil
		}))
	key, _, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: "robot", Name: "test", Scopes: []string{"all"}})
	if err != nil {
		t.Fatal(err)
	}
	for token, want := range map[string]string{"ann": "ann", key: "robot"} {
		offer := "actionhero, bearer." + base64.RawURLEncoding.EncodeToString([]byte(token))
		c, err := actionherotest.Dial(t, api, "", &actionhero.Handshake{Header: map[string][]string{"Sec-Websocket-Protocol": {offer}}})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Identity().ID; got != want {
			t.Errorf("the client of %s is %q", want, got)
		}
	}
}
