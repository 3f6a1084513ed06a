package auth_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/web"
)

// A session that the cache has lost, because the app has cleared it, has ended: no restart brings it back.
func TestAClearedCacheEndsSessionsAlsoOverARestart(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(t *testing.T, r *restartable, c *cookies){
		"revoke all": func(t *testing.T, r *restartable, _ *cookies) {
			if err := r.RevokeAll(t.Context(), r.api, "ann"); err != nil {
				t.Error(err)
			}
		},
		"logout": func(t *testing.T, _ *restartable, c *cookies) {
			header := c.header
			if _, err := c.run(t, "logout", nil); err != nil {
				t.Error(err)
			}
			c.header = header // a thief has it, too
		},
		"time": func(*testing.T, *restartable, *cookies) {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := &restartable{folder: t.TempDir()}
				defer r.stop(t)
				r.restart(t, auth.SessionConfig{})
				ann, bo := &cookies{api: r.api}, &cookies{api: r.api}
				ann.login(t, "ann")
				if _, err := r.api.Cache.Clear(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Second) // the node has forgotten the session
				end(t, r, ann)
				bo.login(t, "bo")
				if name == "time" {
					time.Sleep(2 * time.Minute)
					synctest.Wait()
				}
				r.restart(t, auth.SessionConfig{})
				ann.api, bo.api = r.api, r.api
				bo.want(t, "bo")
				ann.want(t, "")
			})
		})
	}
}

// Files that are none of a session change nothing: a copy that an editor has made, and what a crash has left.
func TestForeignFilesBesideSessionsAreLeftOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &restartable{folder: t.TempDir()}
		defer r.stop(t)
		r.restart(t, auth.SessionConfig{})
		ann := &cookies{api: r.api}
		ann.login(t, "ann")
		folder := filepath.Join(r.folder, "sessions", "session")
		text, err := os.ReadFile(filepath.Join(folder, r.files(t)[0]))
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"copy.json", "new-123"} {
			if err := os.WriteFile(filepath.Join(folder, name), text, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(filepath.Join(folder, name), time.Now(), time.Now()); err != nil {
				t.Fatal(err)
			}
		}
		r.restart(t, auth.SessionConfig{})
		ann.api = r.api
		if list, err := r.List(t.Context(), r.api, "ann"); err != nil || len(list) != 1 {
			t.Errorf("%v, %v", list, err)
		}
		if files := r.files(t); len(files) != 2 {
			t.Errorf("the folder has %q", files)
		}
	})
}

// A Join that fails at a logout keeps no session: the client can do nothing about it, and believes to be logged out.
func TestAFailingJoinDoesNotKeepTheSessionOfALogout(t *testing.T) {
	t.Parallel()
	app := newSite(auth.SessionConfig{})
	app.parts = append(app.parts, actionhero.RoomMiddleware{Join: func(_ context.Context, c *actionhero.Conn, _ string) error {
		if !c.Identity().Known() {
			return actionhero.Errorf(actionhero.CodeUnavailable, "the database is away")
		}
		return nil
	}})
	s := app.start(t)
	b := newBrowser(s.HTTP(t))
	cookie := b.login(t, "ann")
	ws := wsWith(t, s, cookie)
	ws.Do("logout", nil)
	ws.Do("logout", nil)
	isUser(t, b.HTTPClient, cookie, "")
}

// The order in which a database returns the roles of a user changes nothing: a stream would end as soon as it begins.
func TestTheOrderOfRolesEndsNoStream(t *testing.T) {
	t.Parallel()
	var reads atomic.Int32
	app := newSite(auth.SessionConfig{Identity: func(_ context.Context, who actionhero.Identity) (actionhero.Identity, error) {
		roles := []string{"agent", "customer"}
		if reads.Add(1)%2 == 0 {
			slices.Reverse(roles)
		}
		return actionhero.Identity{ID: who.ID, Roles: roles}, nil
	}})
	app.parts = append(app.parts, actionhero.Action[none, none]{Name: "once", Kind: actionhero.KindRead, Run: func(ctx context.Context, _ none) (none, error) {
		s, err := web.Events(ctx, web.EventOptions{})
		if err == nil && ctx.Err() == nil {
			err = s.Send(web.Event{Data: "goes on"})
		}
		return none{}, err
	}})
	b := newBrowser(app.start(t).HTTP(t))
	b.login(t, "ann")
	b.get("once").Want(t, 200, "goes on")
}
