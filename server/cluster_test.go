package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/memcluster"
	"github.com/actionhero-go/actionhero/server"
)

// startClustered starts a complete server as a node of a cluster.
func startClustered(t *testing.T, node *memcluster.Node, id string) *testkit.Server {
	t.Helper()
	return testkit.Start(t, testkit.Options{Change: func(cfg *server.Config) {
		cfg.General.ID, cfg.General.Backend = id, node
	}})
}

// follower is a client that has asked for positions: over plain WebSocket with and without compression, or over Socket.IO.
type follower struct {
	name string
	*testkit.Frames
	prefix, suffix string // of a message
}

func openFollower(t *testing.T, s *testkit.Server, name, path, headers, hello string) follower {
	t.Helper()
	nc, err := s.DialHTTP()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	c, err := testkit.OpenFrames(nc, path, headers, testkit.Wait)
	if err != nil {
		t.Fatal(err)
	}
	f := follower{name: name, Frames: c}
	if hello != "" {
		f.prefix, f.suffix = `42["say",`, `]`
		if err := c.Send(testkit.Text(hello)); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.Await(`"welcome"`); err != nil {
		t.Fatal(err)
	}
	return f
}

// want reads one message and compares it.
func (f follower) want(t *testing.T, message string) {
	t.Helper()
	if got, err := f.Message(); err != nil || got != message {
		t.Errorf("%s: got %s, %v; want %s", f.name, got, err, message)
	}
}

// A client that has asked for positions reads the position of each message and learns of gaps. All others read what they
// always did.
func TestClientsThatAskReadPositionsAndGaps(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	near := net.Node()
	a, b := startClustered(t, near, "a"), startClustered(t, net.Node(), "b")
	followers := []follower{
		openFollower(t, a, "websocket", testkit.WSPath+"?positions=follow", "", ""),
		openFollower(t, a, "socketio", testkit.SIOPath+"&positions=follow", "", "40"),
	}
	plain := []follower{
		openFollower(t, a, "plain websocket", testkit.WSPath+"?positions=no", "", ""),
		openFollower(t, a, "plain socketio", testkit.SIOPath, "", "40"),
	}
	tcp := a.TCP(t)
	say := func(text string) {
		t.Helper()
		if err := b.Rooms.Broadcast(t.Context(), "defaultRoom", text); err != nil {
			t.Fatal(err)
		}
	}
	const message = `{"message":"%s","from":"actionHero API","context":"user"`
	var positions []string
	for i, text := range []string{"one", "two"} {
		say(text)
		want := fmt.Sprintf(message, text)
		for _, f := range plain {
			f.want(t, f.prefix+want+"}"+f.suffix)
		}
		tcp.Want(want + `,"messageCount":0}`)
		for _, f := range followers {
			got, err := f.Message()
			head := f.prefix + want + fmt.Sprintf(`,"seq":%d,"position":"`, i+1)
			position, ok := strings.CutPrefix(got, head)
			if !ok || err != nil || len(position) != len(`123456789012345678901234567"}`)+len(f.suffix) {
				t.Errorf("%s: got %s, %v; want %s", f.name, got, err, head)
			}
			positions = append(positions, position[:27])
		}
	}
	if positions[0] != positions[1] || positions[2] != positions[3] || positions[0] == positions[2] {
		t.Errorf("the positions are %q", positions)
	}
	near.Cut()
	say("lost")
	near.Heal()
	followers[0].want(t, `{"context":"gap","room":"defaultRoom"}`)
	followers[1].want(t, `42["api",{"context":"gap","room":"defaultRoom"}]`)
	say("three")
	for _, f := range plain {
		f.want(t, f.prefix+fmt.Sprintf(message, "three")+"}"+f.suffix)
	}
	tcp.Want(fmt.Sprintf(message, "three") + `,"messageCount":0}`)
	for _, f := range followers {
		if got, err := f.Message(); err != nil || !strings.Contains(got, `"three"`) || !strings.Contains(got, `"seq":4,`) {
			t.Errorf("%s after the gap: %s, %v", f.name, got, err)
		}
	}
}

// With webSockets.positions off, a client that asks reads what all others read.
func TestPositionsAreASetting(t *testing.T) {
	t.Parallel()
	off := false
	s := testkit.Start(t, testkit.Options{Change: func(cfg *server.Config) {
		cfg.WebSockets.Plain.Positions, cfg.WebSockets.SocketIO.Positions = &off, &off
	}})
	clients := []follower{
		openFollower(t, s, "websocket", testkit.WSPath+"?positions=follow", "", ""),
		openFollower(t, s, "socketio", testkit.SIOPath+"&positions=follow", "", "40"),
	}
	if err := s.Rooms.Broadcast(t.Context(), "defaultRoom", "hi"); err != nil {
		t.Fatal(err)
	}
	for _, f := range clients {
		f.want(t, f.prefix+`{"message":"hi","from":"actionHero API","context":"user"}`+f.suffix)
	}
}

// The status of a node lists the nodes of its cluster and counts what all of them have served.
func TestTheStatusShowsTheCluster(t *testing.T) {
	t.Parallel()
	net := memcluster.New(t)
	a, b := startClustered(t, net.Node(), "a"), startClustered(t, net.Node(), "b")
	for range 3 {
		b.HTTP(t).Do("randomNumber", nil)
	}
	tcp := b.TCP(t)
	tcp.Send("randomNumber\r\n")
	tcp.Next()
	sum := func() (text string) {
		var stats struct {
			Stats struct {
				ID    string
				Peers []string
				Web   map[string]int64 `json:"webServer"`
				Lines map[string]int64 `json:"socketServer"`
			}
		}
		body := a.HTTP(t).Ask("GET", "/api/status", "").Text
		if err := json.Unmarshal([]byte(body), &stats); err != nil {
			t.Fatal(err)
		}
		s := stats.Stats
		if before, after, ok := strings.Cut(body, `"peers":["a","b"],"cache":`); !ok || !strings.Contains(before, `"memoryConsumption":`) || !strings.Contains(after, `"queue":`) {
			t.Fatalf("the status is %s", body)
		}
		return fmt.Sprint(s.ID, s.Peers, s.Web["numberOfGlobalWebRequests"]-s.Web["numberOfLocalWebRequests"], s.Lines["numberOfGlobalSocketRequests"], s.Lines["numberOfLocalSocketRequests"])
	}
	const want = "a[a b] 3 1 0"
	if !testkit.Within(testkit.Wait, func() bool { return sum() == want }) {
		t.Errorf("a shows %s, want %s", sum(), want)
	}
}
