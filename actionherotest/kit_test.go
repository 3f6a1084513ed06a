package actionherotest_test

import (
	"context"
	"log/slog"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/web"
)

// A client runs actions as itself, and waits for the messages of its room.
func TestAClientRunsActionsAndWaitsForMessages(t *testing.T) {
	t.Parallel()
	shout := actionhero.Action[greetInput, actionhero.None]{Name: "shout", Run: func(ctx context.Context, in greetInput) (n actionhero.None, err error) {
		req := actionhero.RequestFrom(ctx)
		return n, req.API.Rooms.Say(ctx, req.Conn, "", in.Name+" "+req.Header("X-Mood"))
	}}
	api := actionherotest.New(t, shout)
	ann, bob := actionherotest.Connect(t, api, "kitchen"), actionherotest.Connect(t, api, "kitchen")
	if m := ann.Next(t); m.From != bob.ID {
		t.Errorf("ann reads %+v", m)
	}
	if _, err := bob.Run(t, "shout", map[string]any{"name": "hi"}, actionherotest.WithHeader("X-Mood", "happy")); err != nil {
		t.Fatal(err)
	}
	if m, want := ann.Next(t), (actionherotest.Message{Room: "kitchen", From: bob.ID, Body: `"hi happy"`}); m != want {
		t.Errorf("ann reads %+v, want %+v", m, want)
	}
	if more := ann.Messages(); more != nil {
		t.Errorf("Next leaves %#v", more)
	}
}

// If no message comes, Next fails the test after its time. It does not fail before.
func TestNextFailsWithoutAMessage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := actionherotest.New(t)
		client := actionherotest.Connect(t, api, "kitchen")
		f, begun := &fakeTest{TB: t}, time.Now()
		func() {
			defer func() { _ = recover() }()
			client.Next(f)
		}()
		if time.Since(begun) != 30*time.Second || !strings.Contains(f.message, "no message reaches the client within 30s") {
			t.Errorf("after %v: %q", time.Since(begun), f.message)
		}
		go func() {
			time.Sleep(20 * time.Second)
			if err := api.Rooms.Broadcast(context.Background(), "kitchen", "late"); err != nil {
				t.Error(err)
			}
		}()
		if m := client.Next(t); m.Body != `"late"` {
			t.Errorf("the late message is %+v", m)
		}
	})
}

// The clock of a bubble moves to retries and schedules.
func TestAdvanceRunsWhatIsDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var runs []time.Duration
		begun := time.Now()
		api := actionherotest.NewWithWorker(t, actionhero.Task[actionhero.None]{Name: "daily", Run: func(context.Context, actionhero.None) error {
			runs = append(runs, time.Since(begun).Round(time.Minute))
			return nil
		}})
		if _, err := api.Tasks.Enqueue(t.Context(), "daily", nil, actionhero.After(24*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if actionherotest.Advance(t, 23*time.Hour); len(runs) > 0 {
			t.Errorf("after 23 hours: %v", runs)
		}
		if actionherotest.Advance(t, 2*time.Hour); !slices.Equal(runs, []time.Duration{24 * time.Hour}) {
			t.Errorf("after 25 hours: %v", runs)
		}
	})
}

// The log is kept with its levels, attributes and groups.
func TestLogged(t *testing.T) {
	t.Parallel()
	notes := actionhero.Action[actionhero.None, actionhero.None]{Name: "notes", Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		log := actionhero.RequestFrom(ctx).API.Log().With("app", "shop").WithGroup("order")
		log.With("id", 7).Warn("sold out", "item", "tea", slog.Group("who", "name", "Ann"))
		return n, nil
	}}
	for name, api := range map[string]*actionhero.API{"New": actionherotest.New(t, notes), "NewServer": actionherotest.NewServer(t, notes).API} {
		if _, err := actionherotest.Run(t, api, "notes", nil); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(actionherotest.Logged(t, api), func(l actionherotest.LogLine) bool { return l.Message == "sold out" })
		if i < 0 {
			t.Fatalf("%s: the line is not in %v", name, actionherotest.Logged(t, api))
		}
		line := actionherotest.Logged(t, api)[i]
		for key, want := range map[string]any{"app": "shop", "order.id": int64(7), "order.item": "tea", "order.who.name": "Ann"} {
			if line.Attrs[key] != want || line.Level != slog.LevelWarn || len(line.Attrs) != 4 {
				t.Errorf("%s: %s is %#v in %+v", name, key, line.Attrs[key], line)
			}
		}
	}
}

