package oidc_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth/oidc"
	"github.com/actionhero-go/actionhero/backend/local"
)

const ours = "https://login.example.com"

type caller struct {
	Who    string    `json:"who"`
	Scopes []string  `json:"scopes"`
	Email  any       `json:"email"`
	End    time.Time `json:"end"`
}

// app returns a started API with an action that answers who has called.
func app(t testing.TB, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	return actionherotest.New(t, append(parts, actionhero.DefaultAccess(actionhero.Authenticated), actionhero.Action[actionhero.None, caller]{
		Name: "whoami", Kind: actionhero.KindRead,
		Run: func(ctx context.Context, _ actionhero.None) (caller, error) {
			who := actionhero.IdentityFrom(ctx)
			return caller{who.ID, who.Scopes, who.Claims["email"], who.ExpiresAt}, nil
		},
	})...)
}

func whoami(t testing.TB, api *actionhero.API, token string) (c caller, err error) {
	t.Helper()
	out, err := actionherotest.Run(t, api, "whoami", nil, actionherotest.WithHeader("Authorization", "Bearer "+token))
	if err == nil {
		err = json.Unmarshal(out, &c)
	}
	return c, err
}

func refused(t testing.TB, what string, err error, code actionhero.Code, text string) {
	t.Helper()
	if e, ok := errors.AsType[*actionhero.Error](err); !ok || e.Code != code || e.Message != text {
		t.Errorf("%s: %v, want %s", what, err, text)
	}
}

const (
	notValid = "the token is not valid"
	logIn    = "you must log in to do this"
)

// A token with a right signature makes its subject known, until the token ends.
func TestATokenOfTheIssuerIdentifiesItsSubject(t *testing.T) {
	t.Parallel()
	ec, ed := ecKey(t), edKey(t)
	is := newIssuer(ours, public("r", rsaKey().Public()), public("e", ec.Public()), public("d", ed.Public()))
	api := app(t, oidc.JWT(oidc.JWTConfig{Issuer: ours, Audience: []string{"other", "app"}, Client: is.client()}))
	end := time.Now().Add(time.Hour).Truncate(time.Second)
	for name, token := range map[string]string{
		"RS256":       sign(t, jose.RS256, "r", rsaKey(), claims(ours, nil)),
		"PS256":       sign(t, jose.PS256, "r", rsaKey(), claims(ours, nil)),
		"ES256":       sign(t, jose.ES256, "e", ec, claims(ours, nil)),
		"EdDSA":       sign(t, jose.EdDSA, "d", ed, claims(ours, nil)),
		"no key id":   sign(t, jose.ES256, "", ec, claims(ours, nil)),
		"audiences":   sign(t, jose.ES256, "e", ec, claims(ours, map[string]any{"aud": []string{"x", "app"}})),
		"just begun":  sign(t, jose.ES256, "e", ec, claims(ours, map[string]any{"nbf": time.Now().Add(3 * time.Second).Unix()})),
		"a scp claim": sign(t, jose.ES256, "e", ec, claims(ours, map[string]any{"scope": nil, "scp": []string{"tickets:read", "tickets:write"}})),
	} {
		c, err := whoami(t, api, token)
		late := c.End.Sub(end)
		if err != nil || c.Who != "ann" || c.Email != "ann@example.com" || strings.Join(c.Scopes, " ") != "tickets:read tickets:write" || late < 0 || late > 20*time.Second {
			t.Errorf("%s: %+v, %v", name, c, err)
		}
	}
	if n := is.fetches.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times", n)
	}
}

