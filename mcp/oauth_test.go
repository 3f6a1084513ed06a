package mcp_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	sdkauth "github.com/modelcontextprotocol/go-sdk/auth"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/mcp"
	"github.com/actionhero-go/actionhero/server"
)

// protectedServer starts a server whose agents log in at an issuer. The tool read needs one scope, and write another one.
func protectedServer(t *testing.T, is *issuer, change func(*mcp.Config)) *testkit.Server {
	var s *testkit.Server
	s = start(t, settings(func(cfg *mcp.Config) {
		cfg.Issuers = []string{is.URL}
		if change != nil {
			change(cfg)
		}
	}), is.bearer(func() string { return s.HTTP(t).Base + "/mcp" }), actionhero.DefaultAccess(actionhero.Authenticated), who("own", actionhero.Access{}),
		who("open", actionhero.Public), who("read", actionhero.Scopes("notes:read")), who("write", actionhero.Scopes("notes:write")), who("admins", actionhero.Roles("admin")))
	return s
}

func connectWith(t *testing.T, s *testkit.Server, fetch sdkauth.AuthorizationCodeFetcher, version string, change func(*sdkauth.AuthorizationCodeHandlerConfig)) (*sdk.ClientSession, error) {
	cfg := &sdkauth.AuthorizationCodeHandlerConfig{RedirectURL: "http://127.0.0.1:9/back", AuthorizationCodeFetcher: fetch}
	change(cfg)
	handler, err := sdkauth.NewAuthorizationCodeHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	base := s.HTTP(t)
	client := sdk.NewClient(&sdk.Implementation{Name: "tester", Version: "1.2"}, &sdk.ClientOptions{Capabilities: &sdk.ClientCapabilities{}})
	session, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: base.Base + "/mcp", HTTPClient: &http.Client{Transport: base.Transport}, DisableStandaloneSSE: true, MaxRetries: -1, OAuthHandler: handler,
	}, &sdk.ClientSessionOptions{ProtocolVersion: version})
	if err == nil {
		t.Cleanup(func() { _ = session.Close() })
	}
	return session, err
}

// The client of the SDK finds the issuer, logs in with the scopes that the server names, and logs in again for a
// tool that needs another scope.
func TestAnAgentLogsInWhereTheServerSays(t *testing.T) {
	t.Parallel()
	for name, register := range map[string]func(*sdkauth.AuthorizationCodeHandlerConfig){
		"known": func(cfg *sdkauth.AuthorizationCodeHandlerConfig) {
			cfg.PreregisteredClient = &oauthex.ClientCredentials{ClientID: "known"}
		},
		"registered": func(cfg *sdkauth.AuthorizationCodeHandlerConfig) {
			cfg.DynamicClientRegistrationConfig = &sdkauth.DynamicClientRegistrationConfig{Metadata: &oauthex.ClientRegistrationMetadata{
				ClientName: "tester", RedirectURIs: []string{cfg.RedirectURL},
			}}
		},
		"https://agent.example/client.json": func(cfg *sdkauth.AuthorizationCodeHandlerConfig) {
			cfg.ClientIDMetadataDocumentConfig = &sdkauth.ClientIDMetadataDocumentConfig{URL: "https://agent.example/client.json"}
		},
	} {
		for _, version := range versions {
			t.Run(name+" "+version, func(t *testing.T) {
				t.Parallel()
				is := newIssuer(t)
				s := protectedServer(t, is, func(cfg *mcp.Config) { cfg.Scopes = []string{"notes:read"} })
				session, err := connectWith(t, s, is.fetch, version, register)
				if err != nil {
					t.Fatal(err)
				}
				if got := session.InitializeResult().ProtocolVersion; got != version {
					t.Fatalf("the version is %s", got)
				}
				if got := names(t, session); !slices.Equal(got, []string{"open", "own", "read"}) {
					t.Errorf("the tools are %v", got)
				}
				if got := structured(t, call(t, session, "read", nil)); !strings.Contains(got, `"id":"ann"`) {
					t.Error(got)
				}
				if got := structured(t, call(t, session, "write", nil)); !strings.Contains(got, `"id":"ann"`) {
					t.Error(got)
				}
				if f := failureOf(t, call(t, session, "admins", nil)); f.ErrorCode != "permissionDenied" {
					t.Errorf("a login cannot help, so it is a result: %+v", f)
				}
				clients, asked := is.seen()
				for i, scopes := range asked { // the library has them in any order
					names := strings.Fields(scopes)
					slices.Sort(names)
					asked[i] = strings.Join(names, " ")
				}
				if !slices.Equal(clients, []string{name, name}) || !slices.Equal(asked, []string{"notes:read", "notes:read notes:write"}) {
					t.Errorf("the clients %v have asked for %q", clients, asked)
				}
			})
		}
	}
}

