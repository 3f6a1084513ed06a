package browser_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// accountInput has the inputs of the actions for accounts in a generated app.
type accountInput struct {
	Email    string `json:"email"`
	Password string `json:"password" secret:"true"`
	Current  string `json:"current" secret:"true"`
	Token    string `json:"token" secret:"true"`
}

// accountParts are actions with the routes of a generated app, and one user.
func accountParts() []actionhero.Part {
	sessions, password := auth.NewSessions(auth.SessionConfig{}), "correct horse"
	action := func(name, route string, access actionhero.Access, run func(ctx context.Context, in accountInput) error) actionhero.Part {
		return actionhero.Action[accountInput, map[string]string]{Name: name, Route: route, Access: access, Run: func(ctx context.Context, in accountInput) (map[string]string, error) {
			return map[string]string{"id": actionhero.IdentityFrom(ctx).ID}, run(ctx, in)
		}}
	}
	wrong := actionhero.Errorf(actionhero.CodeInvalidInput, "this is wrong")
	return []actionhero.Part{
		sessions, actionhero.DefaultAccess(actionhero.Public),
		action("login", "POST /login", actionhero.Public, func(ctx context.Context, in accountInput) error {
			if in.Email != "ann@example.com" || in.Password != password {
				return auth.ErrWrongPassword
			}
			return sessions.Login(ctx, actionhero.Identity{ID: "1"})
		}),
		action("me", "GET /me", actionhero.Authenticated, func(context.Context, accountInput) error { return nil }),
		action("logout", "POST /logout", actionhero.Public, func(ctx context.Context, _ accountInput) error { return sessions.Logout(ctx) }),
		action("passwordForgot", "POST /password/forgot", actionhero.Public, func(_ context.Context, in accountInput) error {
			if in.Password != "" || in.Email == "" {
				return wrong
			}
			return nil
		}),
		action("passwordReset", "POST /password/reset", actionhero.Public, func(_ context.Context, in accountInput) error {
			if in.Token != "TOKEN" {
				return wrong
			}
			password = in.Password
			return nil
		}),
		action("passwordChange", "POST /password", actionhero.Authenticated, func(_ context.Context, in accountInput) error {
			if in.Current != password {
				return wrong
			}
			password = in.Password
			return nil
		}),
	}
}

// The page of a generated app logs a user in and out and sets passwords, under a policy that allows no inline script or style.
func TestTheAccountPageOfAGeneratedApp(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"account.html", "account.css", "account.js"} {
		text, err := os.ReadFile(filepath.Join("../../../internal/generate/templates/auth/public", name+".tmpl"))
		if err != nil {
			t.Fatal(err)
		}
		testkit.WriteFile(t, filepath.Join(dir, name), strings.ReplaceAll(string(text), "{{.Name}}", "hello"))
	}
	arrived := make(chan string, 2)
	page := web.Mount("/arrived", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { arrived <- r.URL.RawQuery }))
	s := newSite(t, func(cfg *server.Config) { cfg.General.FlatFileDirectory = dir }, append(accountParts(), page)...)
	p := newChromium(t).open(s.url + "/public/account.html")
	shown := func(id string) {
		t.Helper()
		p.wait(`[...document.querySelectorAll("#login, #reset, #user")].filter((e) => !e.hidden).map((e) => e.id).join() === "` + id + `"`)
	}
	shown("login")
	p.wait(`getComputedStyle(document.querySelector("main")).maxWidth !== "none"`) // the style sheet is in effect
	p.fill("#login [name=email]", "ann@example.com")
	p.fill("#login [name=password]", "wrong horse")
	p.click("#login button")
	p.waitText("#answer", "the name or the password is wrong")
	p.fill("#login [name=password]", "correct horse")
	p.click("#login button")
	shown("user")
	p.waitText("#id", "1")
	p.fill("#change [name=current]", "correct horse")
	p.fill("#change [name=password]", "battery staple")
	p.click("#change button")
	p.waitText("#answer", "The password is changed.")
	p.click("#logout button")
	shown("login")
	p.fill("#login [name=email]", "ann@example.com")
	p.click("#login [formnovalidate]")
	p.waitText("#answer", "a mail with a link is on its way")

	mailed := newChromium(t).open(s.url + "/public/account.html#TOKEN")
	p = mailed
	shown("reset")
	p.wait(`location.hash === ""`)
	p.fill("#reset [name=password]", "third password")
	p.click("#reset button")
	p.waitText("#answer", "Log in with it.")
	shown("login")
	p.fill("#login [name=email]", "ann@example.com")
	p.fill("#login [name=password]", "third password")
	p.click("#login button")
	shown("user")
	p.waitText("#id", "1")

	// A page that needs a login has sent the user here, and gets the user back. A page of another site does not.
	for _, to := range []string{"/%09/evil.example/", "//evil.example/", "/arrived?x=1%26y"} {
		p = newChromium(t).open(s.url + "/public/account.html?return_to=" + to)
		shown("login")
		p.fill("#login [name=email]", "ann@example.com")
		p.fill("#login [name=password]", "third password")
		p.click("#login button")
		if !strings.HasPrefix(to, "/arrived") {
			shown("user")
		} else if got := <-arrived; got != "x=1&y" {
			t.Errorf("the page gets the query %q", got)
		}
	}
}
