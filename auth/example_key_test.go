package auth_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"os"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend/local"
)

// An app makes a key for a user and shows it once. Requests with the key come from the user.
func ExampleNewKeys() {
	folder, _ := os.MkdirTemp("", "keys")
	defer os.RemoveAll(folder)
	keys := auth.NewKeys(auth.KeyConfig{Store: auth.KeysInFolder(folder)})
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, keys, actionhero.DefaultAccess(actionhero.Authenticated))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	text, key, err := keys.Create(ctx, api, auth.KeySpec{Owner: "ann", Name: "laptop", Scopes: []string{"tickets:read"}})
	fmt.Println(len(text), key.Name, err)
	fmt.Println(keys.Revoke(ctx, api, "ak_aaaaaaaaaaaa"))
	// Output:
	// 49 laptop <nil>
	// there is no such API key
}

// A function of the app finds the caller with a token.
func ExampleBearer() {
	tokens := map[string]string{"s3cret": "ann"} // a table of a database in a real app
	_ = auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
		user, known := tokens[token]
		if !known {
			return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "the token is not valid")
		}
		return actionhero.Identity{ID: user}, nil
	})
}

// A function of the app finds the caller with a certificate. The setting httpsServer.clientCAFile names who signs them.
func ExampleClientCert() {
	_ = auth.ClientCert(func(_ context.Context, cert *x509.Certificate) (actionhero.Identity, error) {
		return actionhero.Identity{ID: cert.Subject.CommonName, Roles: []string{"machine"}}, nil
	})
}

// A function of the app checks a name and a password.
func ExampleBasic() {
	hashes := map[string]string{} // by name; a table of a database in a real app
	_ = auth.Basic(auth.BasicConfig{Realm: "tickets", Check: func(ctx context.Context, name, password string) (actionhero.Identity, error) {
		if err := auth.CheckPassword(ctx, hashes[name], password); err != nil {
			return actionhero.Identity{}, err
		}
		return actionhero.Identity{ID: name}, nil
	}})
}
