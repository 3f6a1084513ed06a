package auth_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/textproto"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
)

// whoami is closed, open is not. Both answer who has called.
var whoami, open = namesCaller("whoami", actionhero.Authenticated), namesCaller("open", actionhero.Public)

func namesCaller(name string, rule actionhero.Access) actionhero.Part {
	return actionhero.Action[actionhero.None, map[string]string]{
		Name: name, Kind: actionhero.KindRead, Access: rule,
		Run: func(ctx context.Context, _ actionhero.None) (map[string]string, error) {
			return map[string]string{"who": actionhero.IdentityFrom(ctx).ID}, nil
		},
	}
}

// closedApp returns the parts of an app with these authenticators.
func closedApp(authenticators ...actionhero.Part) actionhero.Parts {
	return append(actionhero.Parts{actionhero.DefaultAccess(actionhero.Authenticated), whoami, open}, authenticators...)
}

func folder(t testing.TB) func(*actionhero.API) (auth.KeyStore, error) {
	return auth.KeysInFolder(filepath.Join(t.TempDir(), "keys"))
}

// createKey makes a key of ann.
func createKey(t testing.TB, keys *auth.Keys, api *actionhero.API) (text string, key auth.Key) {
	t.Helper()
	text, key, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: "ann", Name: "laptop", Scopes: []string{"tickets:read"}, Roles: []string{"agent"}})
	if err != nil {
		t.Fatal(err)
	}
	return text, key
}

func wantErrorCode(t testing.TB, what string, err error, want actionhero.Code) {
	t.Helper()
	if e, ok := errors.AsType[*actionhero.Error](err); !ok || e.Code != want {
		t.Errorf("%s: %v, want an error of the code %s", what, err, want)
	}
}

// withAuthorization is a client that connects with a header Authorization.
func withAuthorization(authorization string) *actionhero.Handshake {
	return &actionhero.Handshake{Header: textproto.MIMEHeader{"Authorization": {authorization}}}
}

// openSIO connects with the option auth, and returns the client and the first packet after it.
func openSIO(t testing.TB, s *testkit.Server, authObject string) (c *testkit.SIOClient, answer string) {
	t.Helper()
	c = &testkit.SIOClient{Socket: testkit.DialSocket(t, "ws://"+s.Web.Addr().String()+testkit.SIOPath, nil)}
	c.Await(`0{"sid":`)
	c.Send("40" + authObject)
	return c, c.Next()
}

// openWS connects with a header and a query.
func openWS(t testing.TB, s *testkit.Server, query string, header http.Header) *testkit.Socket {
	t.Helper()
	return testkit.DialSocket(t, s.WSURL()+query, &websocket.DialOptions{HTTPHeader: header})
}

// A key makes its owner known on every transport, and a wrong one is refused on every transport.
func TestAnAPIKeyIdentifiesItsOwnerOnEveryTransport(t *testing.T) {
	t.Parallel()
	keys := auth.NewKeys(auth.KeyConfig{Store: folder(t)})
	s := testkit.Start(t, testkit.Options{Parts: closedApp(keys, keys.LoginAction("keyLogin"))})
	text, key := createKey(t, keys, s.API)
	wrong := text[:len(text)-1] + "1"
	const ann, refused = `"who":"ann"`, "the API key is not valid"

	s.HTTP(t).Ask("GET", "/api/whoami", "", "Authorization: Bearer "+text).Want(t, 200, ann)
	s.HTTP(t).Ask("GET", "/api/whoami", "", "Authorization: bearer  "+text).Want(t, 200, ann)
	s.HTTP(t).Ask("GET", "/api/open", "", "Authorization: Bearer "+wrong).Want(t, 401, refused)

	ws := &testkit.WSClient{Socket: openWS(t, s, "", http.Header{"Authorization": {"Bearer " + text}})}
	if got := ws.Do("whoami", nil); !strings.Contains(got.JSON, ann) {
		t.Error(got.JSON)
	}
	openWS(t, s, "", http.Header{"Authorization": {"Bearer " + wrong}}).WantClosed(4401, refused)

	for _, given := range []string{`{"token":"` + text + `"}`, `{"key":"` + text + `"}`} {
		sio, _ := openSIO(t, s, given)
		if got := sio.Do("whoami", nil); !strings.Contains(got.JSON, ann) {
			t.Error(got.JSON)
		}
	}
	if _, answer := openSIO(t, s, `{"key":"`+wrong+`"}`); !strings.Contains(answer, refused) {
		t.Error(answer)
	}

	tcp := s.TCP(t)
	for _, step := range []struct{ key, want string }{{"", "you must log in to do this"}, {wrong, "you must log in to do this"}, {text, ""}} {
		if step.key != "" {
			tcp.Do("keyLogin", map[string]string{"key": step.key})
		}
		if got := tcp.Do("whoami", nil); got.Error != step.want {
			t.Errorf("after the key %q: %s", step.key, got.JSON)
		}
	}
	wantNoKey(t, s.Log, text)
	for _, transport := range []string{"web", "websocket", "socketio", "tcp"} {
		found := slices.ContainsFunc(s.Log.With("key_id", key.ID), func(e testkit.Entry) bool { return e.Attrs["transport"] == transport && e.Attrs["user"] == "ann" })
		if !found {
			t.Errorf("no log line of a request over %s has the id of the key", transport)
		}
	}
}

