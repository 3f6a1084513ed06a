package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
)

// byToken knows the token "good", and refuses "down" with a failure of the server.
func byToken(_ context.Context, token string) (actionhero.Identity, error) {
	switch token {
	case "good":
		return actionhero.Identity{ID: "ann"}, nil
	case "foreign":
		return actionhero.Identity{}, nil
	case "down":
		return actionhero.Identity{}, errors.New("the database is gone")
	}
	return actionhero.Identity{}, actionhero.Errorf(actionhero.CodeUnauthenticated, "this token is wrong")
}

// A token identifies its caller on all transports that can send one.
func TestABearerTokenIdentifiesItsCaller(t *testing.T) {
	t.Parallel()
	s := testkit.Start(t, testkit.Options{Parts: closedApp(auth.Bearer(byToken))})
	const ann, refused = `"who":"ann"`, "this token is wrong"
	s.HTTP(t).Ask("GET", "/api/whoami", "", "Authorization: BEARER good").Want(t, 200, ann)
	ws := &testkit.WSClient{Socket: openWS(t, s, "", http.Header{"Authorization": {"Bearer good"}})}
	if got := ws.Do("whoami", nil); !strings.Contains(got.JSON, ann) {
		t.Error(got.JSON)
	}
	openWS(t, s, "", http.Header{"Authorization": {"Bearer bad"}}).WantClosed(4401, refused)
	sio, _ := openSIO(t, s, `{"token":"good"}`)
	if got := sio.Do("whoami", nil); !strings.Contains(got.JSON, ann) {
		t.Error(got.JSON)
	}
	if _, answer := openSIO(t, s, `{"token":"bad"}`); !strings.Contains(answer, refused) {
		t.Error(answer)
	}
}

// Over HTTP, an answer that asks for credentials names the scheme, and whether the sent ones are wrong (RFC 6750).
func TestAnUnauthenticatedAnswerNamesTheScheme(t *testing.T) {
	t.Parallel()
	keys := auth.NewKeys(auth.KeyConfig{Store: folder(t)})
	s := testkit.Start(t, testkit.Options{TLS: true, Parts: closedApp(keys, auth.Bearer(byToken))})
	for _, c := range []*testkit.HTTPClient{s.HTTP(t), s.HTTPS(t, false), s.HTTPS(t, true)} {
		for _, want := range []struct {
			action, header string
			status         int
			challenge      string
		}{
			{"whoami", "", 401, "Bearer"},
			{"whoami", "Authorization: Basic YTpi", 401, "Bearer"},
			{"whoami", "Authorization: Bearer foreign", 401, "Bearer"},
			{"whoami", "Authorization: Bearer bad", 401, `Bearer error="invalid_token"`},
			{"open", "Authorization: Bearer bad", 401, `Bearer error="invalid_token"`},
			{"open", "Authorization: Bearer ak_wrong", 401, `Bearer error="invalid_token"`},
			{"open", "Authorization: Bearer", 401, `Bearer error="invalid_token"`},
			{"open", "Authorization: Bearer " + strings.Repeat("x", 16<<10+1), 401, `Bearer error="invalid_token"`},
			{"open", "Authorization: Bearer down", 500, ""},
			{"open", "", 200, ""},
			{"whoami", "Authorization: Bearer good", 200, ""},
			{"nothing", "", 404, ""},
		} {
			var headers []string
			if want.header != "" {
				headers = []string{want.header}
			}
			got := c.Ask("GET", "/api/"+want.action, "", headers...)
			got.Want(t, want.status, "")
			challenge := "WWW-Authenticate"
			if want.challenge != "" {
				challenge += ": " + want.challenge
			}
			got.WantHeader(t, challenge)
		}
	}
}

// A failed inner call whose error the action handles asks the client for nothing.
func TestAHandledInnerRefusalIsNoChallenge(t *testing.T) {
	t.Parallel()
	inner := actionhero.Action[actionhero.None, actionhero.None]{
		Name: "inner", Run: func(context.Context, actionhero.None) (actionhero.None, error) { return actionhero.None{}, nil },
	}
	outer := actionhero.Action[actionhero.None, map[string]bool]{
		Name: "outer", Access: actionhero.Public, Kind: actionhero.KindRead,
		Run: func(ctx context.Context, in actionhero.None) (map[string]bool, error) {
			_, err := inner.Call(ctx, actionhero.RequestFrom(ctx).API, in)
			return map[string]bool{"refused": err != nil}, nil
		},
	}
	s := testkit.Start(t, testkit.Options{Parts: closedApp(auth.Bearer(byToken), inner, outer)})
	got := s.HTTP(t).Ask("GET", "/api/outer", "")
	got.Want(t, 200, `"refused":true`)
	got.WantHeader(t, "WWW-Authenticate")
}

// Several parts work together: each token goes to the parts in their order, until one knows the caller or refuses.
func TestAuthenticatorsAreAskedInTheirOrder(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	second := auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
		asked.Add(1)
		return actionhero.Identity{ID: "of the second: " + token}, nil
	})
	keys := auth.NewKeys(auth.KeyConfig{Store: folder(t)})
	api := actionherotest.New(t, closedApp(keys, auth.Bearer(byToken), second)...)
	text, _ := createKey(t, keys, api)
	for token, want := range map[string]string{text: "ann", "good": "ann", "foreign": "of the second: foreign"} {
		out, err := actionherotest.Run(t, api, "whoami", nil, actionherotest.WithHeader("Authorization", "Bearer "+token))
		if err != nil || !strings.Contains(string(out), `"who":"`+want+`"`) {
			t.Errorf("%s: %s, %v", token, out, err)
		}
	}
	_, err := actionherotest.Run(t, api, "open", nil, actionherotest.WithHeader("Authorization", "Bearer bad"))
	wantErrorCode(t, "a wrong token", err, actionhero.CodeUnauthenticated)
	if n := asked.Load(); n != 1 {
		t.Errorf("the second part was asked %d times", n)
	}
}

// A part without a function is refused.
func TestABearerNeedsItsFunction(t *testing.T) {
	t.Parallel()
	_, err := actionhero.New(actionhero.Config{Backend: newLocal()}, closedApp(auth.Bearer(nil))...)
	if err == nil || !strings.Contains(err.Error(), "the function that finds the caller is nil") {
		t.Error(err)
	}
}
