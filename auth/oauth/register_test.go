package oauth_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/auth/oauth"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

func (c client) register(body string) testkit.Reply {
	return c.Ask("POST", "/register", body, "Content-Type: application/json")
}

// registration registers a client and returns its id and its secret.
func (c client) registration(t *testing.T, body string) (id, secret string) {
	t.Helper()
	got := c.register(body)
	var answer struct {
		ID      string `json:"client_id"`
		Secret  string `json:"client_secret"`
		Expires *int   `json:"client_secret_expires_at"`
		Method  string `json:"token_endpoint_auth_method"`
	}
	if err := json.Unmarshal([]byte(got.Text), &answer); err != nil || got.StatusCode != http.StatusCreated || answer.ID == "" || (answer.Secret != "") != (answer.Expires != nil) || answer.Method == "" {
		t.Fatalf("the registration is answered with %d %s", got.StatusCode, got.Text)
	}
	return answer.ID, answer.Secret
}

// RFC 7591: a program registers itself, and then gets tokens as other clients do.
func TestAProgramRegistersItself(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	ann, c := s.login(t, "ann"), s.client(t)
	id, none := c.registration(t, `{"redirect_uris":["`+callback+`"],"client_name":"  Nice\u202e \u0000 <b>agent","token_endpoint_auth_method":"none","grant_types":["authorization_code"],"software_id":"x"}`)
	if none != "" {
		t.Error("a public client has a secret")
	}
	page := ann.get("/authorize?" + query("client_id="+id).Encode())
	page.Want(t, 200, "The program calls itself <b>Nice &lt;b&gt;agent</b>. This site has not checked that.")
	wrong := ann.get("/authorize?" + query("client_id="+id, "scope=admin").Encode())
	wrong.Want(t, 400, `href="`+callback+`?error=invalid_scope`)
	if wrong.Header.Get("Location") != "" {
		t.Errorf("the link of a stranger leads on to %s", wrong.Header.Get("Location"))
	}
	got := c.tokens(t, redemption(ann.code(t, "client_id="+id), "client_id="+id))
	c.call("read", got.Access).Want(t, 200, `"client":"`+id+`"`)

	id, key := c.registration(t, `{"redirect_uris":["`+callback+`"]}`)
	wantError(t, c.post("/token", redemption(ann.code(t, "client_id="+id), "client_id="+id)), 401, "invalid_client")
	c.tokens(t, redemption(ann.code(t, "client_id="+id), "client_id="+id, "client_secret="+key))

	uris := strings.Repeat(`"`+callback+`",`, 20) + `"` + callback + `"`
	for body, code := range map[string]string{
		`{`:                                "invalid_client_metadata",
		`[]`:                               "invalid_client_metadata",
		`{}`:                               "invalid_redirect_uri",
		`{"redirect_uris":[` + uris + `]}`: "invalid_redirect_uri",
		`{"redirect_uris":["https://a.example/` + strings.Repeat("a", 3000) + `"]}`:               "invalid_redirect_uri",
		`{"redirect_uris":["javascript:alert(1)"]}`:                                               "invalid_redirect_uri",
		`{"redirect_uris":["` + callback + `"],"grant_types":["implicit"]}`:                       "invalid_client_metadata",
		`{"redirect_uris":["` + callback + `"],"response_types":["token"]}`:                       "invalid_client_metadata",
		`{"redirect_uris":["` + callback + `"],"token_endpoint_auth_method":"magic"}`:             "invalid_client_metadata",
		`{"redirect_uris":["` + callback + `"],"client_name":"` + strings.Repeat("a", 201) + `"}`: "invalid_client_metadata",
	} {
		// Each registration counts, so the test comes from several servers.
		wantError(t, start(t, config()).client(t).register(body), 400, code)
	}
	wantError(t, c.Ask("POST", "/register", `{}`, "Content-Type: text/plain"), 400, "invalid_client_metadata")
	wantError(t, c.Ask("GET", "/register", ""), 405, "invalid_request")
	wantError(t, s.client(t).post("/token", redemption("x", "client_id=reg_../../x")), 401, "invalid_client")
}

