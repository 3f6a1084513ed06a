package oidc

import (
	"context"
	"crypto"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// algorithms are the signatures that a token may have: all of them have a public key.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// defaultAlgorithms are used if a declaration names none.
var defaultAlgorithms = []string{"RS256", "PS256", "ES256", "EdDSA"}

const (
	defaultLeeway = 10 * time.Second
	maxLeeway     = 5 * time.Minute
)

// metadata is a part of the metadata of an issuer (OpenID Connect Discovery 1.0, section 3).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	SendsIssuer   bool     `json:"authorization_response_iss_parameter_supported"` // RFC 9207
}

// issuer checks the tokens of one issuer.
type issuer struct {
	name       string
	algorithms []jose.SignatureAlgorithm
	leeway     time.Duration
	client     *http.Client
	meta       *fetched[metadata]
	keys       *fetched[[]key]
}

// issuerConfig is the part of a declaration that is about the issuer.
type issuerConfig struct {
	kind       string // of the declaration, for errors
	name       string
	algorithms []string
	leeway     time.Duration
	keysURL    string
	static     map[string]crypto.PublicKey
	client     *http.Client
}

func newIssuer(c issuerConfig) (*issuer, error) {
	if err := checkURL(c.kind+".Issuer", c.name); err != nil {
		return nil, err
	}
	if c.leeway == 0 {
		c.leeway = defaultLeeway
	}
	if c.leeway < 0 || c.leeway > maxLeeway {
		return nil, fmt.Errorf("%s.Leeway is %v: use a time from 1ns to %v", c.kind, c.leeway, maxLeeway)
	}
	if len(c.algorithms) == 0 {
		c.algorithms = defaultAlgorithms
	}
	is := &issuer{name: c.name, leeway: c.leeway, client: newClient(c.client)}
	for _, name := range c.algorithms {
		if !slices.Contains(algorithms, name) {
			return nil, fmt.Errorf("%s.Algorithms has %q: use algorithms with a public key: %s", c.kind, name, strings.Join(algorithms, ", "))
		}
		is.algorithms = append(is.algorithms, jose.SignatureAlgorithm(name))
	}
	is.meta = &fetched[metadata]{fetch: is.discover}
	return is, is.useKeys(c)
}

// useKeys sets the origin of the keys: the declaration, a URL in it, or the metadata of the issuer.
func (is *issuer) useKeys(c issuerConfig) error {
	switch {
	case c.static != nil && c.keysURL != "":
		return fmt.Errorf("%s has Keys and a KeysURL: use one of them", c.kind)
	case c.static != nil:
		keys := staticKeys(c.static)
		for _, k := range keys {
			if !slices.ContainsFunc(is.algorithms, func(a jose.SignatureAlgorithm) bool { return k.fits(string(a)) }) {
				return fmt.Errorf("%s.Keys has the key %q, a %T that fits none of the Algorithms: use an *rsa.PublicKey of %d bits or more, an *ecdsa.PublicKey or an ed25519.PublicKey", c.kind, k.id, k.public, minRSABits)
			}
		}
		is.keys = &fetched[[]key]{fetch: func(context.Context) ([]key, error) { return keys, nil }}
	case c.keysURL != "":
		if err := checkURL(c.kind+".KeysURL", c.keysURL); err != nil {
			return err
		}
		is.keys = &fetched[[]key]{fetch: func(ctx context.Context) ([]key, error) { return fetchKeys(ctx, is.client, c.keysURL) }}
	default:
		is.keys = &fetched[[]key]{fetch: func(ctx context.Context) ([]key, error) {
			meta, err := is.metadata(ctx)
			if err != nil {
				return nil, err
			}
			return fetchKeys(ctx, is.client, meta.Keys)
		}}
	}
	return nil
}

// metadata returns the metadata of the issuer.
func (is *issuer) metadata(ctx context.Context) (metadata, error) {
	return is.meta.get(ctx, func(metadata) bool { return true })
}

// discover fetches the metadata. They must be of this issuer: else another one could replace its keys.
func (is *issuer) discover(ctx context.Context) (metadata, error) {
	var meta metadata
	r, err := http.NewRequest(http.MethodGet, strings.TrimSuffix(is.name, "/")+"/.well-known/openid-configuration", nil)
	if err == nil {
		err = fetchJSON(ctx, is.client, r, &meta)
	}
	if err == nil && meta.Issuer != is.name {
		err = fmt.Errorf("%s has the metadata of the issuer %q", r.URL, meta.Issuer)
	}
	if err == nil {
		err = checkURL("jwks_uri of the issuer", meta.Keys)
	}
	return meta, err
}

var (
	errToken   = actionhero.Errorf(actionhero.CodeUnauthenticated, "the token is not valid")
	errExpired = actionhero.Errorf(actionhero.CodeUnauthenticated, "the token has expired")
)

// because returns the error e for a client, with a cause for the log.
func because(e *actionhero.Error, cause error) error {
	return &actionhero.Error{Code: e.Code, Message: e.Message, Err: cause}
}

// verify checks a token for one of the audiences, and returns its claims and its end.
func (is *issuer) verify(ctx context.Context, token string, audiences []string) (claims map[string]any, end time.Time, err error) {
	parsed, err := jwt.ParseSigned(token, is.algorithms)
	if err != nil {
		return nil, end, because(errToken, err)
	}
	if len(parsed.Headers) != 1 {
		return nil, end, errToken
	}
	id, algorithm := parsed.Headers[0].KeyID, parsed.Headers[0].Algorithm
	keys, err := is.keys.get(ctx, func(keys []key) bool { return findKey(keys, id, algorithm) != nil })
	if err != nil {
		return nil, end, &actionhero.Error{Code: actionhero.CodeUnavailable, Message: "the keys of the issuer cannot be read now", Err: err}
	}
	k := findKey(keys, id, algorithm)
	if k == nil {
		return nil, end, because(errToken, errors.New("the issuer has no such key"))
	}
	var standard jwt.Claims
	if err := parsed.Claims(k.public, &standard, &claims); err != nil {
		return nil, end, because(errToken, err)
	}
	end, err = is.validate(&standard, audiences)
	return claims, end, err
}

// validate checks the registered claims of a token whose signature is right.
func (is *issuer) validate(claims *jwt.Claims, audiences []string) (end time.Time, err error) {
	switch {
	case claims.Subject == "" || claims.Expiry == nil:
		return end, because(errToken, errors.New("the token has no sub or no exp"))
	case claims.Issuer != is.name:
		return end, because(errToken, jwt.ErrInvalidIssuer)
	}
	err = claims.ValidateWithLeeway(jwt.Expected{AnyAudience: audiences, Time: time.Now()}, is.leeway)
	switch {
	case errors.Is(err, jwt.ErrExpired):
		return end, because(errExpired, err)
	case err != nil:
		return end, because(errToken, err)
	}
	return claims.Expiry.Time().Add(is.leeway), nil
}
