//go:build unix

package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/faultproxy"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
	"github.com/actionhero-go/actionhero/server"
)

// startOverRedis starts a complete server as a node of the cluster with the prefix, over Redis at the address.
func startOverRedis(t *testing.T, address, prefix, id string, parts ...actionhero.Part) *testkit.Server {
	t.Helper()
	return testkit.Start(t, testkit.Options{Parts: parts, Change: func(cfg *server.Config) {
		cfg.General.ID, cfg.Redis.URL, cfg.Redis.Prefix, cfg.Redis.Timeout = id, "redis://"+address, prefix, time.Second
	}})
}

// inRoom reads the messages and gaps of one room, in their order, until a message with the text last.
func (f follower) inRoom(t *testing.T, room, last string, texts map[string][]string) {
	t.Helper()
	for !slices.Contains(texts[room], last) {
		text, err := f.Message()
		if err != nil {
			t.Fatalf("%s: %v after %v", f.name, err, texts)
		}
		_, object, _ := strings.Cut(text, "{")
		var m struct {
			Message, Room, Context string
			Seq                    int
		}
		if err := json.NewDecoder(strings.NewReader("{" + object)).Decode(&m); err != nil {
			t.Fatalf("%s: %s: %v", f.name, text, err)
		}
		in := m.Room
		if in == "" {
			in = "defaultRoom"
		}
		switch {
		case m.Context == "gap":
			texts[in] = append(texts[in], "gap")
		case m.Message != "" && m.Seq > 0:
			texts[in] = append(texts[in], fmt.Sprint(m.Message, " ", m.Seq))
		case m.Message != "":
			texts[in] = append(texts[in], m.Message)
		}
	}
}

// A node whose subscription is cut tells its clients which rooms have a gap, and no other rooms: over WebSocket and
// Socket.IO to those that ask. All others, over TCP too, read each message once and in order.
func TestACutSubscriptionIsToldToThoseWhoAsk(t *testing.T) {
	t.Parallel()
	redis, prefix := redistest.Redis.Shared(t), redistest.Prefix()
	proxy := faultproxy.Start(t, redis.Addr)
	a, b := startOverRedis(t, proxy.Addr(), prefix, "a"), startOverRedis(t, redis.Addr, prefix, "b")
	const add = `{"event":"roomAdd","id":1,"room":"second"}`
	clients := map[string]follower{
		"websocket": openFollower(t, a, "websocket", testkit.WSPath+"?positions=follow", "", ""),
		"socketio":  openFollower(t, a, "socketio", testkit.SIOPath+"&positions=follow", "", "40"),
		"plain":     openFollower(t, a, "plain", testkit.WSPath, "", ""),
	}
	for _, f := range clients {
		join := add
		if f.prefix != "" {
			join = `421["roomAdd",{"room":"second"}]`
		}
		if err := f.Send(testkit.Text(join)); err != nil {
			t.Fatal(err)
		}
		if err := f.Await(`"status":"OK"`); err != nil {
			t.Fatal(err)
		}
	}
	tcp := a.TCP(t)
	awaitMembers(t, 4, a)
	say := func(room, text string) {
		t.Helper()
		if err := b.Rooms.Broadcast(t.Context(), room, text); err != nil {
			t.Fatal(err)
		}
	}
	for _, room := range []string{"defaultRoom", "second"} {
		say(room, "before")
	}
	tcp.Want(`{"message":"before","from":"actionHero API","context":"user","messageCount":0}`)
	read := map[string]map[string][]string{}
	for name, f := range clients {
		first := "before 1"
		if name == "plain" {
			first = "before"
		}
		read[name] = map[string][]string{}
		f.inRoom(t, "defaultRoom", first, read[name])
		f.inRoom(t, "second", first, read[name])
	}
	proxy.Cut()
	testkit.Eventually(t, "the node knows that it is cut off", func() bool { return a.API.Config().Backend.Health() != nil })
	say("second", "lost")
	proxy.Heal()
	testkit.Eventually(t, "the node is subscribed again", func() bool { return a.API.Config().Backend.Health() == nil })
	for _, room := range []string{"defaultRoom", "second"} {
		say(room, "after")
	}
	tcp.Want(`{"message":"after","from":"actionHero API","context":"user","messageCount":0}`)
	for name, f := range clients {
		want := map[string][]string{"defaultRoom": {"before 1", "after 2"}, "second": {"before 1", "gap", "after 3"}}
		if name == "plain" {
			want = map[string][]string{"defaultRoom": {"before", "after"}, "second": {"before", "after"}}
		}
		got := read[name]
		for room, texts := range want {
			f.inRoom(t, room, texts[len(texts)-1], got)
		}
		for room, texts := range want {
			if !slices.Equal(got[room], texts) {
				t.Errorf("%s reads %q in %s, want %q", name, got[room], room, texts)
			}
		}
	}
}

