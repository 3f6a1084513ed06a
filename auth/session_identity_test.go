package auth_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
)

// users is the database of a test: the role of ann; "" if she is gone.
type users struct {
	role  atomic.Value
	fails atomic.Bool
}

func (u *users) identity(_ context.Context, who actionhero.Identity) (actionhero.Identity, error) {
	role := u.role.Load().(string)
	switch {
	case u.fails.Load():
		return actionhero.Identity{}, errors.New("the database is gone")
	case role == "":
		return actionhero.Identity{}, nil
	case role == "other":
		return actionhero.Identity{ID: "eve"}, nil
	}
	return actionhero.Identity{ID: who.ID, Roles: []string{role}}, nil
}

// With SessionConfig.Identity, a role that is taken away counts in the next request, and in the next connection.
func TestASessionHasTheRolesOfNow(t *testing.T) {
	t.Parallel()
	u := &users{}
	u.role.Store("agent")
	app := newSite(auth.SessionConfig{Identity: u.identity})
	s := app.start(t)
	c := newBrowser(s.HTTP(t))
	cookie := c.login(t, "ann")
	c.get("who").Want(t, 200, `"who":"ann","roles":["agent"],"scopes":["*"]`)
	open := wsWith(t, s, cookie)
	u.role.Store("customer")
	c.get("who").Want(t, 200, `"who":"ann","roles":["customer"],"scopes":["*"]`)
	if got := wsWith(t, s, cookie).Do("who", nil).JSON; !strings.Contains(got, `"roles":["customer"]`) {
		t.Errorf("a new connection is %s", got)
	}
	if _, err := s.API.Conns.User("ann").Close(t.Context(), "your role has changed"); err != nil {
		t.Error(err)
	}
	closedWith(t, open, "your role has changed")
	c.get("who").Want(t, 200, `"roles":["customer"]`)

	u.role.Store("")
	c.get("who").Want(t, http.StatusUnauthorized, "")
	c.post("login", `{"user":"ann"}`).Want(t, http.StatusUnauthorized, "this user does not exist any more")
	tcp := s.TCP(t)
	if got := tcp.Do("login", map[string]string{"user": "ann"}); got.Error != "this user does not exist any more" {
		t.Errorf("a login over TCP: %s", got.JSON)
	}
	u.role.Store("other")
	c.get("who").Want(t, http.StatusInternalServerError, "")
	u.role.Store("agent")
	u.fails.Store(true)
	c.get("open").Want(t, http.StatusInternalServerError, "")
	u.fails.Store(false)
	c.get("who").Want(t, 200, `"roles":["agent"]`)
	if got := tcp.Do("login", map[string]string{"user": "ann"}); got.Error != "" || !strings.Contains(tcp.Do("who", nil).JSON, `"roles":["agent"]`) {
		t.Errorf("a login over TCP: %s", got.JSON)
	}
}

// An open connection of a session gets the roles of now within about a minute, and is closed when its user is gone.
func TestAnOpenConnectionGetsTheRolesOfNow(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		u := &users{}
		u.role.Store("agent")
		api := actionherotest.New(t, newSite(auth.SessionConfig{Identity: u.identity}).parts)
		c := &cookies{api: api}
		c.login(t, "ann")
		conn, err := actionherotest.Dial(t, api, "", &actionhero.Handshake{Header: map[string][]string{"Cookie": {c.header}, "Origin": {"https://shop.example"}}})
		if err != nil || !conn.Identity().HasRole("agent") {
			t.Fatalf("%+v, %v", conn.Identity(), err)
		}
		u.role.Store("customer")
		actionherotest.Advance(t, time.Minute+time.Second)
		if !conn.Identity().HasRole("customer") || conn.Closed() != "" {
			t.Errorf("the connection is %+v, closed with %q", conn.Identity(), conn.Closed())
		}
		u.role.Store("")
		actionherotest.Advance(t, time.Minute+time.Second)
		if conn.Closed() == "" {
			t.Error("the connection of a user who is gone is open")
		}
	})
}
