package actions

import (
	"context"
	"crypto/subtle"

	"github.com/actionhero-go/actionhero"
)

// APIKey returns an initializer that adds a middleware. The middleware refuses every request without the key. A client
// sends the key as the param "apiKey" on any transport, or as the header X-Api-Key over HTTP. If key is empty, no
// request is refused.
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