// awaitMembers waits until all servers see n members in the default room, which a client enters after its welcome.
func awaitMembers(t *testing.T, n int, servers ...*testkit.Server) {
	t.Helper()
	testkit.Eventually(t, "all members are in the room", func() bool {
		return !slices.ContainsFunc(servers, func(s *testkit.Server) bool {
			status, err := s.Rooms.Status(t.Context(), "defaultRoom")
			return err != nil || status.MembersCount != n
		})
	})
}

// ask sends a line and returns the answer.
func ask(t *testing.T, c *testkit.TCPClient, line string) string {
	t.Helper()
	answer, err := c.Call(line)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

var noted = actionhero.Task[actionhero.None]{
	Name: "noted",
	Run: func(ctx context.Context, _ actionhero.None) error {
		_, err := actionhero.RequestFrom(ctx).API.Cache.Increment(ctx, "noted", 1, 0)
		return err
	},
}

var enqueueNoted = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "enqueueNoted",
	Run: func(ctx context.Context, _ actionhero.None) (n actionhero.None, err error) {
		_, err = noted.Enqueue(ctx, actionhero.RequestFrom(ctx).API, n)
		return n, err
	},
}

// While Redis is away, what needs it fails in its time, and everything else goes on. Afterwards all resumes without a restart.
func TestAnOutageOfRedis(t *testing.T) {
	t.Parallel()
	redis, prefix := redistest.Redis.Start(t, redistest.Options{Lines: []string{"appendonly yes", "appendfsync always"}}), redistest.Prefix()
	a, b := startOverRedis(t, redis.Addr, prefix, "a", noted, enqueueNoted), startOverRedis(t, redis.Addr, prefix, "b", noted, enqueueNoted)
	web, speaker, near, far := a.HTTP(t), a.TCP(t), a.TCP(t), b.TCP(t)
	ids := make([]string, 3)
	for i, c := range []*testkit.TCPClient{speaker, near, far} {
		_, rest, _ := strings.Cut(ask(t, c, "detailsView"), `"id":"`)
		ids[i], _, _ = strings.Cut(rest, `"`)
	}
	awaitMembers(t, 3, a, b)
	heard := func(c *testkit.TCPClient, text string) {
		t.Helper()
		c.Want(`{"message":"` + text + `","from":"` + ids[0] + `","context":"user","messageCount":1}`)
	}
	ask(t, speaker, "say one")
	heard(near, "one")
	heard(far, "one")
	redis.Kill(t)
	failsInTime := func(path string) {
		t.Helper()
		began := time.Now()
		got := web.Ask("POST", path, "")
		got.Want(t, http.StatusServiceUnavailable, `"errorCode":"unavailable"`)
		if took := time.Since(began); took > testkit.Wait/2 {
			t.Errorf("%s fails after %v", path, took)
		}
	}
	failsInTime("/api/cacheTest?key=k&value=v")
	failsInTime("/api/enqueueNoted")
	web.Ask("GET", "/api/randomNumber", "").Want(t, http.StatusOK, `"randomNumber"`)
	testkit.Eventually(t, "the readiness is red", func() bool { return web.Ask("GET", "/healthz", "").StatusCode == http.StatusServiceUnavailable })
	web.Ask("GET", "/healthz?live", "").Want(t, http.StatusOK, "live")
	ask(t, speaker, "say two")
	heard(near, "two")
	redis.Restart(t)
	for _, s := range []*testkit.Server{a, b} {
		client := s.HTTP(t)
		testkit.Eventually(t, "the readiness is green", func() bool { return client.Ask("GET", "/healthz", "").StatusCode == http.StatusOK })
	}
	awaitMembers(t, 3, a, b)
	ask(t, speaker, "say three")
	heard(near, "three")
	heard(far, "three") // "two" was for the members on the node of the speaker
	web.Ask("POST", "/api/enqueueNoted", "").Want(t, http.StatusOK, `"error":"OK"`)
	testkit.Eventually(t, "one job has run, once", func() bool {
		got, err := b.Cache.Increment(t.Context(), "noted", 0, 0)
		return err == nil && got == 1
	})
	ask(t, speaker, "say four")
	heard(near, "four")
	heard(far, "four")
}
