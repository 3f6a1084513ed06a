package auth_test

import (
	"context"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
)

// A login is not repeated for an idempotency key: the repeat would give the cookie of a session to another client.
func TestALoginIsNotRepeatedForAKey(t *testing.T) {
	t.Parallel()
	sessions := auth.NewSessions(auth.SessionConfig{})
	login := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "login", Access: actionhero.Public, IdempotencyKey: actionhero.KeyOptional,
		Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
			return none, sessions.Login(ctx, actionhero.Identity{ID: "ann"})
		},
	}
	api := actionherotest.New(t, sessions, actionhero.DefaultAccess(actionhero.Authenticated), login)
	_, err := actionherotest.Run(t, api, "login", nil)
	if e := actionhero.AsError(err); e == nil || e.Code != actionhero.CodeInternal || !strings.Contains(e.Err.Error(), "leave IdempotencyKey out") {
		t.Errorf("the login returns %v", err)
	}
}