// wantNoKey fails if the log has the secret of the key.
func wantNoKey(t testing.TB, log *testkit.Recorder, key string) {
	t.Helper()
	for _, entry := range log.Entries() {
		if shown := fmt.Sprint(entry); strings.Contains(shown, key[20:]) {
			t.Errorf("the log has the key: %s", shown)
		}
	}
}

// Texts that resemble a key are refused, and one of another prefix is left to other authenticators.
func TestNoTextButTheKeyIsAccepted(t *testing.T) {
	t.Parallel()
	keys, foreign := auth.NewKeys(auth.KeyConfig{Store: folder(t), QueryParam: "key"}), auth.NewKeys(auth.KeyConfig{Store: folder(t), Prefix: "other"})
	api := actionherotest.New(t, closedApp(keys)...)
	elsewhere := actionherotest.New(t, closedApp(foreign)...)
	text, key := createKey(t, keys, api)
	second, _ := createKey(t, keys, api)
	ofOther, _ := createKey(t, foreign, elsewhere)
	ask := func(action, token string) error {
		_, err := actionherotest.Run(t, api, action, nil, actionherotest.WithHeader("Authorization", "Bearer "+token))
		return err
	}
	if err := ask("whoami", text); err != nil {
		t.Fatalf("the key is refused: %v", err)
	}
	if !strings.HasPrefix(text, key.ID+"_") || !strings.HasPrefix(key.ID, "ak_") {
		t.Errorf("the id %q is not the beginning of the key %q", key.ID, text)
	}
	for name, wrong := range map[string]string{
		"the id alone":              key.ID,
		"the prefix alone":          "ak_",
		"a part":                    text[:len(text)-1],
		"more":                      text + "a",
		"capitals":                  "ak_" + strings.ToUpper(text[3:]),
		"the secret of another key": key.ID + second[len(key.ID):],
		"a path":                    "ak_../../../etc" + text[15:],
		"very long":                 "ak_" + strings.Repeat("a", 60_000),
		"NUL":                       text[:20] + "\x00" + text[21:],
	} {
		wantErrorCode(t, name, ask("open", wrong), actionhero.CodeUnauthenticated)
	}
	if err := ask("open", ofOther); err != nil {
		t.Errorf("a token of another kind is not left to the other authenticators: %v", err)
	}
	wantErrorCode(t, "a key of another app", ask("whoami", ofOther), actionhero.CodeUnauthenticated)
	_, err := actionherotest.Run(t, api, "whoami", map[string]any{"key": text})
	wantErrorCode(t, "a key among the params", err, actionhero.CodeUnauthenticated)
}