// A client over HTTP has headers, cookies and any body, and sees each status.
func TestHTTP(t *testing.T) {
	t.Parallel()
	login := actionhero.Action[greetInput, callerOut]{Name: "login", RawBody: true, Run: func(ctx context.Context, in greetInput) (callerOut, error) {
		out := callerOut{Name: in.Name, Auth: actionhero.RequestFrom(ctx).Header("Authorization"), Body: string(actionhero.RequestFrom(ctx).Body())}
		if cookie, err := web.Request(ctx).Cookie("session"); err == nil {
			out.ID = cookie.Value
		}
		web.SetCookie(ctx, &http.Cookie{Name: "session", Value: "s1", Path: "/"})
		return out, nil
	}}
	s := actionherotest.NewServer(t, login, greet)
	client := actionherotest.HTTP(t, s)
	client.Header.Set("Authorization", "Bearer x")
	var out callerOut
	if client.Do("POST", "/api/login", map[string]string{"name": "Ann"}).Decode(&out); out.Name != "Ann" || out.Auth != "Bearer x" || out.ID != "" || out.Body != `{"name":"Ann"}` {
		t.Errorf("the first answer is %+v", out)
	}
	if client.Do("GET", "/api/login?name=Bob", nil).Decode(&out); out.Name != "Bob" || out.ID != "s1" {
		t.Errorf("the second answer is %+v", out)
	}
	if client.Do("POST", "/api/login?name=C", []byte("raw")).Decode(&out); out.Body != "raw" {
		t.Errorf("the third answer is %+v", out)
	}
	if resp := client.Do("GET", "/api/greet", nil); resp.Status != 400 || !strings.Contains(string(resp.Body), "name is a required parameter") || resp.Header.Get("Content-Type") == "" {
		t.Errorf("a refusal is %+v: %s", resp, resp.Body)
	}
	if other := actionherotest.HTTP(t, s); !strings.Contains(string(other.Do("GET", "/api/login?name=D", nil).Body), `"ID":""`) {
		t.Error("another client has the cookie")
	}
}

// The servers of a cluster share rooms, cache and tasks. Two clusters do not see each other.
func TestCluster(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Log("no redis-server: the test is skipped, or runs with another one")
	}
	remind := actionhero.Task[actionhero.None]{Name: "remind", Run: func(ctx context.Context, _ actionhero.None) error {
		return actionhero.RequestFrom(ctx).API.Rooms.Broadcast(ctx, "staff", "done")
	}}
	servers := actionherotest.Cluster(t, 2, remind)
	other := actionherotest.Cluster(t, 1, remind)[0]
	staff, stranger := actionherotest.Connect(t, servers[1].API, "staff"), actionherotest.Connect(t, other.API, "staff")
	if err := servers[0].Cache.Set(t.Context(), "k", "v", time.Minute); err != nil {
		t.Fatal(err)
	}
	if entry, err := servers[1].Cache.Get(t.Context(), "k"); err != nil || string(entry.Value) != `"v"` {
		t.Errorf("the other node reads %s, %v", entry.Value, err)
	}
	if entry, err := other.Cache.Get(t.Context(), "k"); err == nil {
		t.Errorf("another cluster reads %s", entry.Value)
	}
	if _, err := remind.Enqueue(t.Context(), servers[0].API, actionhero.None{}); err != nil {
		t.Fatal(err)
	}
	if m := staff.Next(t); m.Body != `"done"` {
		t.Errorf("the message is %+v", m)
	}
	if more := stranger.Messages(); len(more) > 0 {
		t.Errorf("another cluster hears %v", more)
	}
}