// The status and the header say what is missing (RFC 6750, RFC 9728, MCP authorization), for ordinary messages and others.
func TestARefusalSaysHowToLogIn(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	s := protectedServer(t, is, nil)
	c := s.HTTP(t)
	is.grant("reader", c.Base+"/mcp", "notes:read")
	is.grant("stolen", "https://other.example/mcp", "notes:read")
	about := `resource_metadata="` + c.Base + `/.well-known/oauth-protected-resource/mcp"`
	old := []string{"Content-Type: application/json", "Accept: application/json, text/event-stream"}
	for _, test := range []struct {
		token, tool string
		status      int
		challenge   string
	}{
		{"", "read", 401, "Bearer " + about},
		{"", "open", 401, "Bearer " + about},
		{"wrong", "read", 401, `Bearer error="invalid_token", ` + about},
		{"stolen", "read", 401, `Bearer error="invalid_token", ` + about},
		{"expired", "read", 401, `Bearer error="invalid_token", ` + about},
		{"reader", "write", 403, `Bearer error="insufficient_scope", scope="notes:write", ` + about},
		{"reader", "admins", 200, ""},
		{"reader", "read", 200, ""},
	} {
		for name, headers := range map[string][]string{"ordinary": newHeaders(test.tool), "old": old} {
			if test.token != "" {
				headers = append([]string{"Authorization: Bearer " + test.token}, headers...)
			}
			body := newCall(test.tool, `{}`)
			if name == "old" {
				body = strings.Replace(callAny, `"any","arguments":{"id":"12"}`, `"`+test.tool+`","arguments":{}`, 1)
			}
			before := len(calls(s))
			got := c.Ask("POST", "/mcp", body, headers...)
			if got.StatusCode != test.status || got.Header.Get("Www-Authenticate") != test.challenge {
				t.Errorf("%+v, %s: %d %s %q", test, name, got.StatusCode, got.Text, got.Header.Get("Www-Authenticate"))
			}
			if test.status == 403 {
				lines := calls(s)[before:]
				if len(lines) != 1 || lines[0].Attrs["outcome"] != "permissionDenied" || lines[0].Attrs["user"] != "ann" || !strings.Contains(got.Text, "this tool needs the scope notes:write") {
					t.Errorf("%s: the log has %v", got.Text, lines)
				}
			}
		}
	}
}