// A text with a known id and a right checksum is no key unless its hash is the stored one.
func TestTheHashDecides(t *testing.T) {
	t.Parallel()
	store := &memoryStore{}
	keys := auth.NewKeys(auth.KeyConfig{Store: store.open})
	api := actionherotest.New(t, closedApp(keys)...)
	first, key := createKey(t, keys, api)
	second, other := createKey(t, keys, api)
	store.keys[key.ID], store.keys[other.ID] = auth.StoredKey{Key: key, Hash: store.keys[other.ID].Hash}, auth.StoredKey{Key: other}
	for name, text := range map[string]string{"the hash of another key": first, "no hash": second} {
		_, err := actionherotest.Run(t, api, "open", nil, actionherotest.WithHeader("Authorization", "Bearer "+text))
		wantErrorCode(t, name, err, actionhero.CodeUnauthenticated)
	}
}

// The header, the param of the URL and the identity are as declared.
func TestKeySettings(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(time.Hour)
	keys := auth.NewKeys(auth.KeyConfig{
		Store: folder(t), Prefix: "app7", Header: "X-API-Key", QueryParam: "key",
		Identity: func(_ context.Context, key auth.Key) (actionhero.Identity, error) {
			if key.Name == "banned" {
				return actionhero.Identity{}, actionhero.Errorf(actionhero.CodePermissionDenied, "this account is closed")
			}
			return actionhero.Identity{ID: "user:" + key.Owner, Claims: map[string]any{"plan": "pro"}, ExpiresAt: end.Add(time.Hour)}, nil
		},
	})
	s := testkit.Start(t, testkit.Options{Parts: closedApp(keys)})
	text, key, err := keys.Create(t.Context(), s.API, auth.KeySpec{Owner: "ann", ExpiresAt: end})
	if err != nil {
		t.Fatal(err)
	}
	s.HTTP(t).Ask("GET", "/api/whoami", "", "X-API-Key: "+text).Want(t, 200, `"who":"user:ann"`)
	s.HTTP(t).Ask("GET", "/api/whoami", "", "Authorization: Bearer "+text).Want(t, 401, "you must log in")
	s.HTTP(t).Ask("GET", "/api/open", "", "X-API-Key: something").Want(t, 401, "the API key is not valid")
	s.HTTP(t).Ask("GET", "/api/whoami?key="+text, "").Want(t, 401, "you must log in")
	ws := &testkit.WSClient{Socket: openWS(t, s, "?key="+url.QueryEscape(text), nil)}
	if got := ws.Do("whoami", nil); !strings.Contains(got.JSON, "user:ann") {
		t.Error(got.JSON)
	}
	for c := range s.API.Conns.OnNode() {
		who := c.Identity()
		if auth.KeyIDOf(who) != key.ID || who.Claims["plan"] != "pro" || !who.ExpiresAt.Equal(end) {
			t.Errorf("the identity is %+v", who)
		}
	}
	banned, _, err := keys.Create(t.Context(), s.API, auth.KeySpec{Owner: "ann", Name: "banned"})
	if err != nil {
		t.Fatal(err)
	}
	s.HTTP(t).Ask("GET", "/api/open", "", "X-API-Key: "+banned).Want(t, 403, "this account is closed")
	wantNoKey(t, s.Log, banned)
	wantNoKey(t, s.Log, text)
}

// An expired key is refused, and its connections end.
func TestAKeyEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		keys := auth.NewKeys(auth.KeyConfig{Store: (&memoryStore{}).open})
		api := actionherotest.New(t, closedApp(keys)...)
		text, _, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: "ann", ExpiresAt: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		client, err := actionherotest.Dial(t, api, "", withAuthorization("Bearer "+text))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + 10*time.Second)
		if client.Closed() == "" {
			t.Error("the connection is open after the end of its key")
		}
		_, err = actionherotest.Dial(t, api, "", withAuthorization("Bearer "+text))
		if wantErrorCode(t, "the expired key", err, actionhero.CodeUnauthenticated); err != nil && err.Error() != "the API key has expired" {
			t.Error(err)
		}
	})
}

