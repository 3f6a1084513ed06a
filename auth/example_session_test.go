package auth_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/web"
)

// An app logs users in with sessions. The action hello is for users alone.
func ExampleSessions() {
	sessions := auth.NewSessions(auth.SessionConfig{})
	type input struct {
		Name     string `json:"name" required:"true"`
		Password string `json:"password" required:"true" secret:"true"`
	}
	hash, err := auth.HashPassword(context.Background(), "correct horse")
	if err != nil {
		fmt.Println(err)
		return
	}
	hashes := map[string]string{"ann": hash} // a database
	login := actionhero.Action[input, actionhero.None]{
		Name: "login", Access: actionhero.Public,
		Run: func(ctx context.Context, in input) (none actionhero.None, err error) {
			if err := auth.CheckPassword(ctx, hashes[in.Name], in.Password); err != nil {
				return none, err
			}
			return none, sessions.Login(ctx, actionhero.Identity{ID: in.Name})
		},
	}
	hello := actionhero.Action[actionhero.None, map[string]string]{
		Name: "hello", Kind: actionhero.KindRead,
		Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			return map[string]string{"hello": actionhero.IdentityFrom(ctx).ID}, nil
		},
	}

	stop, send := serve(sessions, actionhero.DefaultAccess(actionhero.Authenticated), login, hello)
	defer stop()
	fmt.Println(send("GET", "/api/hello", "", nil).Code)
	fmt.Println(send("POST", "/api/login", `{"name":"ann","password":"guess"}`, nil).Code)
	in := send("POST", "/api/login", `{"name":"ann","password":"correct horse"}`, nil)
	cookie := in.Result().Cookies()[0]
	fmt.Println(in.Code, cookie.Name)
	fmt.Println(send("GET", "/api/hello", "", cookie).Code)
	// Output:
	// 401
	// 401
	// 200 __Host-session
	// 200
}

// serve starts an app, and returns a function that sends it a request over HTTPS.
func serve(parts ...actionhero.Part) (stop func(), send func(method, path, body string, cookie *http.Cookie) *httptest.ResponseRecorder) {
	api, err := actionhero.New(actionhero.Config{Backend: local.New(local.Config{}), Log: slog.New(slog.DiscardHandler)}, parts...)
	if err != nil {
		panic(err)
	}
	s, failed := web.New(api, web.Config{})
	if err := errors.Join(failed, api.Start(context.Background())); err != nil {
		panic(err)
	}
	stop = func() { _ = api.Stop(context.Background()) }
	return stop, func(method, path, body string, cookie *http.Cookie) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, "https://localhost"+path, strings.NewReader(body))
		if r.Header.Set("Content-Type", "application/json"); cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
}

// A login counts its attempts. Here, two attempts for an account are allowed within 15 minutes.
func ExampleLoginLimiter() {
	logins := auth.NewLoginLimiter(auth.LoginLimit{PerAccount: 2})
	type input struct {
		Name string `json:"name" required:"true"`
	}
	login := actionhero.Action[input, actionhero.None]{
		Name: "login",
		Run: func(ctx context.Context, in input) (none actionhero.None, err error) {
			if err := logins.Allow(ctx, strings.ToLower(in.Name)); err != nil {
				return none, err
			}
			return none, auth.ErrWrongPassword
		},
	}
	stop, send := serve(login)
	defer stop()
	for range 3 {
		w := send("POST", "/api/login", `{"name":"ann"}`, nil)
		fmt.Println(w.Code, w.Header().Get("Retry-After") != "")
	}
	// Output:
	// 401 false
	// 401 false
	// 429 true
}