// Every token that the issuer has not made for this app, or not for now, is refused.
func TestForgedTokensAreRefused(t *testing.T) {
	t.Parallel()
	ec, foreign := ecKey(t), ecKey(t)
	weak, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	is := newIssuer(ours, public("r", rsaKey().Public()), public("e", ec.Public()), public("weak", weak.Public()),
		jose.JSONWebKey{KeyID: "secret", Key: []byte(strings.Repeat("s", 32))}, jose.JSONWebKey{KeyID: "enc", Key: ec.Public(), Use: "enc"},
		jose.JSONWebKey{KeyID: "only384", Key: ec.Public(), Algorithm: "ES384"})
	api := app(t, oidc.JWT(oidc.JWTConfig{Issuer: ours, Audience: []string{"app"}, Client: is.client()}))
	good := claims(ours, nil)
	der, err := x509.MarshalPKIXPublicKey(rsaKey().Public())
	if err != nil {
		t.Fatal(err)
	}
	asPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	token := sign(t, jose.ES256, "e", ec, good)
	parts := strings.Split(token, ".")
	encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	changed, err := json.Marshal(claims(ours, map[string]any{"sub": "admin"}))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	with := func(changes map[string]any) string { return sign(t, jose.ES256, "e", ec, claims(ours, changes)) }
	for name, c := range map[string]struct{ token, text string }{
		"alg none":                          {encode(`{"alg":"none"}`) + "." + parts[1] + ".", notValid},
		"alg None":                          {encode(`{"alg":"None","kid":"e"}`) + "." + parts[1] + "." + parts[2], notValid},
		"HS256 with the RSA key as PEM":     {sign(t, jose.HS256, "r", asPEM, good), notValid},
		"HS256 with the RSA key as DER":     {sign(t, jose.HS256, "r", der, good), notValid},
		"HS256 with a secret of the set":    {sign(t, jose.HS256, "secret", []byte(strings.Repeat("s", 32)), good), notValid},
		"an algorithm that is not accepted": {sign(t, jose.RS512, "r", rsaKey(), good), notValid},
		"a key for encryption":              {sign(t, jose.ES256, "enc", ec, good), notValid},
		"a key for another algorithm":       {sign(t, jose.ES256, "only384", ec, good), notValid},
		"a weak key":                        {sign(t, jose.RS256, "weak", weak, good), notValid},
		"a key of another issuer":           {sign(t, jose.ES256, "e", foreign, good), notValid},
		"the id of an unknown key":          {sign(t, jose.ES256, "foreign", foreign, good), notValid},
		"the id of a key of another type":   {sign(t, jose.ES256, "r", ec, good), notValid},
		"another payload":                   {parts[0] + "." + encode(string(changed)) + "." + parts[2], notValid},
		"no signature":                      {parts[0] + "." + parts[1] + ".", notValid},
		"another audience":                  {with(map[string]any{"aud": "other"}), notValid},
		"no audience":                       {with(map[string]any{"aud": nil}), notValid},
		"another issuer":                    {sign(t, jose.ES256, "e", ec, claims("https://evil.example.com", nil)), logIn},
		"the issuer with a slash":           {sign(t, jose.ES256, "e", ec, claims(ours+"/", nil)), logIn},
		"no issuer":                         {with(map[string]any{"iss": nil}), logIn},
		"no subject":                        {with(map[string]any{"sub": nil}), notValid},
		"an empty subject":                  {with(map[string]any{"sub": ""}), notValid},
		"no end":                            {with(map[string]any{"exp": nil}), notValid},
		"expired":                           {with(map[string]any{"exp": now.Add(-time.Minute).Unix()}), "the token has expired"},
		"not yet":                           {with(map[string]any{"nbf": now.Add(time.Minute).Unix()}), notValid},
		"made in the future":                {with(map[string]any{"iat": now.Add(time.Hour).Unix()}), notValid},
		"an end that is a text":             {with(map[string]any{"exp": "tomorrow"}), notValid},
		"huge":                              {with(map[string]any{"x": strings.Repeat("x", 20_000)}), notValid},
		"not a token":                       {"a.b.c", logIn},
		"JSON serialization":                {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, logIn},
	} {
		_, err := whoami(t, api, c.token)
		refused(t, name, err, actionhero.CodeUnauthenticated, c.text)
	}
	_, err = actionherotest.Run(t, api, "whoami", map[string]any{"access_token": token})
	refused(t, "a token in the query", err, actionhero.CodeUnauthenticated, logIn)
	if _, err := whoami(t, api, token); err != nil {
		t.Errorf("the good token is refused: %v", err)
	}
}