// A revoked key is refused at once, and its connections are closed on all nodes; others stay.
func TestARevokedKeyEndsOnAllNodes(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	keys := auth.NewKeys(auth.KeyConfig{Store: auth.KeysInCluster})
	a, b := startKeyNode(t, net.Node(), "a", keys), startKeyNode(t, net.Node(), "b", keys)
	text, key := createKey(t, keys, a)
	other, _ := createKey(t, keys, b)
	clients := map[*actionhero.API]*actionherotest.Client{a: dialWithKey(t, a, text), b: dialWithKey(t, b, text)}
	stays := dialWithKey(t, b, other)
	if err := keys.Revoke(t.Context(), a, key.ID); err != nil {
		t.Fatal(err)
	}
	for api, client := range clients {
		if client.Closed() != "your API key was revoked" {
			t.Errorf("the client is still connected to the node, reason %q", client.Closed())
		}
		_, err := actionherotest.Run(t, api, "open", nil, actionherotest.WithHeader("Authorization", "Bearer "+text))
		wantErrorCode(t, "a request with the revoked key", err, actionhero.CodeUnauthenticated)
	}
	if stays.Closed() != "" {
		t.Error("the client with another key was closed")
	}
	wantErrorCode(t, "revoked twice", keys.Revoke(t.Context(), b, key.ID), actionhero.CodeNotFound)
	wantErrorCode(t, "no id", keys.Revoke(t.Context(), b, "../x"), actionhero.CodeNotFound)
}

// New roles of a connection do not hide with which key it has come.
func TestARevokedKeyEndsAConnectionWithNewRoles(t *testing.T) {
	t.Parallel()
	keys := auth.NewKeys(auth.KeyConfig{Store: folder(t)})
	api := actionherotest.New(t, append(closedApp(keys), keys.LoginAction("keyLogin"))...)
	text, key := createKey(t, keys, api)
	c, later := dialWithKey(t, api, text), actionherotest.Connect(t, api, "")
	if _, err := later.Run(t, "keyLogin", auth.KeyLogin{Key: text}, actionherotest.Over("tcp")); err != nil {
		t.Fatal(err)
	}
	if n, err := api.Conns.User("ann").SetIdentity(t.Context(), actionhero.Identity{ID: "ann", Roles: []string{"admin"}}); n != 2 || err != nil {
		t.Fatal(n, err)
	}
	if err := keys.Revoke(t.Context(), api, key.ID); err != nil {
		t.Fatal(err)
	}
	if c.Closed() != "your API key was revoked" || later.Closed() != c.Closed() {
		t.Errorf("the connections are closed with %q and %q", c.Closed(), later.Closed())
	}
}

// A node that is cut off while a key is revoked closes the connections with the key after the cut.
func TestANodeThatMissesARevocationCatchesUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		net := memcluster.New(t)
		far := net.Node()
		keys := auth.NewKeys(auth.KeyConfig{Store: auth.KeysInCluster})
		a, b := startKeyNode(t, net.Node(), "a", keys), startKeyNode(t, far, "b", keys)
		text, key := createKey(t, keys, a)
		client := dialWithKey(t, b, text)
		far.Cut()
		if err := keys.Revoke(t.Context(), a, key.ID); err != nil {
			t.Fatal(err)
		}
		if client.Closed() != "" {
			t.Fatal("the call has reached a node that is cut off")
		}
		far.Heal()
		time.Sleep(time.Minute + time.Second)
		if client.Closed() == "" {
			t.Error("the client is connected a minute after the cut")
		}
	})
}

// A key that is revoked between its check and the first moment at which the connection is found closes the connection.
func TestAKeyRevokedDuringTheConnectIsNoticed(t *testing.T) {
	t.Parallel()
	store := &memoryStore{}
	keys := auth.NewKeys(auth.KeyConfig{Store: store.open})
	api := actionherotest.New(t, closedApp(keys, keys.LoginAction("keyLogin"))...)
	text, key := createKey(t, keys, api)
	store.found = func() {
		store.found = nil
		if err := keys.Revoke(t.Context(), api, key.ID); err != nil {
			t.Error(err)
		}
	}
	if client, err := actionherotest.Dial(t, api, "", withAuthorization("Bearer "+text)); err != nil || client.Closed() == "" {
		t.Errorf("the client stays connected with a revoked key (%v)", err)
	}
}

