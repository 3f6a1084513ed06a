package server_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	limits "github.com/actionhero-go/actionhero/limit"
)

type authInput struct {
	Account  string `json:"account" default:"ann"`
	Password string `json:"password"`
}

// authAction is an action that each caller may run.
func authAction[Out any](name string, run func(ctx context.Context, in authInput) (Out, error)) actionhero.Part {
	return actionhero.Action[authInput, Out]{Name: name, Access: actionhero.Public, Run: run}
}

// authLimits are the drivers of limits of the packages auth and limit.
var authLimits = map[string]driver{
	"SessionConfig.PerUser": func(t *testing.T, l limit) {
		l.wantReached(t, "the oldest session ends")
		sessions := auth.NewSessions(auth.SessionConfig{})
		api := actionherotest.New(t, sessions, actionhero.DefaultAccess(actionhero.Public), authAction("login", func(ctx context.Context, in authInput) (actionhero.None, error) {
			return actionhero.None{}, sessions.Login(ctx, actionhero.Identity{ID: in.Account})
		}))
		for range l.n + 2 {
			if _, err := actionherotest.Run(t, api, "login", nil); err != nil {
				t.Fatal(err)
			}
		}
		if list, err := sessions.List(t.Context(), api, "ann"); len(list) != l.n || err != nil {
			t.Errorf("%d sessions, %v, want %d", len(list), err, l.n)
		}
	},
	"sessionAgentBytes": func(t *testing.T, l limit) {
		l.wantReached(t, "the header is cut")
		sessions := auth.NewSessions(auth.SessionConfig{})
		api := actionherotest.New(t, sessions, actionhero.DefaultAccess(actionhero.Public), authAction("login", func(ctx context.Context, in authInput) (actionhero.None, error) {
			return actionhero.None{}, sessions.Login(ctx, actionhero.Identity{ID: in.Account})
		}))
		for extra, want := range []int{l.n, l.n} {
			user := fmt.Sprint("user", extra)
			if _, err := actionherotest.Run(t, api, "login", authInput{Account: user}, actionherotest.WithHeader("User-Agent", strings.Repeat("a", l.n+extra))); err != nil {
				t.Fatal(err)
			}
			if list, err := sessions.List(t.Context(), api, user); err != nil || len(list) != 1 || len(list[0].UserAgent) != want {
				t.Errorf("a header of %d bytes: %v, %v", l.n+extra, list, err)
			}
		}
	},
	"KeyConfig.MaxPerOwner": func(t *testing.T, l limit) {
		api, keys := limitKeys(t)
		for range l.n {
			if _, _, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: "ann"}); err != nil {
				t.Fatal(err)
			}
		}
		_, _, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: "ann"})
		l.wantError(t, err)
	},
	"keyTextBytes": func(t *testing.T, l limit) {
		api, keys := limitKeys(t)
		fits, long := strings.Repeat("x", l.n), strings.Repeat("x", l.n+1)
		if _, _, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: fits, Name: fits, Scopes: []string{fits}, Roles: []string{fits}}); err != nil {
			t.Error(err)
		}
		for _, spec := range []auth.KeySpec{{Owner: long}, {Owner: "a", Name: long}, {Owner: "a", Scopes: []string{long}}, {Owner: "a", Roles: []string{long}}} {
			_, _, err := keys.Create(t.Context(), api, spec)
			l.wantError(t, err)
		}
	},
	"keyScopes": func(t *testing.T, l limit) {
		api, keys := limitKeys(t)
		fits, many := make([]string, l.n), make([]string, l.n+1)
		if _, _, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: "a", Scopes: fits, Roles: fits}); err != nil {
			t.Error(err)
		}
		for _, spec := range []auth.KeySpec{{Owner: "a", Scopes: many}, {Owner: "a", Roles: many}} {
			_, _, err := keys.Create(t.Context(), api, spec)
			l.wantError(t, err)
		}
	},
	"tokenBytes": func(t *testing.T, l limit) {
		s := limited(t, nil, actionhero.DefaultAccess(actionhero.Public), auth.Bearer(func(_ context.Context, token string) (actionhero.Identity, error) {
			return actionhero.Identity{ID: "ann"}, nil
		}))
		wantOK(t, s.HTTP(t).Ask("GET", "/api/limitEcho", "", "Authorization: Bearer "+strings.Repeat("x", l.n)).Text)
		l.wantCode(t, s.HTTP(t).Ask("GET", "/api/limitEcho", "", "Authorization: Bearer "+strings.Repeat("x", l.n+1)).Text)
	},
	"basicBytes": func(t *testing.T, l limit) {
		s := limitBasic(t)
		right := base64.StdEncoding.EncodeToString([]byte("ann:" + strings.Repeat("x", l.n*3/4-len("ann:"))))
		if len(right) != l.n {
			t.Fatal(len(right))
		}
		wantOK(t, s.HTTP(t).Ask("GET", "/api/limitEcho", "", "Authorization: Basic "+right).Text)
		l.wantCode(t, s.HTTP(t).Ask("GET", "/api/limitEcho", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte("ann:"+strings.Repeat("x", l.n*3/4-len("ann:")+1)))).Text)
	},
	"basicPerUser": func(t *testing.T, l limit) {
		s := limitBasic(t)
		l.guess(t, s, func(int) string { return "eve" })
	},
	"basicPerAddress": func(t *testing.T, l limit) {
		s := limitBasic(t)
		l.guess(t, s, func(i int) string { return fmt.Sprint("user", i) })
	},
	"passwordBytes": func(t *testing.T, l limit) {
		hash, err := auth.HashPassword(t.Context(), strings.Repeat("x", l.n))
		if err != nil {
			t.Fatal(err)
		}
		if err := auth.CheckPassword(t.Context(), hash, strings.Repeat("x", l.n)); err != nil {
			t.Error(err)
		}
		if err := auth.CheckPassword(t.Context(), hash, strings.Repeat("x", l.n+1)); err != auth.ErrWrongPassword {
			t.Error(err)
		}
		_, err = auth.HashPassword(t.Context(), strings.Repeat("x", l.n+1))
		l.wantError(t, err)
	},
	"loginDelayAfter": func(t *testing.T, l limit) {
		synctest.Test(t, func(t *testing.T) {
			api := limitLogins(t, auth.LoginLimit{})
			l.attempts(t, api, l.n, func(int) (string, string) { return "ann", "192.0.2.1" }, 0)
			time.Sleep(time.Second)
			l.attempts(t, api, 1, func(int) (string, string) { return "ann", "192.0.2.1" }, 0)
		})
	},
	"LoginLimit.PerAccount": func(t *testing.T, l limit) {
		synctest.Test(t, func(t *testing.T) {
			api := limitLogins(t, auth.LoginLimit{Window: 24 * time.Hour, PerAccountDay: 1000})
			l.attempts(t, api, l.n, func(i int) (string, string) { return "ann", fmt.Sprint("192.0.2.", i) }, time.Minute)
		})
	},
	"LoginLimit.PerAccountDay": func(t *testing.T, l limit) {
		synctest.Test(t, func(t *testing.T) {
			api := limitLogins(t, auth.LoginLimit{PerAccount: 50})
			l.attempts(t, api, l.n, func(i int) (string, string) { return "ann", fmt.Sprint("192.0.2.", i) }, time.Minute)
		})
	},
	"LoginLimit.PerAddress": func(t *testing.T, l limit) {
		synctest.Test(t, func(t *testing.T) {
			api := limitLogins(t, auth.LoginLimit{})
			l.attempts(t, api, l.n, func(i int) (string, string) { return fmt.Sprint("user", i), "192.0.2.1" }, 0)
		})
	},
	"limiterKeys": func(t *testing.T, l limit) {
		l.wantReached(t, "may read resourceExhausted early")
		limiter := limits.New(limits.Limit{Name: "keys", Events: 1, Per: time.Hour})
		const few = 1000
		allowed := func(from, to int) (n int) {
			for i := from; i < to; i++ {
				if limiter.Allow(t.Context(), fmt.Sprint("key ", i)) == nil {
					n++
				}
			}
			return n
		}
		if n := allowed(0, few); n != few {
			t.Errorf("%d of the first %d keys are allowed", n, few)
		}
		if n := allowed(few, 2*l.n); n < l.n*9/10 || n == 2*l.n-few {
			t.Errorf("%d of %d further keys are allowed", n, 2*l.n-few)
		}
		if n := allowed(0, few); n != 0 {
			t.Errorf("%d keys were limited, and are free", n)
		}
	},
}

