package actionhero_test

import (
	"context"
	"fmt"

	"github.com/actionhero-go/actionhero"
)

// An action says who may run it. IdentityFrom returns the caller on every transport.
func ExampleRoles() {
	api, stop := startAPI(closeTicket)
	defer stop()
	ann := actionhero.WithIdentity(context.Background(), actionhero.Identity{ID: "ann", Roles: []string{"customer"}})
	bob := actionhero.WithIdentity(context.Background(), actionhero.Identity{ID: "bob", Roles: []string{"agent"}})
	for _, ctx := range []context.Context{ann, bob} {
		out, err := closeTicket.Call(ctx, api, closeInput{ID: "7"})
		fmt.Println(out["by"], err)
	}
	// Output:
	//  you are not allowed to do this
	// bob <nil>
}

type closeInput struct {
	ID string `json:"id" required:"true"`
}

var closeTicket = actionhero.Action[closeInput, map[string]string]{
	Name:   "ticketClose",
	Access: actionhero.Roles("agent", "admin"),
	Run: func(ctx context.Context, _ closeInput) (map[string]string, error) {
		return map[string]string{"by": actionhero.IdentityFrom(ctx).ID}, nil
	},
}

// The rule of an action can depend on its input.
func ExampleAllow() {
	own := actionhero.Authenticated.And(actionhero.Allow(func(_ context.Context, who actionhero.Identity, in profileInput) error {
		if who.ID != in.User && !who.HasRole("admin") {
			return actionhero.Errorf(actionhero.CodePermissionDenied, "this is the profile of %s", in.User)
		}
		return nil
	}))
	profile := actionhero.Action[profileInput, map[string]string]{
		Name: "profile", Kind: actionhero.KindRead, Access: own,
		Run: func(_ context.Context, in profileInput) (map[string]string, error) {
			return map[string]string{"name": in.User}, nil
		},
	}
	api, stop := startAPI(profile)
	defer stop()
	ctx := actionhero.WithIdentity(context.Background(), actionhero.Identity{ID: "ann"})
	_, err := profile.Call(ctx, api, profileInput{User: "bob"})
	fmt.Println(err)
	// Output: this is the profile of bob
}

type profileInput struct {
	User string `json:"user" required:"true"`
}
