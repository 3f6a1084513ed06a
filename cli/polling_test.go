//go:build unix

package cli_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

func noKeepAlive(dial func(ctx context.Context) (net.Conn, error)) *http.Transport {
	return &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}
}

// Two servers of one app and one of another app, over one Redis: nothing in front of them is sticky.
func TestServersOverRedis(t *testing.T) {
	t.Parallel()
	redis, prefix := redistest.Redis.Shared(t), redistest.Prefix()
	modules := testkit.NodeModules(t, "../socketio/testdata/node")
	a, b, other := startMember(t, redis, prefix, "a"), startMember(t, redis, prefix, "b"), startMember(t, redis, redistest.Prefix(), "a")
	proxy := balance(t, a, b)
	t.Run("a long-polling client needs no sticky sessions", func(t *testing.T) {
		c := startStockClient(t, modules, proxy.URL, "polling", "")
		c.await("connect")
		exchange(t, c, b, "polling")
		if one, two := proxy.requests[0].Load(), proxy.requests[1].Load(); one < 10 || two < 10 {
			t.Errorf("the servers received %d and %d requests", one, two)
		}
	})
	t.Run("an upgrade that reaches another server leaves the client on long-polling", func(t *testing.T) {
		for range 20 { // the proxy sends one of two to the right server
			c := startStockClient(t, modules, proxy.URL, "polling,websocket", "")
			kind, transport, _ := strings.Cut(c.awaitAny("upgrade"), " ")
			if kind == "upgradeError" && transport == `"polling"` {
				exchange(t, c, a, "refused")
				return
			}
		}
		t.Error("each upgrade has reached its server")
	})
	t.Run("two apps are apart", func(t *testing.T) { testTwoApps(t, a, b, other) })
	t.Run("kill -9", func(t *testing.T) { testKill(t, modules, proxy, a, b) })
}

// exchange sends 200 messages from the client to a TCP client of the member, and 200 back, all in one room.
func exchange(t *testing.T, c *stockClient, m *cluster, room string) {
	t.Helper()
	const messages = 200
	tcp := m.lines(t, room)
	if answer := c.ask("roomChange", `{"room":"`+room+`"}`); !strings.Contains(answer, `"status":"OK"`) {
		t.Fatal(answer)
	}
	message := func(way string, i int) string {
		return fmt.Sprintf(`"message":"%s %d %s"`, way, i, strings.Repeat("x", 2000))
	}
	for i := range messages {
		c.emit("say", "{"+message("there", i)+"}")
	}
	for i := range messages {
		line := tcp.Next()
		for strings.Contains(line, "I have entered the room") {
			line = tcp.Next()
		}
		if !strings.Contains(line, message("there", i)) {
			t.Fatalf("message %d there is %.100s", i, line)
		}
	}
	for i := range messages {
		tcp.Send("say " + strings.Split(message("back", i), `"`)[3] + "\r\n")
	}
	for i := range messages {
		if got := c.await("say"); !strings.Contains(got, message("back", i)) {
			t.Fatalf("message %d back is %.100s", i, got)
		}
	}
}

// testTwoApps shows that two apps with different prefixes see nothing of each other.
func testTwoApps(t *testing.T, a, b, other *cluster) {
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testkit.Wait}
	ask := func(m *cluster, query string) string {
		t.Helper()
		return get(t, client, m.http+"/api/"+query)
	}
	mine, theirs := a.lines(t, "shared"), other.lines(t, "shared")
	second := b.lines(t, "shared")
	mine.Want(`{"message":"I have entered the room","from":"` + idOf(t, second) + `","context":"user","messageCount":1}`)
	if answer, err := theirs.Call("say for the other app"); err != nil || !strings.Contains(answer, "OK") {
		t.Fatal(answer, err)
	}
	if answer, err := second.Call("say for this app"); err != nil || !strings.Contains(answer, "OK") {
		t.Fatal(answer, err)
	}
	mine.Want(`{"message":"for this app","from":"` + idOf(t, second) + `","context":"user","messageCount":1}`)
	if answer, _ := theirs.Call("roomView"); !strings.Contains(answer, `"membersCount":1`) {
		t.Errorf("the room of the other app is %s", answer)
	}
	if answer, _ := mine.Call("roomView"); !strings.Contains(answer, `"membersCount":2`) {
		t.Errorf("the room of this app is %s", answer)
	}
	ask(a, "cachedValue?key=x&value=mine")
	if got := ask(b, "cachedValue?key=x"); !strings.Contains(got, `"found":true`) {
		t.Errorf("the other server of the app reads %s", got)
	}
	if got := ask(other, "cachedValue?key=x"); !strings.Contains(got, `"found":false`) {
		t.Errorf("the other app reads %s", got)
	}
	ask(other, "startJob?name=theirs")
	ask(a, "startJob?name=mine")
	testkit.Eventually(t, "the jobs run", func() bool {
		return strings.Contains(ask(a, "jobsRun")+ask(b, "jobsRun"), `"mine"`) && strings.Contains(ask(other, "jobsRun"), `"theirs"`)
	})
	for _, m := range []*cluster{a, b} {
		if got := ask(m, "jobsRun"); strings.Contains(got, "theirs") {
			t.Errorf("a server of this app runs a job of the other: %s", got)
		}
	}
	if got := ask(other, "jobsRun"); strings.Contains(got, `"mine"`) {
		t.Errorf("the other app runs a job of this one: %s", got)
	}
	if got := ask(a, "status"); !strings.Contains(got, `"peers":["a","b"]`) {
		t.Errorf("the status of this app is %s", got)
	}
	if got := ask(other, "status"); !strings.Contains(got, `"peers":["a"]`) || !strings.Contains(got, `"numberOfGlobalSocketRequests":3`) {
		t.Errorf("the status of the other app is %s", got)
	}
}

// testKill kills a server that has a TCP client in a room, and the session of a long-polling client.
func testKill(t *testing.T, modules string, proxy *balancer, a, b *cluster) {
	tcp := b.lines(t, "house")
	id := idOf(t, tcp)
	near := startStockClient(t, modules, a.http, "websocket", "")
	near.await("connect")
	near.ask("roomChange", `{"room":"house"}`)
	var polling *stockClient
	for polling == nil { // half of the sessions are on b
		c := startStockClient(t, modules, proxy.URL, "polling", "")
		c.await("connect")
		if c.pid() == b.Process.Pid {
			polling = c
		}
	}
	began := time.Now()
	b.kill()
	left := `{"message":"I have left the room","from":"` + id + `","context":"user"}`
	near.awaitAny("say " + left)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("the client hears after %v that the other one has left", took)
	} else {
		t.Logf("the client hears after %v that the other one has left", took)
	}
	polling.await("disconnect")
	polling.await("connect")
	if pid := polling.pid(); pid != a.Process.Pid {
		t.Errorf("the client is at the process %d, the server that lives is %d", pid, a.Process.Pid)
	}
}

// idOf returns the id of a TCP client.
func idOf(t *testing.T, c *testkit.TCPClient) string {
	t.Helper()
	answer, err := c.Call("detailsView")
	_, rest, ok := strings.Cut(answer, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	if err != nil || !ok {
		t.Fatalf("detailsView: %s, %v", answer, err)
	}
	return id
}

// get returns the body of a response with status 200.
func get(t *testing.T, client *http.Client, url string) string {
	t.Helper()
	resp, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v, %s", url, resp.StatusCode, err, body)
	}
	return string(body)
}