// wantError fails the test unless an error has the code that the table names.
func (l limit) wantError(t *testing.T, err error) {
	t.Helper()
	e := actionhero.AsError(err)
	if e == nil {
		t.Error("beyond the limit there is no error")
		return
	}
	l.wantCode(t, fmt.Sprintf(`"errorCode":%q`, e.Code))
}

func limitKeys(t *testing.T) (*actionhero.API, *auth.Keys) {
	t.Helper()
	keys := auth.NewKeys(auth.KeyConfig{Store: auth.KeysInFolder(t.TempDir())})
	return actionherotest.New(t, keys, actionhero.DefaultAccess(actionhero.Public)), keys
}

// limitBasic starts a server for which each password of ann is right.
func limitBasic(t *testing.T) *testkit.Server {
	t.Helper()
	return limited(t, nil, actionhero.DefaultAccess(actionhero.Public), auth.Basic(auth.BasicConfig{Realm: "limits", Check: func(_ context.Context, user, _ string) (actionhero.Identity, error) {
		if user != "ann" {
			return actionhero.Identity{}, auth.ErrWrongPassword
		}
		return actionhero.Identity{ID: user}, nil
	}}))
}

// guess sends wrong passwords for the users, of which the limit lets n pass.
func (l limit) guess(t *testing.T, s *testkit.Server, user func(i int) string) {
	t.Helper()
	c := s.HTTP(t)
	for i := range l.n + 1 {
		got := c.Ask("GET", "/api/limitEcho", "", "Authorization: Basic "+base64.StdEncoding.EncodeToString([]byte(user(i)+":wrong")))
		if i == l.n {
			l.wantCode(t, got.Text)
			if l.wantReached(t, "with retryAfter"); got.Header.Get("Retry-After") == "" {
				t.Error("there is no header Retry-After")
			}
		} else if !strings.Contains(got.Text, `"errorCode":"unauthenticated"`) {
			t.Fatalf("attempt %d: %s", i, got.Text)
		}
	}
}