// The last use is stored, once a minute at most.
func TestTheLastUseIsWrittenOnceAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &memoryStore{}
		keys := auth.NewKeys(auth.KeyConfig{Store: store.open})
		api := actionherotest.New(t, closedApp(keys)...)
		text, _ := createKey(t, keys, api)
		begin := time.Now()
		for range 100 { // for 100 s
			if _, err := actionherotest.Run(t, api, "whoami", nil, actionherotest.WithHeader("Authorization", "Bearer "+text)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		list, err := keys.List(t.Context(), api, "ann")
		if n := store.uses.Load(); err != nil || n != 2 || !list[0].LastUsedAt.Equal(begin.Add(time.Minute)) {
			t.Errorf("%d writes, %+v, %v", n, list, err)
		}
	})
}

// Keys in a folder are there after a restart, on all nodes that use the folder.
func TestKeysInAFolderSurviveARestart(t *testing.T) {
	t.Parallel()
	keys := auth.NewKeys(auth.KeyConfig{Store: folder(t)})
	first := actionherotest.New(t, closedApp(keys)...)
	text, key := createKey(t, keys, first)
	if err := first.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	second, third := actionherotest.New(t, closedApp(keys)...), actionherotest.New(t, closedApp(keys)...)
	use := func(api *actionhero.API) error {
		_, err := actionherotest.Run(t, api, "whoami", nil, actionherotest.WithHeader("Authorization", "Bearer "+text))
		return err
	}
	if err := errors.Join(use(second), use(third)); err != nil {
		t.Error(err)
	}
	if err := keys.Revoke(t.Context(), second, key.ID); err != nil {
		t.Fatal(err)
	}
	wantErrorCode(t, "the other node", use(third), actionhero.CodeUnauthenticated)
}

// Create refuses keys without an owner, of the past, of a size that fills the store, and too many of them.
func TestCreateHasLimits(t *testing.T) {
	t.Parallel()
	keys := auth.NewKeys(auth.KeyConfig{Store: folder(t), MaxPerOwner: 2})
	api := actionherotest.New(t, closedApp(keys)...)
	long := strings.Repeat("x", 257)
	for name, spec := range map[string]auth.KeySpec{
		"no owner": {}, "a long owner": {Owner: long}, "a long name": {Owner: "ann", Name: long}, "a long scope": {Owner: "ann", Scopes: []string{long}},
		"many roles": {Owner: "ann", Roles: make([]string, 101)}, "the past": {Owner: "ann", ExpiresAt: time.Now().Add(-time.Second)},
	} {
		_, _, err := keys.Create(t.Context(), api, spec)
		wantErrorCode(t, name, err, actionhero.CodeInvalidInput)
	}
	createKey(t, keys, api)
	createKey(t, keys, api)
	_, _, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: "ann"})
	wantErrorCode(t, "a third key", err, actionhero.CodeResourceExhausted)
	if _, _, err := keys.Create(t.Context(), api, auth.KeySpec{Owner: "bob"}); err != nil {
		t.Errorf("the keys of ann count for bob: %v", err)
	}
	if list, err := keys.List(t.Context(), api, ""); err != nil || len(list) != 3 {
		t.Errorf("all keys: %v, %v", list, err)
	}
}

// A wrong declaration is refused at the start, with the remedy.
func TestAWrongKeyConfigIsRefused(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]auth.KeyConfig{
		"KeyConfig.Store is missing":     {},
		`KeyConfig.Prefix is "Ak_"`:      {Prefix: "Ak_", Store: folder(t)},
		"KeyConfig.MaxPerOwner is -2":    {MaxPerOwner: -2, Store: folder(t)},
		"use auth.KeysInFolder":          {Store: auth.KeysInCluster},
		"without a folder":               {Store: auth.KeysInFolder("")},
		"has returned no store":          {Store: func(*actionhero.API) (auth.KeyStore, error) { return nil, nil }},
		"the folder of the API keys can": {Store: auth.KeysInFolder("key_test.go/keys")},
	} {
		_, err := actionhero.New(actionhero.Config{Backend: newLocal()}, closedApp(auth.NewKeys(cfg))...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want …%s…", err, want)
		}
	}
	api := actionherotest.New(t)
	_, err := auth.NewKeys(auth.KeyConfig{Store: folder(t)}).List(t.Context(), api, "")
	if err == nil || !strings.Contains(err.Error(), "does not have the part") {
		t.Error(err)
	}
}

