package auth_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend/local"
)

// restartable runs an app whose tasks are on disk.
type restartable struct {
	*site
	folder string
	api    *actionhero.API
}

// start starts the app again, as a new process does.
func (r *restartable) restart(t *testing.T, cfg auth.SessionConfig) {
	t.Helper()
	r.stop(t)
	r.site = newSite(cfg)
	api, err := actionhero.New(actionhero.Config{
		Backend: local.New(local.Config{Queue: local.QueueConfig{Path: r.folder}}), Log: slog.New(slog.DiscardHandler),
	}, r.parts...)
	if err == nil {
		err = api.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	r.api = api
}

func (r *restartable) stop(t *testing.T) {
	t.Helper()
	if r.api == nil {
		return
	}
	if err := r.api.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	r.api = nil
}

// files returns the names of the files of the sessions.
func (r *restartable) files(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(r.folder, "sessions", "session"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// A restart of a server without Redis logs no user out, and brings back no session that has ended and no right that is lost.
func TestSessionsSurviveARestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &restartable{folder: t.TempDir()}
		defer r.stop(t)
		r.restart(t, auth.SessionConfig{PerUser: 2})
		ann, second, third, gone, revoked, demoted := &cookies{}, &cookies{}, &cookies{}, &cookies{}, &cookies{}, &cookies{}
		clients := []*cookies{ann, second, third, gone, revoked, demoted}
		attach := func() {
			for _, c := range clients {
				c.api = r.api
			}
		}
		attach()
		for i, user := range []string{"ann", "ann", "ann", "gone", "revoked", "demoted"} {
			clients[i].login(t, user) // the third login of ann ends her first session
			time.Sleep(time.Second)
		}
		last := second.header
		second.login(t, "ann") // the session has another id from now on
		if _, err := gone.run(t, "logout", nil); err != nil {
			t.Error(err)
		}
		if err := r.RevokeAll(t.Context(), r.api, "revoked"); err != nil {
			t.Error(err)
		}
		if err := r.SetIdentity(t.Context(), r.api, actionhero.Identity{ID: "demoted", Roles: []string{"guest"}}); err != nil {
			t.Error(err)
		}
		r.restart(t, auth.SessionConfig{PerUser: 2})
		attach()
		second.want(t, "ann")
		third.want(t, "ann")
		demoted.want(t, "demoted")
		for name, header := range map[string]string{"the oldest": ann.header, "the rotated": last} {
			if header == "" {
				t.Errorf("%s session has no cookie", name)
			}
			(&cookies{api: r.api, header: header}).want(t, "")
		}
		gone.want(t, "")
		(&cookies{api: r.api, header: revoked.header}).want(t, "")
		roles := func(c *cookies) []string {
			out, err := actionherotest.Run(t, r.api, "open", nil, func(req *actionhero.Request) { req.Extra = c })
			var who whoOutput
			if err != nil || json.Unmarshal(out, &who) != nil {
				t.Fatalf("%s, %v", out, err)
			}
			return who.Roles
		}
		if got := roles(demoted); !slices.Equal(got, []string{"guest"}) {
			t.Errorf("after the restart, the user has the roles %q", got)
		}
		if list, err := r.List(t.Context(), r.api, "ann"); err != nil || len(list) != 2 || !list[0].CreatedAt.After(list[1].CreatedAt) {
			t.Errorf("%+v, %v", list, err)
		}
		if err := r.RevokeAll(t.Context(), r.api, "ann"); err != nil {
			t.Error(err)
		}
		r.restart(t, auth.SessionConfig{})
		attach()
		second.want(t, "")
		demoted.want(t, "demoted")
		for _, name := range r.files(t) {
			if text, err := os.ReadFile(filepath.Join(r.folder, "sessions", "session", name)); err != nil || strings.Contains(string(text)+name, strings.TrimPrefix(demoted.header, "__Host-session=")) {
				t.Errorf("the file %s has the id of the cookie: %v", name, err)
			}
		}
	})
}

// A restart does not make a session live longer, and the files of expired sessions are removed.
func TestARestartDoesNotProlongASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := auth.SessionConfig{Idle: time.Hour, Absolute: 3 * time.Hour}
		r := &restartable{folder: t.TempDir()}
		defer r.stop(t)
		r.restart(t, cfg)
		used, idle := &cookies{api: r.api}, &cookies{api: r.api}
		used.login(t, "used")
		idle.login(t, "idle")
		time.Sleep(40 * time.Minute)
		used.want(t, "used")
		r.restart(t, cfg)
		used.api, idle.api = r.api, r.api
		time.Sleep(30 * time.Minute)
		idle.want(t, "")
		used.want(t, "used")
		for range 2 {
			time.Sleep(50 * time.Minute)
			used.want(t, "used")
			r.restart(t, cfg)
			used.api = r.api
		}
		time.Sleep(50 * time.Minute)
		used.want(t, "")
		if files := r.files(t); len(files) != 1 {
			t.Errorf("the folder has %q, want the session that was in use till its end", files)
		}
		time.Sleep(2 * time.Hour)
		synctest.Wait()
		if files := r.files(t); len(files) != 0 {
			t.Errorf("the folder still has %q", files)
		}
	})
}

// A file that cannot be read costs its own user a login, and nothing else.
func TestABrokenFileOfASessionStopsNoStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &restartable{folder: t.TempDir()}
		defer r.stop(t)
		r.restart(t, auth.SessionConfig{})
		ann, bo := &cookies{api: r.api}, &cookies{api: r.api}
		ann.login(t, "ann")
		before := r.files(t)
		bo.login(t, "bo")
		for _, name := range r.files(t) {
			if !slices.Contains(before, name) {
				if err := os.WriteFile(filepath.Join(r.folder, "sessions", "session", name), []byte(`{"us`), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		r.restart(t, auth.SessionConfig{})
		ann.api, bo.api = r.api, r.api
		ann.want(t, "ann")
		bo.want(t, "")
	})
}