func TestTheMetadataNameIssuersAndScopes(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	for want, change := range map[string]func(*mcp.Config){
		`{"resource":"BASE/mcp","authorization_servers":["ISSUER"],"scopes_supported":["notes:read","notes:write"],"bearer_methods_supported":["header"],"resource_name":"The test"}`:            nil,
		`{"resource":"BASE/agents/mcp","authorization_servers":["ISSUER"],"scopes_supported":["a"],"bearer_methods_supported":["header"],"resource_name":"The test"}`:                            func(cfg *mcp.Config) { cfg.Path, cfg.Scopes = "/agents/mcp", []string{"a"} },
		`{"resource":"https://example.com/x/mcp","authorization_servers":["ISSUER"],"scopes_supported":["a"],"bearer_methods_supported":["header"],"resource_name":"The test"}`:                  func(cfg *mcp.Config) { cfg.Resource, cfg.Scopes = "https://example.com/x/mcp", []string{"a"} },
		`{"resource":"https://example.com","authorization_servers":["ISSUER"],"scopes_supported":["notes:read","notes:write"],"bearer_methods_supported":["header"],"resource_name":"The test"}`: func(cfg *mcp.Config) { cfg.Resource = "https://example.com" },
	} {
		s := protectedServer(t, is, change)
		c := s.HTTP(t)
		var meta struct{ Resource string }
		_ = json.Unmarshal([]byte(want), &meta)
		path := strings.TrimPrefix(strings.TrimPrefix(meta.Resource, "BASE"), "https://example.com")
		want = strings.NewReplacer("BASE", c.Base, "ISSUER", is.URL).Replace(want)
		got := c.Ask("GET", "/.well-known/oauth-protected-resource"+path, "", "Origin: https://page.example")
		if got.StatusCode != 200 || got.Text != want || got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%d %s %v\nwant %s", got.StatusCode, got.Text, got.Header, want)
		}
		if got := c.Ask("POST", "/.well-known/oauth-protected-resource"+path, "{}"); got.StatusCode != 405 || got.Header.Get("Allow") != "GET, HEAD, OPTIONS" {
			t.Errorf("%d %v", got.StatusCode, got.Header)
		}
		refused := c.Ask("POST", "/"+map[bool]string{true: "agents/mcp", false: "mcp"}[strings.HasSuffix(path, "/agents/mcp")], "{}", "Content-Type: application/json")
		_, about, _ := strings.Cut(refused.Header.Get("Www-Authenticate"), `resource_metadata="`)
		if origin := strings.TrimSuffix(meta.Resource, path); about != strings.Replace(origin, "BASE", c.Base, 1)+"/.well-known/oauth-protected-resource"+path+`"` {
			t.Errorf("the challenge names %s", about)
		}
	}
	without := start(t, nil, isTool(close("any"))).HTTP(t)
	if got := without.Ask("GET", "/.well-known/oauth-protected-resource/mcp", ""); got.StatusCode != 404 {
		t.Errorf("without issuers: %d", got.StatusCode)
	}
}

func TestWrongSettingsOfOAuthAreRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*mcp.Config){
		`mcp.issuers has "login.example.com": use a URL`:                func(cfg *mcp.Config) { cfg.Issuers = []string{"login.example.com"} },
		`mcp.issuers has "http://login.example.com": use https`:         func(cfg *mcp.Config) { cfg.Issuers = []string{"http://login.example.com"} },
		`mcp.resource has "https://a.example/mcp?x=1": use a URL`:       func(cfg *mcp.Config) { cfg.Resource = "https://a.example/mcp?x=1" },
		`mcp.resource is "https://a.example/{x}": use a path like /mcp`: func(cfg *mcp.Config) { cfg.Resource = "https://a.example/{x}" },
		`mcp.scopes has "a b": a scope is a word`:                       func(cfg *mcp.Config) { cfg.Scopes = []string{"a b"} },
		`but mcp.issuers is empty: set the authorization servers, too`:  func(cfg *mcp.Config) { cfg.Issuers, cfg.Resource = nil, "https://a.example" },
	} {
		var cfg server.Config
		settings(func(own *mcp.Config) {
			own.Issuers = []string{"https://login.example.com"}
			change(own)
		})(&cfg)
		if _, err := server.New(cfg, mcp.New(mcp.Options{})); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// A login that the user refuses ends the connection with the reason.
func TestAnAgentWithoutALoginIsRefused(t *testing.T) {
	t.Parallel()
	is := newIssuer(t)
	s := protectedServer(t, is, nil)
	_, err := connectWith(t, s, is.fetch, versions[0], func(cfg *sdkauth.AuthorizationCodeHandlerConfig) {
		cfg.PreregisteredClient = &oauthex.ClientCredentials{ClientID: "known"}
		cfg.AuthorizationCodeFetcher = func(context.Context, *sdkauth.AuthorizationArgs) (*sdkauth.AuthorizationResult, error) {
			return nil, errNoBrowser
		}
	})
	if err == nil || !strings.Contains(err.Error(), errNoBrowser.Error()) {
		t.Errorf("the connection ends with %v", err)
	}
}
