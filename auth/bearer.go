package auth

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"github.com/actionhero-go/actionhero"
)

// maxToken is the length of a token in bytes above which it is refused unread.
const maxToken = 16 << 10

// Bearer returns a part that knows callers by tokens of any kind: find returns the caller with a token. A client sends its
// token in the header "Authorization: Bearer TOKEN", over HTTP and to open a WebSocket, or as token in the object auth of
// Socket.IO. find is called for each request over HTTP, and once for each persistent connection.
//
// If find returns the zero Identity, the next [actionhero.Authenticator] is asked. For a wrong token, return an
// actionhero.Error of CodeUnauthenticated. Any other error means that the token cannot be checked now. A token has at most
// 16 KiB. List [Keys] before a Bearer, because find gets the API keys that no part before it has taken.
func Bearer(find func(ctx context.Context, token string) (actionhero.Identity, error)) actionhero.Part {
	cfg := BearerConfig{Description: "A token."}
	if find != nil {
		cfg.Check = func(ctx context.Context, _ *actionhero.Credentials, token string) (actionhero.Identity, error) {
			return find(ctx, token)
		}
	}
	return NewBearer(cfg)
}

// BearerConfig has the choices of [NewBearer]. Check is required.
type BearerConfig struct {
	Name        string // of the security scheme in the documents of the app; default: "bearer"
	Prefix      string // the beginning of the tokens; others are left to the next [actionhero.Authenticator]; default: none
	Description string // of the tokens, for the documents of the app; one sentence
	// Check returns the caller with a token, as the function of [Bearer] does. It also gets all else that the client has sent.
	Check func(ctx context.Context, c *actionhero.Credentials, token string) (actionhero.Identity, error)
}

// NewBearer is [Bearer] for one kind of tokens.
func NewBearer(cfg BearerConfig) actionhero.Part {
	name := cmp.Or(cfg.Name, "bearer")
	authenticate := func(ctx context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
		token, given := tokenOf(c)
		switch {
		case !given || cfg.Prefix != "" && !strings.HasPrefix(token, cfg.Prefix):
			return actionhero.Identity{}, nil
		case token == "" || len(token) > maxToken:
			return actionhero.Identity{}, errWrongToken
		}
		who, err := cfg.Check(ctx, c, token)
		return who, asInvalid(err)
	}
	return scheme(name, "Bearer", needed(cfg.Check != nil), authenticate,
		actionhero.SecurityScheme{Name: name, Type: "http", Scheme: "bearer", Description: cfg.Description})
}

var errWrongToken = invalid("the token is not valid")

// schemes counts the parts made by scheme, because each initializer of an app needs a name of its own.
var schemes atomic.Int64

// needed returns an error if the function that finds a caller is missing.
func needed(is bool) error {
	if is {
		return nil
	}
	return errors.New("the function that finds the caller is nil")
}

// scheme returns a part with an authenticator and the challenge of its HTTP authentication scheme, if it has one. If wrong
// is not nil, it is the error of the registration. shown describes it to clients.
func scheme(name, challenge string, wrong error, authenticate actionhero.Authenticator, shown actionhero.SecurityScheme) actionhero.Part {
	return actionhero.Initializer{
		Name:  fmt.Sprintf("auth.%s:%d", name, schemes.Add(1)),
		Parts: actionhero.Parts{authenticate, shown},
		Setup: func(api *actionhero.API) error {
			if wrong != nil {
				return wrong
			}
			if challenge != "" {
				useChallenge(api, challenge)
			}
			return nil
		},
	}
}

// tokenOf returns the bearer token among the credentials.
func tokenOf(c *actionhero.Credentials) (token string, given bool) {
	if token, given = bearerToken(c.Header("Authorization")); given {
		return token, true
	}
	token = c.Bearer()
	return token, token != ""
}

// bearerToken returns the token in a header Authorization with the scheme Bearer.
func bearerToken(header string) (token string, given bool) {
	return withScheme("Bearer", header)
}

// withScheme returns the rest of a header Authorization with this scheme, whose case does not matter.
func withScheme(name, header string) (rest string, given bool) {
	scheme, rest, _ := strings.Cut(header, " ")
	return strings.TrimSpace(rest), strings.EqualFold(scheme, name)
}
