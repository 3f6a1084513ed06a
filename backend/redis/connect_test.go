//go:build unix

package redis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// open returns an open backend, which is closed when the test ends. The default prefix is a new one.
func open(t *testing.T, config Config) *Backend {
	t.Helper()
	b := newBackend(config)
	if err := b.Open(t.Context(), newNode()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	return b
}

func newBackend(config Config) *Backend {
	if config.Prefix == "" {
		config.Prefix = redistest.Prefix()
	}
	if config.Log == nil {
		config.Log = quiet
	}
	return New(config)
}

// wantRefused checks that Open fails with all words within the limit, and without the password "secret".
func wantRefused(t *testing.T, config Config, limit time.Duration, words ...string) {
	t.Helper()
	b := newBackend(config)
	begin := time.Now()
	err := b.Open(t.Context(), newNode())
	if err == nil {
		_ = b.Close(t.Context())
		t.Fatalf("Open succeeds, want an error with %q", words)
	}
	if took := time.Since(begin); took > limit {
		t.Errorf("Open failed after %v, want at most %v", took, limit)
	}
	for _, word := range append(words, " ") {
		if !strings.Contains(err.Error(), word) || strings.Contains(err.Error(), "secret") {
			t.Errorf("Open = %v, want %q in it", err, word)
		}
	}
}

// randomly returns a source of random numbers, and logs its seed.
func randomly(t testing.TB) *rand.Rand {
	seed := rand.Uint64()
	t.Logf("the seed of the random numbers is %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

// onEachFlavor runs the test once for Redis and once for Valkey.
func onEachFlavor(t *testing.T, test func(t *testing.T, f redistest.Flavor)) {
	t.Parallel()
	for _, f := range redistest.Flavors() {
		t.Run(f.Name, func(t *testing.T) {
			t.Parallel()
			test(t, f)
		})
	}
}

// at returns the settings for a server.
func at(s *redistest.Server) Config { return Config{Host: "127.0.0.1", Port: s.Port} }

func TestAServerThatBreaksPromisesIsRefused(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		evicting := f.Start(t, redistest.Options{Policy: "volatile-lru"})
		wantRefused(t, at(evicting), basics.Wait, evicting.Addr, "maxmemory-policy volatile-lru", "set it to noeviction")
		evicting.Do(t, "CONFIG", "SET", "maxmemory-policy", "noeviction")
		evicting.Do(t, "REPLICAOF", "127.0.0.1", 1)
		wantRefused(t, at(evicting), basics.Wait, "is a replica of 127.0.0.1:1", "redis.sentinels")
		evicting.Do(t, "REPLICAOF", "NO", "ONE")
		open(t, at(evicting))
		wantRefused(t, Config{Port: evicting.Port, DB: 99}, basics.Wait, "no database 99", "redis.DB")
		c := f.StartCluster(t, 1, redistest.Options{})
		wantRefused(t, Config{Port: c.Masters[0].Port, DB: 1}, basics.Wait, "database")
	})
}

func TestOldVersionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		info    serverInfo
		cluster bool
		want    string
	}{
		{serverInfo{"redis_version": "6.2.0"}, false, ""},
		{serverInfo{"redis_version": "10.0.0"}, true, ""},
		{serverInfo{"redis_version": "6.0.16"}, false, "is Redis 6.0.16: use version 6.2"},
		{serverInfo{"redis_version": "6.2.14"}, true, "is Redis 6.2.14 in a Cluster: use version 7.0"},
		{serverInfo{"redis_version": "7.0.0"}, true, ""},
		{serverInfo{"redis_version": "7.2.4", "valkey_version": "8.0.1"}, true, ""},
		{serverInfo{"redis_version": "x"}, false, "is Redis x"},
		{serverInfo{}, false, "does not report its version"},
		{serverInfo{"redis_version": "7.0.0", "redis_mode": "sentinel"}, false, "is a Sentinel"},
	} {
		if err := test.info.check(test.cluster); (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: %v, want %q", test.info, err, test.want)
		}
	}
}