// limitLogins makes an app whose action "try" is an attempt with a wrong password.
func limitLogins(t *testing.T, cfg auth.LoginLimit) *actionhero.API {
	t.Helper()
	limiter := auth.NewLoginLimiter(cfg)
	return actionherotest.New(t, authAction("try", func(ctx context.Context, in authInput) (actionhero.None, error) {
		if err := limiter.Allow(ctx, in.Account); err != nil {
			return actionhero.None{}, err
		}
		return actionhero.None{}, auth.ErrWrongPassword
	}))
}

// attempts makes n attempts that the limit lets pass, and one that it does not.
func (l limit) attempts(t *testing.T, api *actionhero.API, n int, who func(i int) (account, ip string), pause time.Duration) {
	t.Helper()
	for i := range n + 1 {
		account, ip := who(i)
		_, err := actionherotest.Run(t, api, "try", authInput{Account: account}, actionherotest.FromIP(ip))
		switch e := actionhero.AsError(err); {
		case i < n && e.Code != actionhero.CodeUnauthenticated:
			t.Fatalf("attempt %d: %v", i, err)
		case i == n && e.RetryAfter <= 0:
			t.Errorf("attempt %d: %v", i, err)
		case i == n:
			l.wantError(t, err)
		}
		time.Sleep(pause)
	}
}