// Two issuers have keys of the same ids: each token is checked with the keys of its own issuer.
func TestIssuersAreNotMixedUp(t *testing.T) {
	t.Parallel()
	const theirs = "https://other.example.com"
	first, second := ecKey(t), ecKey(t)
	prefixed := func(ctx context.Context, claims map[string]any) (actionhero.Identity, error) {
		who, err := oidc.Subject(ctx, claims)
		who.ID = "other:" + who.ID
		return who, err
	}
	api := app(t,
		oidc.JWT(oidc.JWTConfig{Issuer: ours, Audience: []string{"app"}, Client: newIssuer(ours, public("k", first.Public())).client()}),
		oidc.JWT(oidc.JWTConfig{Issuer: theirs, Audience: []string{"app"}, Keys: map[string]crypto.PublicKey{"k": second.Public()}, Identity: prefixed}))
	if c, err := whoami(t, api, sign(t, jose.ES256, "k", first, claims(ours, nil))); err != nil || c.Who != "ann" {
		t.Error(c, err)
	}
	if c, err := whoami(t, api, sign(t, jose.ES256, "k", second, claims(theirs, nil))); err != nil || c.Who != "other:ann" {
		t.Error(c, err)
	}
	_, err := whoami(t, api, sign(t, jose.ES256, "k", second, claims(ours, nil)))
	refused(t, "signed by the other issuer", err, actionhero.CodeUnauthenticated, notValid)
	_, err = whoami(t, api, sign(t, jose.ES256, "k", first, claims(theirs, nil)))
	refused(t, "signed by our issuer for the other", err, actionhero.CodeUnauthenticated, notValid)
}

// A new key of the issuer works after half a minute at most. A storm of unknown keys causes one fetch in that time.
func TestKeysAreFetchedAgainWithALimit(t *testing.T) {
	t.Parallel()
	first, second := ecKey(t), ecKey(t)
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer(ours, public("1", first.Public()))
		api := app(t, oidc.JWT(oidc.JWTConfig{Issuer: ours, Audience: []string{"app"}, Client: is.client()}))
		old := sign(t, jose.ES256, "1", first, claims(ours, map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix()}))
		if _, err := whoami(t, api, old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		var wg sync.WaitGroup
		for i := range 200 {
			wg.Go(func() {
				_, err := whoami(t, api, sign(t, jose.ES256, "unknown"+string(rune('a'+i%26)), second, claims(ours, nil)))
				refused(t, "an unknown key", err, actionhero.CodeUnauthenticated, notValid)
			})
		}
		wg.Wait()
		if n := is.fetches.Load(); n != 2 {
			t.Errorf("200 tokens with unknown keys cause %d fetches", n-1)
		}
		is.set(func() { is.keys = []jose.JSONWebKey{public("2", second.Public())} })
		time.Sleep(30 * time.Second)
		if _, err := whoami(t, api, sign(t, jose.ES256, "2", second, claims(ours, nil))); err != nil {
			t.Errorf("the new key: %v", err)
		}
		_, err := whoami(t, api, old)
		refused(t, "a token with the removed key", err, actionhero.CodeUnauthenticated, notValid)
	})
}