func TestLoginAndItsErrors(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := f.Start(t, redistest.Options{Password: "secret", Unix: true, Users: []string{
			"anna on >secret resetkeys ~mine:* resetchannels &mine:* +@all -config",
			"bert on >secret ~* &* +@all -info",
			"dave on >secret resetkeys ~mine:* resetchannels +@all",
			"carl on >secret ~* &* +@read +@connection +info +time",
		}})
		login := func(user, password string) Config { c := at(s); c.Username, c.Password = user, password; return c }
		wantRefused(t, login("", ""), basics.Wait, "demands a password", "redis.password")
		wantRefused(t, login("", "wrong"), basics.Wait, `the user "default"`, "correct redis.username and redis.password")
		wantRefused(t, Config{URL: "redis://:wrong@" + s.Addr}, basics.Wait, "correct the user and the password in redis.url")
		wantRefused(t, Config{URL: "redis://:secret@" + s.Addr + "/99"}, basics.Wait, "correct the database in redis.url")
		wantRefused(t, Config{URL: "redis://" + s.Addr, Password: "wrong"}, basics.Wait, "correct redis.username and redis.password")
		open(t, Config{URL: "redis://" + s.Addr, Password: "secret"})
		wantRefused(t, login("dora", "wrong"), basics.Wait, "correct redis.username and redis.password")
		open(t, login("", "secret"))
		open(t, Config{URL: "redis://anna:secret@" + s.Addr, Prefix: "mine"})
		open(t, Config{URL: "unix://:secret@" + s.Unix})
		log := &lockedBuffer{}
		c := login("bert", "secret")
		c.Log = slog.New(slog.NewTextHandler(log, nil))
		if err := open(t, c).Store().Set(t.Context(), "a", nil, 0); err != nil {
			t.Error(err)
		}
		if !strings.Contains(log.String(), "was not checked") {
			t.Errorf("a server that forbids INFO gives the log %q", log)
		}
		wantRefused(t, login("carl", "secret"), basics.Wait, "does not permit a command", `"carl": grant the user the command`)
		anna := login("anna", "secret")
		anna.Prefix = "other"
		wantRefused(t, anna, basics.Wait, `"anna": grant the user the keys ~other:*, or correct redis.prefix`)
		dave := login("dave", "secret")
		dave.Prefix = "mine"
		wantRefused(t, dave, basics.Wait, `"dave": grant the user the channels &mine:*`)
		plain := f.Shared(t)
		wantRefused(t, Config{Port: plain.Port, Username: "eve", Password: "secret"}, basics.Wait, "correct redis.username and redis.password")
	})
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}
func (b *lockedBuffer) String() string { b.mu.Lock(); defer b.mu.Unlock(); return b.b.String() }

func TestCertificatesAreVerified(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		cert, key, _ := basics.Certificate(t)
		s := f.Start(t, redistest.Options{Cert: cert, Key: key})
		url := "rediss://" + s.Addr
		wantRefused(t, Config{URL: url}, basics.Wait, "unknown authority", "redis.ca")
		wantRefused(t, Config{URL: url, CA: cert, ServerName: "example.org"}, basics.Wait, "another name", "redis.serverName")
		wantRefused(t, Config{URL: "rediss://" + f.Shared(t).Addr, CA: cert, Wait: time.Millisecond, ConnectTimeout: 500 * time.Millisecond}, basics.Wait, "a server without TLS")
		b := open(t, Config{URL: url, CA: cert})
		if err := b.Store().Set(t.Context(), "a", []byte("1"), 0); err != nil {
			t.Error(err)
		}
		wantRefused(t, Config{URL: "redis://" + s.Addr, Wait: time.Second}, basics.Wait, "not reached")
	})
}

func TestAStartWithoutServerIsRefusedOrWaits(t *testing.T) {
	t.Parallel()
	s := redistest.Redis.Start(t, redistest.Options{})
	s.Stop(t)
	short := at(s)
	short.Wait = 200 * time.Millisecond
	wantRefused(t, short, basics.Wait, s.Addr, "start it, or correct redis.host and redis.port", "waits 200ms", "redis.wait")
	log := &lockedBuffer{}
	patient := at(s)
	patient.Wait, patient.Log = -1, slog.New(slog.NewTextHandler(log, nil))
	b := newBackend(patient)
	opened := make(chan error, 1)
	go func() { opened <- b.Open(t.Context(), newNode()) }()
	select {
	case err := <-opened:
		t.Fatalf("Open = %v without a server, want it to wait", err)
	case <-time.After(300 * time.Millisecond):
	}
	basics.Eventually(t, "the log says that the start waits", func() bool { return strings.Contains(log.String(), "waits for it") })
	s.Restart(t)
	if err := <-opened; err != nil {
		t.Fatal(err)
	}
	if err := b.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and never answers
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	begin := time.Now()
	b := newBackend(Config{Host: "127.0.0.1", Port: ln.Addr().(*net.TCPAddr).Port, Wait: -1, ConnectTimeout: time.Minute, Timeout: 2 * time.Second})
	if err := b.Open(ctx, newNode()); !errors.Is(err, errUnavailable) {
		t.Errorf("Open = %v", err)
	}
	if took := time.Since(begin); took > basics.Wait {
		t.Errorf("Open ended after %v, with a context of 100 ms", took)
	}
}

