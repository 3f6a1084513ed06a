package oidc

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/go-jose/go-jose/v4"
)

// minRSABits is the size below which an RSA key is not used.
const minRSABits = 2048

// key is a public key of an issuer.
type key struct {
	id        string
	algorithm string // the only one that the key is for; "": any that fits its type
	public    crypto.PublicKey
}

// fits reports whether the key may check a signature with the algorithm. The type of the key decides, not the token.
func (k *key) fits(algorithm string) bool {
	if k.algorithm != "" && k.algorithm != algorithm {
		return false
	}
	switch public := k.public.(type) {
	case *rsa.PublicKey:
		return public.N != nil && public.N.BitLen() >= minRSABits && slices.Contains([]string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}, algorithm)
	case *ecdsa.PublicKey:
		curve := map[string]elliptic.Curve{"ES256": elliptic.P256(), "ES384": elliptic.P384(), "ES512": elliptic.P521()}[algorithm]
		return curve != nil && public.Curve == curve
	case ed25519.PublicKey:
		return algorithm == "EdDSA" && len(public) == ed25519.PublicKeySize
	}
	return false
}

// findKey returns the key with the id for the algorithm. A token without an id needs a set with one key for the algorithm.
func findKey(keys []key, id, algorithm string) *key {
	var found *key
	for i := range keys {
		k := &keys[i]
		if !k.fits(algorithm) || id != "" && k.id != id {
			continue
		}
		if id != "" {
			return k
		}
		if found != nil {
			return nil
		}
		found = k
	}
	return found
}

// staticKeys returns the keys of a declaration.
func staticKeys(public map[string]crypto.PublicKey) (keys []key) {
	for id, k := range public {
		keys = append(keys, key{id: id, public: k})
	}
	return keys
}

// fetchKeys reads a JWK set. Keys of unknown kinds, secret keys and keys for encryption are left out.
func fetchKeys(ctx context.Context, client *http.Client, url string) ([]key, error) {
	r, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := fetchJSON(ctx, client, r, &set); err != nil {
		return nil, err
	}
	var keys []key
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		if k.UnmarshalJSON(raw) != nil || !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
			continue
		}
		keys = append(keys, key{id: k.KeyID, algorithm: k.Algorithm, public: k.Key})
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("%s has no public key for signatures", url)
	}
	return keys, nil
}
