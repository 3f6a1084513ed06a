package mcp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	sdkauth "github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/auth/oauth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/mcp"
	"github.com/actionhero-go/actionhero/server"
)

// ownIssuer starts a server that is its own authorization server, and returns the issuer part.
func ownIssuer(t *testing.T) (*testkit.Server, *oauth.Server) {
	t.Helper()
	port := testkit.FreePort(t)
	base := fmt.Sprint("http://127.0.0.1:", port)
	sessions := auth.NewSessions(auth.SessionConfig{})
	own := oauth.New(oauth.Config{
		Issuer: base, Registration: true,
		Scopes:  []oauth.Scope{{Name: "notes:read", Description: "read your notes"}, {Name: "notes:write", Description: "change your notes"}},
		Clients: []oauth.Client{{ID: "known", RedirectURIs: []string{"http://127.0.0.1:9/back"}}},
	})
	login := actionhero.Action[actionhero.None, actionhero.None]{Name: "login", Access: actionhero.Public, Run: func(ctx context.Context, _ actionhero.None) (actionhero.None, error) {
		return actionhero.None{}, sessions.Login(ctx, actionhero.Identity{ID: "ann"})
	}}
	set := settings(func(cfg *mcp.Config) { cfg.Issuers, cfg.Scopes = []string{base}, []string{"notes:read"} })
	s := start(t, func(cfg *server.Config) { set(cfg); cfg.HTTPServer.Port = port }, sessions, own, login, actionhero.DefaultAccess(actionhero.Authenticated),
		who("own", actionhero.Access{}), who("read", actionhero.Scopes("notes:read")), who("write", actionhero.Scopes("notes:write")))
	return s, own
}

var (
	consentField = regexp.MustCompile(`name="consent" value="([^"]+)"`)
	scopeField   = regexp.MustCompile(`name="scope" value="([^"]+)"`)
)

// agrees returns the browser of a user who logs in and allows all that is asked.
func agrees(s *testkit.Server, t *testing.T) sdkauth.AuthorizationCodeFetcher {
	c := s.HTTP(t)
	send := func(ctx context.Context, method, at, cookie, body string) (*http.Response, string, error) {
		r, err := http.NewRequestWithContext(ctx, method, at, strings.NewReader(body))
		if err != nil {
			return nil, "", err
		}
		r.Header.Set("Cookie", cookie)
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		resp, err := c.Client.Do(r)
		if err != nil {
			return nil, "", err
		}
		defer func() { _ = resp.Body.Close() }()
		text, err := io.ReadAll(resp.Body)
		return resp, string(text), err
	}
	return func(ctx context.Context, args *sdkauth.AuthorizationArgs) (*sdkauth.AuthorizationResult, error) {
		resp, _, err := send(ctx, http.MethodPost, c.Base+"/api/login", "", "")
		if err != nil {
			return nil, err
		}
		cookie, _, _ := strings.Cut(resp.Header.Get("Set-Cookie"), ";")
		_, page, err := send(ctx, http.MethodGet, args.URL, cookie, "")
		if err != nil {
			return nil, err
		}
		form := url.Values{"decision": {"allow"}}
		if m := consentField.FindStringSubmatch(page); m != nil {
			form.Set("consent", m[1])
		}
		for _, m := range scopeField.FindAllStringSubmatch(page, -1) {
			form.Add("scope", m[1])
		}
		resp, text, err := send(ctx, http.MethodPost, c.Base+"/authorize", cookie, form.Encode())
		if err != nil {
			return nil, err
		}
		to, err := resp.Location()
		if err != nil {
			return nil, fmt.Errorf("%w: %s %s", err, page, text)
		}
		q := to.Query()
		return &sdkauth.AuthorizationResult{Code: q.Get("code"), State: q.Get("state"), Iss: q.Get("iss")}, nil
	}
}

// An app without an identity provider issues the tokens of its agents itself. The client of the SDK finds that out, asks the
// user again for a tool that needs more, and loses its access when the user ends the grants.
func TestAnAppIssuesTheTokensOfItsAgents(t *testing.T) {
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
	} {
		for _, version := range versions {
			t.Run(name+" "+version, func(t *testing.T) {
				t.Parallel()
				s, own := ownIssuer(t)
				session, err := connectWith(t, s, agrees(s, t), version, register)
				if err != nil {
					t.Fatal(err)
				}
				if got := names(t, session); !slices.Equal(got, []string{"own", "read"}) {
					t.Errorf("the tools are %v", got)
				}
				for _, tool := range []string{"read", "write"} {
					if got := structured(t, call(t, session, tool, nil)); !strings.Contains(got, `"id":"ann"`) {
						t.Error(got)
					}
				}
				list, err := own.List(t.Context(), s.API, "ann")
				if err != nil || len(list) != 2 || list[0].Resource != s.HTTP(t).Base+"/mcp" {
					t.Fatalf("the grants are %+v, %v", list, err)
				}
				if err := own.RevokeAll(t.Context(), s.API, "ann"); err != nil {
					t.Fatal(err)
				}
				c := s.HTTP(t)
				c.Ask("POST", "/mcp", `{"jsonrpc":"2.0","id":1,"method":"tools/list"}`, "Content-Type: application/json", "Authorization: Bearer aha_x").Want(t, 401, "")
			})
		}
	}
}