// While the issuer is down, its keys count for a day. Without keys, the answer says that they are missing.
func TestAnIssuerThatIsDown(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	synctest.Test(t, func(t *testing.T) {
		is := newIssuer(ours, public("1", key.Public()))
		is.down = true
		api := app(t, oidc.JWT(oidc.JWTConfig{Issuer: ours, Audience: []string{"app"}, Client: is.client()}))
		token := sign(t, jose.ES256, "1", key, claims(ours, map[string]any{"exp": time.Now().Add(100 * time.Hour).Unix()}))
		const missing = "the keys of the issuer cannot be read now"
		_, err := whoami(t, api, token)
		refused(t, "before the first fetch", err, actionhero.CodeUnavailable, missing)
		is.set(func() { is.down = false })
		time.Sleep(5 * time.Second)
		if _, err := whoami(t, api, token); err != nil {
			t.Errorf("after the outage: %v", err)
		}
		is.set(func() { is.down = true })
		for range 23 {
			time.Sleep(time.Hour)
			if _, err := whoami(t, api, token); err != nil {
				t.Fatalf("within a day: %v", err)
			}
		}
		time.Sleep(2 * time.Hour)
		_, err = whoami(t, api, token)
		refused(t, "after a day", err, actionhero.CodeUnavailable, missing)
	})
}

// Answers of an issuer that are too large, redirected, of another issuer or malformed are no keys.
func TestWrongAnswersOfAnIssuerAreRefused(t *testing.T) {
	t.Parallel()
	key := ecKey(t)
	token := sign(t, jose.ES256, "1", key, claims(ours, nil))
	for name, handler := range map[string]http.HandlerFunc{
		"too large": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(`{"keys":[` + strings.Repeat(" ", 2<<20) + `]}`))
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://evil.example.com/keys", http.StatusFound)
		},
		"no JSON":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) },
		"an error": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) },
		"no keys":  func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"keys":[{"kty":"new"}]}`)) },
	} {
		is := newIssuer(ours, public("1", key.Public()))
		is.mux.HandleFunc("/wrong", handler)
		api := app(t, oidc.JWT(oidc.JWTConfig{Issuer: ours, Audience: []string{"app"}, KeysURL: ours + "/wrong", Client: is.client()}))
		_, err := whoami(t, api, token)
		refused(t, name, err, actionhero.CodeUnavailable, "the keys of the issuer cannot be read now")
	}
	for member, value := range map[string]any{"issuer": "https://evil.example.com", "jwks_uri": "http://login.example.com/keys"} {
		is := newIssuer(ours, public("1", key.Public()))
		is.meta[member] = value
		api := app(t, oidc.JWT(oidc.JWTConfig{Issuer: ours, Audience: []string{"app"}, Client: is.client()}))
		_, err := whoami(t, api, token)
		refused(t, member, err, actionhero.CodeUnavailable, "the keys of the issuer cannot be read now")
	}
}

// A wrong declaration is refused at the start.
func TestAWrongJWTConfigIsRefused(t *testing.T) {
	t.Parallel()
	audience := []string{"app"}
	for want, cfg := range map[string]oidc.JWTConfig{
		`JWTConfig.Issuer is ""`:                         {Audience: audience},
		`JWTConfig.Issuer is "http://login.example.com"`: {Issuer: "http://login.example.com", Audience: audience},
		"JWTConfig.Audience is missing":                  {Issuer: ours},
		`JWTConfig.Algorithms has "none"`:                {Issuer: ours, Audience: audience, Algorithms: []string{"none"}},
		`JWTConfig.Algorithms has "HS256"`:               {Issuer: ours, Audience: audience, Algorithms: []string{"ES256", "HS256"}},
		"JWTConfig.Leeway is 1h0m0s":                     {Issuer: ours, Audience: audience, Leeway: time.Hour},
		"JWTConfig has Keys and a KeysURL":               {Issuer: ours, Audience: audience, KeysURL: ours, Keys: map[string]crypto.PublicKey{"": ecKey(t).Public()}},
		`JWTConfig.KeysURL is "keys"`:                    {Issuer: ours, Audience: audience, KeysURL: "keys"},
		`JWTConfig.Keys has the key "k", a []uint8`:      {Issuer: ours, Audience: audience, Keys: map[string]crypto.PublicKey{"k": []byte("secret")}},
	} {
		_, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{})}, oidc.JWT(cfg), actionhero.DefaultAccess(actionhero.Public))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
}