// A flood of registrations is refused with a time, and without the setting there is no endpoint.
func TestRegistrationsAreLimited(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	c := s.client(t)
	for range 10 {
		c.registration(t, `{"redirect_uris":["`+callback+`"]}`)
	}
	got := c.register(`{"redirect_uris":["` + callback + `"]}`)
	wantError(t, got, 429, "temporarily_unavailable")
	if got.Header.Get("Retry-After") == "" {
		t.Error("the answer has no Retry-After")
	}
	other := start(t, config())
	if err := other.oauth.FillClients(t.Context(), other.API, oauth.MaxRegistered-1); err != nil {
		t.Fatal(err)
	}
	other.client(t).registration(t, `{"redirect_uris":["`+callback+`"]}`)
	wantError(t, other.client(t).register(`{"redirect_uris":["`+callback+`"]}`), 503, "temporarily_unavailable")
	cfg := config()
	cfg.Registration = false
	s = start(t, cfg)
	s.client(t).register(`{}`).Want(t, 404, "")
	got = s.client(t).Ask("GET", "/.well-known/oauth-authorization-server", "")
	if strings.Contains(got.Text, "registration_endpoint") {
		t.Error(got.Text)
	}
}

// RFC 8414: the metadata name the endpoints and what they can do.
func TestTheMetadataNameTheEndpoints(t *testing.T) {
	t.Parallel()
	s := start(t, config())
	got := s.client(t).Ask("GET", "/.well-known/oauth-authorization-server", "", "Origin: https://inspector.example")
	got.WantHeader(t, "Content-Type: application/json", "Access-Control-Allow-Origin: *")
	asked := s.client(t).Ask("OPTIONS", "/.well-known/oauth-authorization-server", "", "Origin: https://inspector.example", "Access-Control-Request-Method: GET", "Access-Control-Request-Headers: mcp-protocol-version")
	asked.Want(t, 204, "")
	asked.WantHeader(t, "Access-Control-Allow-Origin: *", "Access-Control-Allow-Headers: Authorization, Content-Type, MCP-Protocol-Version")
	wantError(t, s.client(t).Ask("POST", "/.well-known/oauth-authorization-server", "{}", "Content-Type: application/json"), 405, "invalid_request")
	var m map[string]any
	if err := json.Unmarshal([]byte(got.Text), &m); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"issuer": issuer, "authorization_endpoint": issuer + "/authorize", "token_endpoint": issuer + "/token", "revocation_endpoint": issuer + "/revoke",
		"registration_endpoint": issuer + "/register", "code_challenge_methods_supported": "[S256]", "response_types_supported": "[code]",
		"grant_types_supported": "[authorization_code refresh_token]", "scopes_supported": "[notes:read notes:write]",
		"authorization_response_iss_parameter_supported": "true", "client_id_metadata_document_supported": "true",
		"token_endpoint_auth_methods_supported": "[none client_secret_basic client_secret_post]",
	} {
		if got := fmt.Sprint(m[name]); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
}

// A code goes only to a program: over https, to the own machine, or to the scheme of an app.
func TestARedirectURIIsSafe(t *testing.T) {
	t.Parallel()
	for uri, ok := range map[string]bool{
		"https://a.example/cb": true, "https://a.example": true, "http://localhost:3000/cb": true, "http://127.0.0.1/cb": true, "http://[::1]:9/cb": true,
		"com.example.app:/cb": true, "cursor://anysphere.cursor-mcp/oauth/callback": true, "https://a.example/cb?x=y": true,
		"": false, "/cb": false, "a.example/cb": false, "http://a.example/cb": false, "http://127.0.0.1.evil.example/": false, "http://localhost.evil.example/": false,
		"https://a.example/#x": false, "https://u:p@a.example/": false, "https:///cb": false, "https:a.example": false, "javascript:alert(1)": false, "JavaScript:alert(1)": false,
		"javascript://a.example/%0aalert(1)": false, "data:text/html,x": false, "file:///etc/passwd": false, "blob:https://a.example/x": false, "https://a.example/ b": false,
		"https://a.example\\@b.example/": false, "ws://a.example/": false, "com.example.app:cb": false,
	} {
		if err := oauth.CheckRedirect(uri); (err == nil) != ok {
			t.Errorf("%q: %v, want it to be allowed: %t", uri, err, ok)
		}
	}
}
