package auth_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
)

// All nodes know a session. Its end reaches all of them at once: requests are anonymous, and connections closed.
func TestTheEndOfASessionReachesAllNodesAtOnce(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	app := newSite(auth.SessionConfig{})
	followsSessions(t, app.startNode(t, "a", net.Node()), app.startNode(t, "b", net.Node()), app)
}

func followsSessions(t *testing.T, a, b *testkit.Server, app *site) {
	t.Helper()
	one, two := newBrowser(a.HTTP(t)), newBrowser(b.HTTP(t))
	for name, end := range map[string]func(){
		"logout":    func() { one.post("logout", "").Want(t, 200, "") },
		"rotation":  func() { one.login(t, "ann") },
		"others":    func() { two.post("others", "").Want(t, 200, "") },
		"RevokeAll": func() { two.login(t, "bob"); revokeAll(t, app, a, "ann") },
	} {
		cookie := one.login(t, "ann")
		two.login(t, "ann")
		isUser(t, b.HTTP(t), cookie, "ann")
		isUser(t, a.HTTP(t), two.cookie(), "ann")
		ws, sio := wsWith(t, b, cookie), sioWith(t, b, cookie)
		if got := ws.Do("who", nil); !strings.Contains(got.JSON, `"who":"ann"`) {
			t.Errorf("%s: %s", name, got.JSON)
		}
		end()
		isUser(t, a.HTTP(t), cookie, "")
		isUser(t, b.HTTP(t), cookie, "")
		two.get("who").Want(t, 200, `"who"`)
		closedWith(t, ws, "your session has ended: log in again")
		ended(t, sio.Socket)
	}
}

// ended reads until the server closes the connection.
func ended(t *testing.T, c *testkit.Socket) {
	t.Helper()
	for {
		if _, _, err := c.Read(t.Context()); err != nil {
			return
		}
	}
}

// New roles of a user hold at once on all nodes, for its sessions and connections. Their ends stay.
func TestNewRolesHoldAtOnce(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	app := newSite(auth.SessionConfig{})
	a, b := app.startNode(t, "a", net.Node()), app.startNode(t, "b", net.Node())
	one, two, bob := newBrowser(a.HTTP(t)), newBrowser(b.HTTP(t)), newBrowser(b.HTTP(t))
	one.login(t, "ann")
	two.login(t, "ann")
	bob.login(t, "bob")
	before, err := app.List(t.Context(), a.API, "ann")
	if err != nil {
		t.Fatal(err)
	}
	ws, tcp := wsWith(t, b, two.cookie()), b.TCP(t)
	if got := tcp.Do("login", map[string]string{"user": "ann"}); got.Error != "" {
		t.Fatal(got.JSON)
	}
	if err := app.SetIdentity(t.Context(), a.API, actionhero.Identity{ID: "ann", Roles: []string{"admin"}, Claims: map[string]any{"name": "Ann B."}}); err != nil {
		t.Fatal(err)
	}
	const want = `"who":"ann","roles":["admin"],"scopes":["*"],"claims":{"name":"Ann B."}`
	for name, got := range map[string]string{
		"at one node": one.get("who").Text, "at the other node": two.get("who").Text, "over websocket": ws.Do("who", nil).JSON, "over tcp": tcp.Do("who", nil).JSON,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	bob.get("who").Want(t, 200, `"who":"bob","roles":["agent"]`)
	after, err := app.List(t.Context(), b.API, "ann")
	if err != nil || len(after) != 2 || !slices.Equal(after, before) {
		t.Errorf("the sessions are %+v, they were %+v (%v)", after, before, err)
	}
	if err := app.SetIdentity(t.Context(), a.API, actionhero.Identity{}); err == nil {
		t.Error("an identity without an id is set")
	}
}

func revokeAll(t *testing.T, app *site, s *testkit.Server, user string) {
	t.Helper()
	if err := app.RevokeAll(t.Context(), s.API, user); err != nil {
		t.Fatal(err)
	}
}

// Logins, requests and ends at the same time leave no session that its user does not see in the list.
func TestNoSessionEscapesAnEndOfAll(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	app := newSite(auth.SessionConfig{})
	servers := []*testkit.Server{app.startNode(t, "a", net.Node()), app.startNode(t, "b", net.Node())}
	var mu sync.Mutex
	var got []string
	var wg sync.WaitGroup
	for i := range 4 {
		s := servers[i%2]
		wg.Go(func() {
			c := newBrowser(s.HTTP(t))
			for range 5 {
				c.post("login", `{"user":"ann"}`).Want(t, 200, "")
				mu.Lock()
				got = append(got, c.cookie())
				mu.Unlock()
				c.get("open")
				if i == 0 {
					if err := app.RevokeAll(t.Context(), s.API, "ann"); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
	list, err := app.List(t.Context(), servers[0].API, "ann")
	if err != nil {
		t.Fatal(err)
	}
	alive := 0
	c := servers[1].HTTP(t)
	for _, cookie := range got {
		if strings.Contains(c.Ask("GET", "/api/open", "", "Cookie: "+cookie).Text, `"who":"ann"`) {
			alive++
		}
	}
	if alive != len(list) {
		t.Errorf("%d sessions are alive, %d are in the list", alive, len(list))
	}
	revokeAll(t, app, servers[0], "ann")
	for _, cookie := range got {
		isUser(t, c, cookie, "")
	}
}

// An operator logs all users out, on all nodes and over a connection that the call itself closes.
func TestEverybodyIsLoggedOut(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	app := newSite(auth.SessionConfig{})
	done := make(chan error, 1)
	app.parts = append(app.parts, actionhero.Action[none, none]{Name: "everybody", Run: func(ctx context.Context, in none) (none, error) {
		err := app.RevokeEverybody(ctx, actionhero.RequestFrom(ctx).API)
		done <- err
		return in, err
	}})
	a, b := app.startNode(t, "a", net.Node()), app.startNode(t, "b", net.Node())
	one, two := newBrowser(a.HTTP(t)), newBrowser(b.HTTP(t))
	ann, bob := one.login(t, "ann"), two.login(t, "bob")
	isUser(t, b.HTTP(t), ann, "ann") // both nodes remember both sessions
	isUser(t, a.HTTP(t), bob, "bob")
	onA, onB := wsWith(t, a, ann), wsWith(t, b, bob)
	byAction := testkit.NewWS(t, b.WSURL(), nil) // without a session
	if got := byAction.Do("login", map[string]string{"user": "cyd"}); got.Error != "" {
		t.Fatal(got.JSON)
	}
	stranger := testkit.NewWS(t, b.WSURL(), nil)
	onA.Send(`{"event":"action","id":1,"params":{"action":"everybody"}}`)
	if err := <-done; err != nil {
		t.Error(err)
	}
	for _, c := range []*testkit.WSClient{onA, onB, byAction} {
		closedWith(t, c, "your session has ended: log in again")
	}
	if got := stranger.Do("open", nil); got.Error != "" {
		t.Errorf("a client that has not logged in reads %s", got.JSON)
	}
	for _, c := range []*testkit.HTTPClient{a.HTTP(t), b.HTTP(t)} {
		isUser(t, c, ann, "")
		isUser(t, c, bob, "")
	}
	if list, err := app.List(t.Context(), a.API, "ann"); err != nil || len(list) > 0 {
		t.Errorf("%+v, %v", list, err)
	}
	one.login(t, "ann")
}
