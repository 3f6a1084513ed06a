package actions

import (
	"context"
	"crypto/subtle"

	"github.com/actionhero-go/actionhero"
)

// APIKey refuses requests without the key, which clients send as the param apiKey on any transport, or as the header
// X-Api-Key over HTTP. An empty key admits every request.
func APIKey(key string) actionhero.Initializer {
	return actionhero.Initializer{
		Name: "apiKey",
		Setup: func(api *actionhero.API) error {
			if key == "" {
				return nil
			}
			api.AcceptSecret("apiKey")
			api.Use(func(next actionhero.Handler) actionhero.Handler {
				return func(ctx context.Context, req *actionhero.Request) (any, error) {
					sent := req.Params.Get("apiKey")
					if sent == "" {
						sent = req.Header("X-Api-Key")
					}
					if subtle.ConstantTimeCompare([]byte(sent), []byte(key)) != 1 {
						return nil, actionhero.Errorf(actionhero.CodeUnauthenticated, "an apiKey is required")
					}
					return next(ctx, req)
				}
			})
			return nil
		},
	}
}
