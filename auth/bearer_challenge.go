package auth

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

// wrongCredentials is the cause of an error about credentials that a client has sent.
type wrongCredentials struct{ cause error }

func (w *wrongCredentials) Error() string {
	if w.cause == nil {
		return "the client has sent wrong credentials"
	}
	return w.cause.Error()
}

func (w *wrongCredentials) Unwrap() error { return w.cause }

// invalid returns the error for wrong credentials.
func invalid(text string) error {
	return &actionhero.Error{Code: actionhero.CodeUnauthenticated, Message: text, Err: &wrongCredentials{}}
}

// asInvalid marks an error of CodeUnauthenticated as one about credentials that the client has sent.
func asInvalid(err error) error {
	e, ok := errors.AsType[*actionhero.Error](err)
	if !ok || e.Code != actionhero.CodeUnauthenticated {
		return err
	}
	marked := *e
	marked.Err = &wrongCredentials{e.Err}
	return &marked
}

// useChallenge adds the header WWW-Authenticate to each answer over HTTP that asks for credentials (RFC 9110, 11.6.1).
func useChallenge(api *actionhero.API, challenge string) {
	wrong := challenge
	if challenge == "Bearer" {
		wrong = `Bearer error="invalid_token"` // RFC 6750, 3.1
	}
	api.Use(func(next actionhero.Handler) actionhero.Handler {
		return func(ctx context.Context, req *actionhero.Request) (any, error) {
			out, err := next(ctx, req)
			if err == nil || req.Transport != actionhero.TransportWeb || req.IsInner() {
				return out, err
			}
			e, ok := errors.AsType[*actionhero.Error](err)
			if !ok || e.Code != actionhero.CodeUnauthenticated {
				return out, err
			}
			if _, sent := errors.AsType[*wrongCredentials](e.Err); sent {
				addChallenge(ctx, wrong)
			} else {
				addChallenge(ctx, challenge)
			}
			return out, err
		}
	})
}

// addChallenge adds a challenge, unless the answer has one of the same scheme: several parts may have one.
func addChallenge(ctx context.Context, challenge string) {
	const name = "WWW-Authenticate"
	scheme, _, _ := strings.Cut(challenge, " ")
	header := web.Header(ctx)
	if !slices.ContainsFunc(header.Values(name), func(has string) bool { return strings.HasPrefix(has, scheme) }) {
		header.Add(name, challenge)
	}
}
