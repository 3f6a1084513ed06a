package mcp_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdkauth "github.com/modelcontextprotocol/go-sdk/auth"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
)

// issuer is an authorization server: it grants each authorization to ann.
type issuer struct {
	*httptest.Server
	mu      sync.Mutex
	codes   map[string]url.Values // queries of authorizations, by code
	tokens  map[string]url.Values // the same, by token
	clients []string              // ids that have got a token
	asked   []string              // scopes of the authorizations
}

func newIssuer(t testing.TB) *issuer {
	is := &issuer{codes: map[string]url.Values{}, tokens: map[string]url.Values{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/oauth-authorization-server", is.metadata)
	mux.HandleFunc("/authorize", is.authorize)
	mux.HandleFunc("/token", is.token)
	mux.HandleFunc("/register", func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		_ = json.NewDecoder(r.Body).Decode(&body)
		body["client_id"], body["token_endpoint_auth_method"] = "registered", "none"
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(body)
	})
	is.Server = httptest.NewServer(mux)
	t.Cleanup(is.Close)
	return is
}

func (is *issuer) metadata(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{
		"issuer": is.URL, "authorization_endpoint": is.URL + "/authorize", "token_endpoint": is.URL + "/token", "registration_endpoint": is.URL + "/register",
		"response_types_supported": []string{"code"}, "code_challenge_methods_supported": []string{"S256"},
		"client_id_metadata_document_supported": true, "authorization_response_iss_parameter_supported": true,
		"token_endpoint_auth_methods_supported": []string{"client_secret_post"},
	})
}

func (is *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	is.mu.Lock()
	defer is.mu.Unlock()
	q := r.URL.Query()
	code := fmt.Sprint("code", len(is.codes))
	is.codes[code], is.asked = q, append(is.asked, q.Get("scope"))
	back := url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {is.URL}}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+back.Encode(), http.StatusFound)
}

func (is *issuer) token(w http.ResponseWriter, r *http.Request) {
	is.mu.Lock()
	defer is.mu.Unlock()
	q, ok := is.codes[r.FormValue("code")]
	proof := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !ok || q.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(proof[:]) || r.FormValue("resource") != q.Get("resource") {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	token := fmt.Sprint("token", len(is.tokens))
	is.tokens[token], is.clients = q, append(is.clients, q.Get("client_id"))
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 3600})
}

// fetch is the browser of a user, who agrees.
func (is *issuer) fetch(ctx context.Context, args *sdkauth.AuthorizationArgs) (*sdkauth.AuthorizationResult, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, args.URL, nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_ = resp.Body.Close()
	to, err := resp.Location()
	if err != nil {
		return nil, err
	}
	q := to.Query()
	return &sdkauth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
}

// bearer returns the authenticator of the app: it takes the tokens of the issuer for this audience.
func (is *issuer) bearer(audience func() string) actionhero.Part {
	return auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
		is.mu.Lock()
		defer is.mu.Unlock()
		q, ok := is.tokens[token]
		if token == "expired" {
			return actionhero.Identity{ID: "ann", ExpiresAt: time.Now().Add(-time.Second)}, nil
		}
		if !ok || q.Get("resource") != audience() {
			return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "no such token")
		}
		return actionhero.Identity{ID: "ann", Scopes: strings.Fields(q.Get("scope")), ExpiresAt: time.Now().Add(time.Hour)}, nil
	})
}

// grant makes a token for a resource, as if an agent had got it.
func (is *issuer) grant(token, resource string, scopes ...string) {
	is.mu.Lock()
	defer is.mu.Unlock()
	is.tokens[token] = url.Values{"resource": {resource}, "scope": {strings.Join(scopes, " ")}}
}

func (is *issuer) seen() (clients, asked []string) {
	is.mu.Lock()
	defer is.mu.Unlock()
	return slices.Clone(is.clients), slices.Clone(is.asked)
}

var errNoBrowser = errors.New("the test has no browser")
