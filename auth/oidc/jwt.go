package oidc

import (
	"context"
	"crypto"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
)

// JWTConfig is the declaration of the tokens of an issuer, for [JWT].
type JWTConfig struct {
	// Issuer is the claim iss of the tokens, letter by letter: a URL with https, or with http to this machine. Required.
	Issuer string
	// Audience are the names of this app at the issuer. A token must be for one of them (claim aud). Required.
	Audience []string
	// KeysURL has the public keys (a JWK set). Default: jwks_uri of the metadata of the Issuer.
	KeysURL string
	// Keys are the public keys by their ids (kid), instead of a URL. The id "" is for tokens without one.
	Keys map[string]crypto.PublicKey
	// Algorithms are the signatures that are accepted: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA.
	// Default: RS256, PS256, ES256, EdDSA.
	Algorithms []string
	// Leeway is the difference between the clocks of the issuer and the server, at most 5 minutes. Default: 10 seconds.
	Leeway time.Duration
	// Identity returns the caller with the claims of a token. An error refuses the token. The identity ends with the token
	// at the latest. Default: [Subject].
	Identity func(ctx context.Context, claims map[string]any) (actionhero.Identity, error)
	// Client makes the requests to the issuer. They follow no redirect, take at most 10 seconds and read at most 1 MiB.
	// Default: a client of its own.
	Client *http.Client
}

// JWT returns a part that knows callers by the tokens (JWT, RFC 7519) of an issuer. A client sends its token as to
// [auth.Bearer]. A token of another issuer, or of another kind, is left to the next [actionhero.Authenticator]. A token must
// have the claims iss, aud, sub and exp.
//
// Keys are fetched when a token needs them, and again after an hour, or for a token with an unknown key, but not within 30
// seconds. If the issuer cannot be reached, the keys count for 24 hours. Without keys, the error is CodeUnavailable.
func JWT(cfg JWTConfig) actionhero.Part {
	is, err := newIssuer(issuerConfig{
		kind: "JWTConfig", name: cfg.Issuer, algorithms: cfg.Algorithms, leeway: cfg.Leeway, keysURL: cfg.KeysURL, static: cfg.Keys, client: cfg.Client,
	})
	if err == nil && (len(cfg.Audience) == 0 || slices.Contains(cfg.Audience, "")) {
		err = errors.New("JWTConfig.Audience is missing or has an empty name: set the name of this app at the issuer")
	}
	identity := cfg.Identity
	if identity == nil {
		identity = Subject
	}
	find := func(ctx context.Context, token string) (actionhero.Identity, error) {
		if issuerOf(token) != is.name {
			return actionhero.Identity{}, nil
		}
		claims, end, err := is.verify(ctx, token, cfg.Audience)
		if err != nil {
			return actionhero.Identity{}, err
		}
		who, err := identity(ctx, claims)
		if err == nil && !who.Known() {
			err = errToken
		}
		if who.ExpiresAt.IsZero() || end.Before(who.ExpiresAt) {
			who.ExpiresAt = end
		}
		return who, err
	}
	return part("jwt", err, is, auth.Bearer(find))
}

// parts counts the parts of this package, because each initializer of an app needs a name of its own.
var parts atomic.Int64

// part returns the part of an issuer, whose registration fails with wrong.
func part(name string, wrong error, is *issuer, of ...actionhero.Part) actionhero.Part {
	return actionhero.Initializer{
		Name: fmt.Sprintf("oidc.%s:%d", name, parts.Add(1)), Parts: of,
		Setup: func(*actionhero.API) error { return wrong },
		Stop: func(context.Context, *actionhero.API) error {
			is.client.CloseIdleConnections()
			return nil
		},
	}
}

// issuerOf returns the claim iss of a token that is not checked yet, or "". It only decides which part checks the token.
func issuerOf(token string) string {
	_, rest, _ := strings.Cut(token, ".")
	body, _, ok := strings.Cut(rest, ".")
	if !ok {
		return ""
	}
	text, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return ""
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(text, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// Subject returns the caller of a token: its claim sub, with the scopes in the claim scope or scp, and all claims. It has
// no roles: an issuer has its own idea of roles. The subjects of two issuers may be equal: an app with several issuers sets
// an Identity function that tells them apart.
func Subject(_ context.Context, claims map[string]any) (actionhero.Identity, error) {
	id, _ := claims["sub"].(string)
	scopes := textsOf(claims["scope"])
	if scopes == nil {
		scopes = textsOf(claims["scp"])
	}
	// A claim does not become the scope that includes all others.
	scopes = slices.DeleteFunc(scopes, func(scope string) bool { return scope == actionhero.AnyScope })
	return actionhero.Identity{ID: id, Scopes: scopes, Claims: claims}, nil
}

// textsOf returns the words of a text, or the texts of a list.
func textsOf(claim any) (texts []string) {
	switch claim := claim.(type) {
	case string:
		return strings.Fields(claim)
	case []any:
		for _, entry := range claim {
			if text, ok := entry.(string); ok {
				texts = append(texts, text)
			}
		}
	}
	return texts
}
