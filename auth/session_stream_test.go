package auth_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/web"
)

// feed is an action that sends an event and waits for the end of its stream.
func feed(before func()) actionhero.Part {
	return actionhero.Action[none, none]{Name: "feed", Kind: actionhero.KindRead, Timeout: -1, Run: func(ctx context.Context, _ none) (none, error) {
		before()
		s, err := web.Events(ctx, web.EventOptions{Heartbeat: -1})
		if err == nil {
			_ = s.Send(web.Event{Data: "hello"})
			<-ctx.Done()
		}
		return none{}, err
	}}
}

// listen opens the stream of the feed with a header, and waits for its first event.
func listen(t *testing.T, s *testkit.Server, name, value string) *bufio.Reader {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), "GET", s.HTTP(t).Base+"/api/feed", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(name, value)
	resp, err := s.HTTP(t).Client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	in := bufio.NewReader(resp.Body)
	if line, err := in.ReadString('\n'); err != nil || line != "data: hello\n" {
		t.Fatalf("%d %q, %v", resp.StatusCode, line, err)
	}
	return in
}

func wantEnd(t *testing.T, what string, in io.Reader) {
	t.Helper()
	if text, err := io.ReadAll(in); err != nil || string(text) != "\n" {
		t.Errorf("%s: the stream ends with %q, %v", what, text, err)
	}
}

// A stream of server-sent events ends with its session, on whichever node, and with a change of the roles.
func TestAStreamEndsWithItsSession(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	app := newSite(auth.SessionConfig{})
	app.parts = append(app.parts, feed(func() {}))
	a, b := app.startNode(t, "a", net.Node()), app.startNode(t, "b", net.Node())
	browser := newBrowser(a.HTTP(t))
	for name, end := range map[string]func(){
		"logout":     func() { browser.post("logout", "").Want(t, 200, "") },
		"new login":  func() { browser.post("login", `{"user":"ann"}`).Want(t, 200, "") },
		"revoke all": func() { revokeAll(t, app, a, "ann") },
		"revoke everybody": func() {
			if err := app.RevokeEverybody(t.Context(), a.API); err != nil {
				t.Error(err)
			}
		},
		"new roles": func() {
			if err := app.SetIdentity(t.Context(), a.API, actionhero.Identity{ID: "ann", Roles: []string{"new"}}); err != nil {
				t.Error(err)
			}
		},
	} {
		in := listen(t, b, "Cookie", browser.login(t, "ann"))
		end()
		wantEnd(t, name, in)
	}
	first := listen(t, b, "Cookie", browser.login(t, "ann"))
	other := newBrowser(b.HTTP(t))
	second := listen(t, a, "Cookie", other.login(t, "ann"))
	other.post("others", "").Want(t, 200, "")
	wantEnd(t, "the others", first)
	other.post("logout", "").Want(t, 200, "")
	wantEnd(t, "a logout of the own one", second)
}

// A session that ends between the identification of a request and the begin of its stream ends the stream.
func TestAStreamDoesNotOutrunALogout(t *testing.T) {
	t.Parallel()
	app := newSite(auth.SessionConfig{})
	var s *testkit.Server
	app.parts = append(app.parts, feed(func() { revokeAll(t, app, s, "ann") }))
	s = app.start(t)
	browser := newBrowser(s.HTTP(t))
	browser.login(t, "ann")
	browser.get("feed").Want(t, http.StatusUnauthorized, "your session has ended: log in again")
}

// A stream ends when its key is revoked, on whichever node.
func TestAStreamEndsWithItsKey(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	keys := auth.NewKeys(auth.KeyConfig{Store: folder(t)})
	app := newSite(auth.SessionConfig{})
	app.parts = append(app.parts, keys, feed(func() {}))
	a, b := app.startNode(t, "a", net.Node()), app.startNode(t, "b", net.Node())
	text, key := createKey(t, keys, a.API)
	in := listen(t, b, "Authorization", "Bearer "+text)
	if err := keys.Revoke(t.Context(), a.API, key.ID); err != nil {
		t.Fatal(err)
	}
	wantEnd(t, "a revoked key", in)
}
