//go:build unix

package auth_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
	"github.com/actionhero-go/actionhero/server"
)

// Over Redis, all nodes know a key, also one that has started later, and none of them from the moment it is revoked. Redis has
// no text of a key.
func TestKeysOverRedis(t *testing.T) {
	t.Parallel()
	redis, prefix := redistest.Redis.Shared(t), redistest.Prefix()
	keys := auth.NewKeys(auth.KeyConfig{Store: auth.KeysInCluster})
	start := func(id string) *testkit.Server {
		return testkit.Start(t, testkit.Options{Parts: closedApp(keys), Change: func(cfg *server.Config) {
			cfg.General.ID, cfg.Redis.URL, cfg.Redis.Prefix, cfg.Redis.Timeout = id, "redis://"+redis.Addr, prefix, 10*time.Second
		}})
	}
	knows := func(s *testkit.Server, text string, status int, want string) {
		t.Helper()
		s.HTTP(t).Ask("GET", "/api/whoami", "", "Authorization: Bearer "+text).Want(t, status, want)
	}
	a, b := start("a"), start("b")
	for _, s := range []*testkit.Server{a, b} {
		testkit.Eventually(t, "the node knows the other one", func() bool {
			peers, err := s.Cluster.Peers(t.Context())
			return err == nil && len(peers) == 2
		})
	}
	text, key := createKey(t, keys, a.API)
	other, _ := createKey(t, keys, b.API)
	for _, s := range []*testkit.Server{a, b, start("c")} {
		knows(s, text, 200, `"who":"ann"`)
	}
	list, err := keys.List(t.Context(), b.API, "ann")
	if err != nil || len(list) != 2 {
		t.Errorf("the keys of ann: %+v, %v", list, err)
	}
	for _, k := range list {
		if used := !k.LastUsedAt.IsZero(); used != (k.ID == key.ID) {
			t.Errorf("the last use of a key: %+v", k)
		}
	}
	found := 0
	for name, err := range a.Cache.Keys(t.Context(), "_auth") {
		if err != nil {
			t.Fatal(err)
		}
		if e, err := a.Cache.Get(t.Context(), name); err != nil || strings.Contains(name+string(e.Value), text) {
			t.Errorf("Redis has the text of a key in %s, or: %v", name, err)
		}
		found++
	}
	if found < 2 {
		t.Errorf("Redis has %d records", found)
	}

	ws := &testkit.WSClient{Socket: openWS(t, b, "", http.Header{"Authorization": {"Bearer " + text}})}
	if got := ws.Do("whoami", nil); !strings.Contains(got.JSON, `"who":"ann"`) {
		t.Error(got.JSON)
	}
	if err := keys.Revoke(t.Context(), a.API, key.ID); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*testkit.Server{a, b} {
		knows(s, text, 401, "the API key is not valid")
		knows(s, other, 200, `"who":"ann"`)
	}
	closedWith(t, ws, "your API key was revoked")
	if err := keys.Revoke(t.Context(), b.API, key.ID); actionhero.AsError(err).Code != actionhero.CodeNotFound {
		t.Errorf("a second Revoke: %v", err)
	}
}