// The stores behave alike, and none of them brings back a removed key.
func TestKeyStores(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	clustered := startKeyNode(t, net.Node(), "a")
	for name, open := range map[string]func(*actionhero.API) (auth.KeyStore, error){"folder": folder(t), "cluster": auth.KeysInCluster} {
		t.Run(name, func(t *testing.T) {
			store, err := open(clustered)
			if err != nil {
				t.Fatal(err)
			}
			ctx, now := t.Context(), time.Now().Truncate(time.Millisecond)
			k := auth.StoredKey{Key: auth.Key{ID: "ak_abcdefghijkl", Owner: "ann", Scopes: []string{"a"}, CreatedAt: now, ExpiresAt: now.Add(time.Hour)}, Hash: []byte{1, 2, 255}}
			other := auth.StoredKey{Key: auth.Key{ID: "ak_22222222222a", Owner: "bob", CreatedAt: now}}
			if err := errors.Join(store.Add(ctx, k), store.Add(ctx, other)); err != nil {
				t.Fatal(err)
			}
			wantErrorCode(t, "added twice", store.Add(ctx, k), actionhero.CodeAlreadyExists)
			got, err := store.Find(ctx, k.ID)
			if err != nil || string(got.Hash) != string(k.Hash) || !got.ExpiresAt.Equal(k.ExpiresAt) || !slices.Equal(got.Scopes, k.Scopes) {
				t.Errorf("Find: %+v, %v", got, err)
			}
			if list, err := store.List(ctx, "ann"); err != nil || len(list) != 1 || !list[0].LastUsedAt.IsZero() {
				t.Errorf("List before the first use: %+v, %v", list, err)
			}
			at := now.Add(5 * time.Minute)
			if err := store.Used(ctx, k.ID, at); err != nil {
				t.Error(err)
			}
			if list, err := store.List(ctx, "ann"); err != nil || len(list) != 1 || !list[0].LastUsedAt.Equal(at) {
				t.Errorf("List after a use: %+v, %v", list, err)
			}
			if err := errors.Join(store.Remove(ctx, k.ID), store.Used(ctx, k.ID, at)); err != nil {
				t.Error(err)
			}
			_, err = store.Find(ctx, k.ID)
			wantErrorCode(t, "a removed key that was used meanwhile", err, actionhero.CodeNotFound)
			wantErrorCode(t, "removed twice", store.Remove(ctx, k.ID), actionhero.CodeNotFound)
			if list, err := store.List(ctx, ""); err != nil || len(list) != 1 || list[0].Owner != "bob" {
				t.Errorf("List of all: %+v, %v", list, err)
			}
		})
	}
}

// A failing store is no wrong key: the client reads that the server has a problem.
func TestAFailingStoreIsNoWrongKey(t *testing.T) {
	t.Parallel()
	store := &memoryStore{}
	keys := auth.NewKeys(auth.KeyConfig{Store: store.open})
	api := actionherotest.New(t, closedApp(keys)...)
	text, _ := createKey(t, keys, api)
	client := dialWithKey(t, api, text)
	store.fails = errors.New("the disk is gone")
	_, err := actionherotest.Run(t, api, "open", nil, actionherotest.WithHeader("Authorization", "Bearer "+text))
	wantErrorCode(t, "a request", err, actionhero.CodeInternal)
	if client.Closed() != "" {
		t.Error("the connection was closed because the store fails")
	}
}

// What an app shows of a key has no secret.
func TestAKeyAsJSONHasNoSecret(t *testing.T) {
	t.Parallel()
	keys := auth.NewKeys(auth.KeyConfig{Store: folder(t)})
	api := actionherotest.New(t, closedApp(keys)...)
	text, key := createKey(t, keys, api)
	found, err := keys.Find(t.Context(), api, key.ID)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal([]any{key, found})
	if secret := text[len(key.ID)+1:]; err != nil || strings.Contains(string(shown), secret) || strings.Contains(string(shown), "hash") {
		t.Errorf("%s, %v", shown, err)
	}
}

