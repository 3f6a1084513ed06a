package oidc_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// rsaKey is shared, because making one takes long.
var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// fakeIssuer is an OpenID provider. Its transport answers requests without a network, so it works in a bubble.
type fakeIssuer struct {
	url     string
	mux     *http.ServeMux
	fetches atomic.Int64 // of the keys

	mu   sync.Mutex
	keys []jose.JSONWebKey
	meta map[string]any
	down bool
}

func newIssuer(url string, keys ...jose.JSONWebKey) *fakeIssuer {
	is := &fakeIssuer{url: url, keys: keys, mux: http.NewServeMux(), meta: map[string]any{
		"issuer": url, "authorization_endpoint": url + "/authorize?tenant=1", "token_endpoint": url + "/token", "jwks_uri": url + "/keys",
	}}
	is.mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		is.mu.Lock()
		defer is.mu.Unlock()
		_ = json.NewEncoder(w).Encode(is.meta)
	})
	is.mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		is.fetches.Add(1)
		is.mu.Lock()
		defer is.mu.Unlock()
		_ = json.NewEncoder(w).Encode(jose.JSONWebKeySet{Keys: is.keys})
	})
	return is
}

func (is *fakeIssuer) RoundTrip(r *http.Request) (*http.Response, error) {
	is.mu.Lock()
	down := is.down
	is.mu.Unlock()
	if down {
		return nil, http.ErrServerClosed
	}
	w := httptest.NewRecorder()
	is.mux.ServeHTTP(w, r)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

func (is *fakeIssuer) client() *http.Client { return &http.Client{Transport: is} }

// set changes the issuer.
func (is *fakeIssuer) set(change func()) {
	is.mu.Lock()
	defer is.mu.Unlock()
	change()
}

func public(id string, key crypto.PublicKey) jose.JSONWebKey {
	return jose.JSONWebKey{KeyID: id, Key: key, Use: "sig"}
}

// claims returns the claims of a good token, with changes. A nil removes a claim.
func claims(issuer string, changes map[string]any) map[string]any {
	now := time.Now()
	all := map[string]any{
		"iss": issuer, "aud": "app", "sub": "ann", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix(), "scope": "tickets:read tickets:write *",
		"email": "ann@example.com",
	}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, value any) bool { return value == nil })
	return all
}

// sign returns a token.
func sign(t testing.TB, algorithm jose.SignatureAlgorithm, id string, key any, claims map[string]any) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithType("JWT")
	if id != "" {
		options = options.WithHeader("kid", id)
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
	if err != nil {
		t.Fatal(err)
	}
	token, err := jwt.Signed(signer).Claims(claims).Serialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