func TestTheLogWarnsOfAServerThatKeepsNothing(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		for _, appendOnly := range []string{"", "everysec"} {
			log := &lockedBuffer{}
			c := at(f.Start(t, redistest.Options{AppendOnly: appendOnly}))
			c.Log = slog.New(slog.NewTextHandler(log, nil))
			open(t, c)
			if warned := strings.Contains(log.String(), "neither an append-only file nor replicas"); warned != (appendOnly == "") {
				t.Errorf("appendonly %q: the log is %q", appendOnly, log)
			}
		}
	})
}

func TestAppsAreApartByPrefixAndDatabase(t *testing.T) {
	onEachFlavor(t, func(t *testing.T, f redistest.Flavor) {
		s := f.Shared(t)
		name := redistest.Prefix()
		var apps []*Backend
		for _, c := range []Config{{Prefix: name}, {Prefix: name + ".b"}, {Prefix: name, DB: 1}} {
			c.Port = s.Port
			apps = append(apps, open(t, c))
		}
		for i, app := range apps {
			if err := app.Store().Set(t.Context(), "key", fmt.Append(nil, i), 0); err != nil {
				t.Fatal(err)
			}
			if _, err := app.Store().Lock(t.Context(), "lock", time.Hour); err != nil {
				t.Errorf("app %d: %v", i, err)
			}
		}
		if n, err := apps[0].Store().Clear(t.Context(), ""); n != 1 || err != nil {
			t.Errorf("Clear = %d, %v, want 1", n, err)
		}
		for i, app := range apps[1:] {
			e, err := app.Store().Get(t.Context(), "key")
			if n, _ := app.Store().Len(t.Context()); err != nil || string(e.Value) != fmt.Sprint(i+1) || n != 1 {
				t.Errorf("app %d has %d entries, and reads %q, %v", i+1, n, e.Value, err)
			}
		}
	})
}

// TestANameOfAMasterThatMovesIsFollowed demotes a server without ending its connections, as managed servers do.
func TestANameOfAMasterThatMovesIsFollowed(t *testing.T) {
	t.Parallel()
	old, next := redistest.Redis.Start(t, redistest.Options{}), redistest.Redis.Start(t, redistest.Options{})
	p := faultproxy.Start(t, old.Addr)
	b, heard := openListening(t, Config{URL: "redis://" + p.Addr()})
	enterRoom(t, b, "room", "x")
	next.Do(t, "REPLICAOF", "127.0.0.1", old.Port)
	basics.Eventually(t, "the replica has the data", func() bool { return next.Info(t, "master_link_status") == "up" })
	next.Do(t, "REPLICAOF", "NO", "ONE")
	old.Do(t, "REPLICAOF", "127.0.0.1", next.Port)
	basics.Eventually(t, "the node has lost the old master", func() bool { return b.Health() != nil })
	basics.Eventually(t, "the old master follows the new one", func() bool { return old.Info(t, "master_link_status") == "up" })
	basics.Eventually(t, "the node is connected to the old master", func() bool { return b.router.healthy() == nil })
	p.Serve(next.Addr) // the subscriptions are at the old master now, which passes the messages on
	basics.Eventually(t, "the node has found the new master", func() bool {
		return b.Health() == nil && memberCount(t, b, "room") == 1 && b.Store().Set(t.Context(), "a", nil, 0) == nil
	})
	basics.Eventually(t, "the new master finds a receiver on this node", func() bool {
		_, err := b.Cluster().Call(t.Context(), b.life.self().ID, "method", nil)
		return err == nil
	})
	say(t, b, "room", "1")
	basics.Eventually(t, "messages arrive from the new master", func() bool { return len(heard.heard("room")) > 0 })
}
