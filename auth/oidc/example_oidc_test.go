package oidc_test

import (
	"context"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/auth/oidc"
)

// The tokens of an issuer identify the callers. The roles are in a claim of the issuer.
func ExampleJWT() {
	_ = actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Authenticated),
		oidc.JWT(oidc.JWTConfig{
			Issuer:   "https://login.example.com/realms/main",
			Audience: []string{"tickets"},
			Identity: func(ctx context.Context, claims map[string]any) (actionhero.Identity, error) {
				who, err := oidc.Subject(ctx, claims)
				if groups, ok := claims["groups"].([]any); ok {
					for _, group := range groups {
						if name, ok := group.(string); ok {
							who.Roles = append(who.Roles, name)
						}
					}
				}
				return who, err
			},
		}),
	}
}

// A page links to /auth/login. After the login at the issuer, the user has a session.
func ExampleLogin() {
	sessions := auth.NewSessions(auth.SessionConfig{})
	_ = actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Authenticated),
		sessions,
		oidc.Login(oidc.LoginConfig{
			Issuer:      "https://login.example.com/realms/main",
			ClientID:    "tickets",
			RedirectURL: "https://tickets.example.com/auth/callback",
			Sessions:    sessions,
		}),
	}
}
