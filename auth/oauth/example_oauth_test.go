package oauth_test

import (
	"context"
	"fmt"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth/oauth"
	"github.com/actionhero-go/actionhero/backend/local"
)

// An agent with the scope "notes:read" may run the action of the rule.
func ExampleNew() {
	server := oauth.New(oauth.Config{
		Issuer: "https://app.example.com",
		Scopes: []oauth.Scope{{Name: "notes:read", Description: "read your notes"}},
	})
	notes := actionhero.Action[actionhero.None, map[string]string]{
		Name: "notes", Access: actionhero.Scopes("notes:read"),
		Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			who := actionhero.IdentityFrom(ctx)
			return map[string]string{"of": who.ID, "by": oauth.ClientIDOf(who)}, nil
		},
	}
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, server, notes, actionhero.DefaultAccess(actionhero.Authenticated))
	if err != nil {
		panic(err)
	}
	grants, err := server.List(context.Background(), api, "ann") // for a page on which users see and revoke them
	fmt.Println(len(grants), err)
	// Output: 0 <nil>
}
