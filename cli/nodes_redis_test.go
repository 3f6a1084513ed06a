//go:build unix

package cli_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// `start --nodes 3` over Redis: the nodes share everything, whichever of them a connection reaches.
func TestNodesOverRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Redis.Shared(t)
	prefix := redistest.Prefix()
	c := startCluster(t, 3, append(overRedis(redis, prefix), "ACTIONHERO_GENERAL_ID=machine")...)
	if want := "node machine-1, Redis at " + redis.Addr + ", prefix " + prefix + "\n"; !strings.Contains(c.out.String(), want) {
		t.Errorf("the start does not say %q: %s", want, c.out.String())
	}
	t.Run("a long-polling client needs no sticky sessions", func(t *testing.T) {
		client := startStockClient(t, testkit.NodeModules(t, "../socketio/testdata/node"), balance(t, c).URL, "polling", "")
		client.await("connect")
		exchange(t, client, c, "room")
	})
	t.Run("a rolling restart fails no request", func(t *testing.T) { testRollOverRedis(t, c) })
	t.Run("kill -9 of a node", func(t *testing.T) { testKillOfANode(t, c) })
	c.stop()
}

// testRollOverRedis sends 200 requests a second, half of which need Redis, while all nodes are replaced.
func testRollOverRedis(t *testing.T, c *cluster) {
	const clients, rate = 8, 200
	var answered, failed, reused atomic.Int64
	done := make(chan struct{})
	var running sync.WaitGroup
	for i := range clients {
		running.Go(func() {
			k := &testkit.KeptClient{Address: strings.TrimPrefix(c.http, "http://"), Reused: &reused, Fresh: i%2 == 0}
			defer k.Close()
			path := []string{"/api/randomNumber", "/api/cachedValue?key=k"}[i/2%2]
			tick := time.NewTicker(clients * time.Second / rate)
			defer tick.Stop()
			for {
				select {
				case <-done:
					return
				case <-tick.C:
				}
				if status, _, err := k.Get(path, ""); err != nil || status != http.StatusOK {
					if failed.Add(1) < 10 {
						t.Errorf("%s (fresh: %v): %d, %v", path, k.Fresh, status, err)
					}
				}
				answered.Add(1)
			}
		})
	}
	before := c.nodes()
	c.signal(syscall.SIGUSR2)
	c.await("the rolling restart is done", 1)
	close(done)
	running.Wait()
	t.Logf("%d requests, %d of them on a kept connection, %d failed", answered.Load(), reused.Load(), failed.Load())
	if answered.Load() < 100 || reused.Load() < 20 {
		t.Error("there were too few requests")
	}
	c.awaitNodes(func(pid int) bool { return !slices.Contains(before, pid) })
}

// testKillOfANode kills a node that runs jobs. They end elsewhere, and the node is started again.
func testKillOfANode(t *testing.T, c *cluster) {
	const jobs = 12
	names := map[string]bool{}
	for i := range jobs {
		name := fmt.Sprint("job", i)
		names[name] = true
		get(t, c.client(), fmt.Sprintf("%s/api/startJob?name=%s&hold=2s", c.http, name))
	}
	victim, held := 0, 0
	testkit.Eventually(t, "a node runs jobs", func() bool {
		out := c.jobs()
		victim, held = out.PID, len(out.Begun)-len(out.Ended)
		return held > 0
	})
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if !testkit.Within(3*testkit.Wait, func() bool { // the orphans begin after 12 s
		for _, name := range c.jobs().Ended {
			delete(names, name)
		}
		return len(names) == 0
	}) {
		t.Fatalf("%d jobs have not ended", len(names))
	}
	t.Logf("%d jobs of the killed node have ended after %v", held, time.Since(began).Round(time.Millisecond))
	c.await("startsAgainIn: 100ms", 1)
	c.awaitNodes(func(pid int) bool { return pid != victim })
	again := restartedNode.FindStringSubmatch(c.out.String())
	if again == nil {
		t.Fatal("the supervisor does not say that the node is ready again")
	}
	pid, _ := strconv.Atoi(again[1])
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	c.await("startsAgainIn: 200ms", 1) // the same node, soon after
	c.awaitNodes(func(other int) bool { return other != pid })
}

var restartedNode = regexp.MustCompile(`is ready again \| pid: (\d+)`)

// client returns an HTTP client whose requests each reach some node.
func (c *cluster) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testkit.Wait}
}

// jobs asks some node for its jobs.
func (c *cluster) jobs() (out jobsOutput) {
	c.t.Helper()
	if err := json.Unmarshal([]byte(get(c.t, c.client(), c.http+"/api/jobsRun")), &out); err != nil {
		c.t.Fatal(err)
	}
	return out
}

// nodes returns the processes of three nodes, which all answer.
func (c *cluster) nodes() []int {
	c.t.Helper()
	return c.awaitNodes(func(int) bool { return true })
}

// awaitNodes waits until three nodes for which isRight returns true answer, and know each other.
func (c *cluster) awaitNodes(isRight func(pid int) bool) []int {
	c.t.Helper()
	seen := map[int]bool{}
	testkit.Eventually(c.t, "three nodes answer", func() bool {
		if pid := c.jobs().PID; isRight(pid) {
			seen[pid] = true
		}
		return len(seen) == 3
	})
	testkit.Eventually(c.t, "the status lists three nodes", func() bool {
		var status struct{ Stats struct{ Peers []string } }
		err := json.Unmarshal([]byte(get(c.t, c.client(), c.http+"/api/status")), &status)
		return err == nil && len(status.Stats.Peers) == 3
	})
	return slices.Collect(maps.Keys(seen))
}