func startKeyNode(t testing.TB, node *memcluster.Node, id string, parts ...actionhero.Part) *actionhero.API {
	t.Helper()
	api, err := actionhero.New(actionhero.Config{ID: id, Backend: node, Log: slog.New(slog.DiscardHandler)}, closedApp(parts...)...)
	if err == nil {
		err = api.Start(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Stop(context.Background()) })
	return api
}

func dialWithKey(t testing.TB, api *actionhero.API, key string) *actionherotest.Client {
	t.Helper()
	c, err := actionherotest.Dial(t, api, "", withAuthorization("Bearer "+key))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// memoryStore keeps keys in memory, counts the writes of last uses, and calls found after each found key.
type memoryStore struct {
	mu    sync.Mutex
	keys  map[string]auth.StoredKey
	uses  atomic.Int64
	found func()
	fails error
}

func (s *memoryStore) open(*actionhero.API) (auth.KeyStore, error) {
	s.keys = map[string]auth.StoredKey{}
	return s, nil
}

func (s *memoryStore) Add(_ context.Context, k auth.StoredKey) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[k.ID] = k
	return nil
}

func (s *memoryStore) Find(_ context.Context, id string) (auth.StoredKey, error) {
	s.mu.Lock()
	k, ok := s.keys[id]
	s.mu.Unlock()
	if s.fails != nil {
		return auth.StoredKey{}, s.fails
	}
	if !ok {
		return k, actionhero.Errorf(actionhero.CodeNotFound, "no such key")
	}
	if s.found != nil {
		s.found()
	}
	return k, nil
}

func (s *memoryStore) List(context.Context, string) (list []auth.StoredKey, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.keys {
		list = append(list, k)
	}
	return list, nil
}

func (s *memoryStore) Remove(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.keys[id]; !ok {
		return actionhero.Errorf(actionhero.CodeNotFound, "no such key")
	}
	delete(s.keys, id)
	return nil
}

func (s *memoryStore) Used(_ context.Context, id string, at time.Time) error {
	s.uses.Add(1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if k, ok := s.keys[id]; ok {
		k.LastUsedAt = at
		s.keys[id] = k
	}
	return nil
}

func newLocal() *local.Backend { return local.New(local.Config{}) }

// With AnyScope as the rule of the app, a key runs only the actions that name its scopes, and a user with a session all of them.
func TestAKeyWithFewScopesRunsNoOtherAction(t *testing.T) {
	t.Parallel()
	keys := auth.NewKeys(auth.KeyConfig{Store: auth.KeysInFolder(t.TempDir())})
	app := newSite(auth.SessionConfig{})
	echo := func(name string, access actionhero.Access) actionhero.Part {
		return actionhero.Action[none, whoOutput]{Name: name, Kind: actionhero.KindRead, Access: access, Run: func(ctx context.Context, _ none) (whoOutput, error) {
			return whoOutput{Who: actionhero.IdentityFrom(ctx).ID}, nil
		}}
	}
	login := actionhero.Action[none, none]{Name: "login", Access: actionhero.Public, Run: func(ctx context.Context, in none) (none, error) {
		return in, app.Login(ctx, actionhero.Identity{ID: "ann"})
	}}
	app.parts = actionhero.Parts{keys, app.Sessions, actionhero.DefaultAccess(actionhero.Scopes(actionhero.AnyScope)),
		login, echo("read", actionhero.Scopes("tickets:read")), echo("makeKey", actionhero.Access{})}
	s := app.start(t)
	text, _, err := keys.Create(t.Context(), s.API, auth.KeySpec{Owner: "ann", Scopes: []string{"tickets:read"}})
	if err != nil {
		t.Fatal(err)
	}
	program, user := s.HTTP(t), newBrowser(s.HTTP(t))
	program.Ask("GET", "/api/read", "", "Authorization: Bearer "+text).Want(t, 200, `"who":"ann"`)
	program.Ask("GET", "/api/makeKey", "", "Authorization: Bearer "+text).Want(t, 403, "")
	user.post("login", "").Want(t, 200, "")
	user.get("read").Want(t, 200, `"who":"ann"`)
	user.get("makeKey").Want(t, 200, `"who":"ann"`)
}
