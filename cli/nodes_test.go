//go:build unix

package cli_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// Without a backend that the nodes share, --nodes is refused with the remedy.
func TestNodesNeedASharedBackend(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ args, want string }{
		{"--nodes 2", "set redis.enable to true"},
		{"--nodes 1", "set redis.enable to true"},
		{"--nodes 0", "--nodes is 0: it must be from 1 to 1024"},
		{"--nodes=-3", "--nodes is -3"},
		{"--nodes 2 --node-start-limit=-1s", "must not be negative"},
	} {
		_, stderr, code := run(t, "{}", nil, append([]string{"start"}, strings.Fields(test.args)...)...)
		if code != 1 || !strings.Contains(stderr, test.want) {
			t.Errorf("%s: code %d: %s", test.args, code, stderr)
		}
	}
}

// cluster is a supervisor of nodes, as a process.
type cluster struct {
	*exec.Cmd
	t        *testing.T
	out      *output
	http     string // URL
	tcp      string // address
	finished chan struct{}
}

// output keeps what a process writes.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

func launchCluster(t *testing.T, env []string, args ...string) *cluster {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{Cmd: exec.Command(self, append([]string{"start"}, args...)...), t: t, out: &output{}, finished: make(chan struct{})}
	c.Dir, c.Stdout, c.Stderr = t.TempDir(), c.out, c.out
	c.Env = append([]string{
		roleVariable + "=app", "GORACE=atexit_sleep_ms=0", "ACTIONHERO_TASKS_MEMORY=true", "ACTIONHERO_HTTP_SERVER_PORT=-1",
		"ACTIONHERO_LOG_LOG_REQUESTS=false", "ACTIONHERO_TCP_SERVER_PORT=-1", "ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1", "ACTIONHERO_TCP_SERVER_BIND_IP=127.0.0.1",
	}, env...)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = c.Wait()
		close(c.finished)
	}()
	t.Cleanup(func() {
		_ = c.Process.Kill()
		<-c.finished
		if t.Failed() {
			t.Logf("the output:\n%s", c.out)
		}
	})
	return c
}

var addresses = regexp.MustCompile(`(?s)HTTP +http://localhost(:\d+).*TCP +localhost(:\d+)`)

func startCluster(t *testing.T, nodes int, env ...string) *cluster {
	t.Helper()
	c := launchCluster(t, env, "--nodes", fmt.Sprint(nodes))
	c.await("all nodes are ready", 1)
	c.readAddresses()
	return c
}

// startApp starts an app, and waits until it serves.
func startApp(t *testing.T, args ...string) *cluster {
	t.Helper()
	c := launchCluster(t, nil, args...)
	c.await("Ctrl+C stops it", 1)
	c.readAddresses()
	return c
}

func (c *cluster) readAddresses() {
	c.t.Helper()
	m := addresses.FindStringSubmatch(c.out.String())
	if m == nil {
		c.t.Fatal("the addresses are not printed")
	}
	c.http, c.tcp = "http://127.0.0.1"+m[1], "127.0.0.1"+m[2]
}

func (c *cluster) await(text string, n int) {
	c.t.Helper()
	testkit.Eventually(c.t, fmt.Sprintf("the output has %q %d times", text, n), func() bool { return strings.Count(c.out.String(), text) >= n })
}

func (c *cluster) signal(sig os.Signal) {
	c.t.Helper()
	if err := c.Process.Signal(sig); err != nil {
		c.t.Fatal(err)
	}
}

// stop stops the nodes. The exit code must be 0.
func (c *cluster) stop() {
	c.t.Helper()
	c.signal(syscall.SIGTERM)
	<-c.finished
	if code := c.ProcessState.ExitCode(); code != 0 {
		c.t.Errorf("exit code %d", code)
	}
}

// A bad setting is one error, once, with the exit code of a single process.
func TestNodesWithABadSettingAreOneError(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"ACTIONHERO_HTTP_SERVER_PROT=1":            "ACTIONHERO_HTTP_SERVER_PROT", // the supervisor finds it
		"ACTIONHERO_HTTP_SERVER_BIND_IP=192.0.2.1": "node 1 | Error: httpServer.bindIP 192.0.2.1 is not an address of this machine",
	} {
		c := launchCluster(t, []string{setting}, "--nodes", "3")
		<-c.finished
		if got := c.out.String(); c.ProcessState.ExitCode() != 1 || strings.Count(got, want) != 1 || strings.Contains(got, "node 2") {
			t.Errorf("exit code %d: %s", c.ProcessState.ExitCode(), got)
		}
	}
}

// A node may restart its server as often as it likes. Connections wait meanwhile.
func TestANodeRestartsItsServerAgainAndAgain(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testkit.Wait}
	for n := range 4 {
		testkit.Eventually(t, fmt.Sprintf("%d restarts have ended", n), func() bool {
			resp, err := client.Post(c.http+"/api/restart", "", nil)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			text, _ := io.ReadAll(resp.Body)
			var out struct{ Before int }
			return json.Unmarshal(text, &out) == nil && resp.StatusCode == 200 && out.Before >= n
		})
	}
	c.stop()
}

// Each node has an id and a log file of its own. Ctrl+C reaches the nodes once, through the supervisor.
func TestNodesHaveTheirOwnIdsAndLogFiles(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2, "ACTIONHERO_GENERAL_ID=machine")
	ids := map[string]bool{}
	testkit.Eventually(t, "both nodes answer", func() bool {
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testkit.Wait}
		resp, err := client.Get(c.http + "/api/which")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var body strings.Builder
		_, _ = bufio.NewReader(resp.Body).WriteTo(&body)
		for _, id := range []string{"machine-1", "machine-2"} {
			if strings.Contains(body.String(), `"`+id+`"`) {
				ids[id] = true
			}
		}
		return len(ids) == 2
	})
	if strings.Count(c.out.String(), "is up (actionhero") != 1 {
		t.Error("the addresses are not printed once")
	}
	c.signal(syscall.SIGHUP)
	c.await("the log is reopened", 2)
	c.stop()
	c.await("| stopped | took: ", 2)
	for _, name := range []string{"api-1.log", "api-2.log"} {
		if _, err := os.Stat(filepath.Join(c.Dir, "log", name)); err != nil {
			t.Error(err)
		}
	}
}

// Hundreds of requests on fresh and on kept connections during five rolling restarts: each is answered, and health checks
// stay green. The persistent clients read their goodbye.
func TestARollingRestartFailsNoRequest(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	persistent, err := net.Dial("tcp", c.tcp)
	if err != nil {
		t.Fatal(err)
	}
	defer persistent.Close()
	var answered, failed, reused atomic.Int64
	done := make(chan struct{})
	var clients sync.WaitGroup
	say := func(format string, args ...any) {
		if failed.Add(1) < 10 {
			t.Errorf(format, args...)
		}
	}
	for i := range 8 {
		clients.Go(func() {
			k := &testkit.KeptClient{Address: strings.TrimPrefix(c.http, "http://"), Reused: &reused, Fresh: i%2 == 0}
			headers := ""
			if i == 7 {
				headers = "Pragma: no-cache\r\n" // the fast path passes the request on
			}
			path := []string{"/api/randomNumber", "/api/randomNumber", "/healthz", "/api/which"}[i/2]
			for {
				select {
				case <-done:
					k.Close()
					return
				default:
				}
				if status, _, err := k.Get(path, headers); err != nil || status != http.StatusOK {
					say("%s (fresh: %v): %d, %v", path, k.Fresh, status, err)
				}
				answered.Add(1)
			}
		})
	}
	for i := range 3 {
		c.signal(syscall.SIGUSR2)
		c.await("the rolling restart is done", i+1)
	}
	close(done)
	clients.Wait()
	if answered.Load() < 300 || reused.Load() < 100 {
		t.Errorf("only %d requests, %d of them on a kept connection", answered.Load(), reused.Load())
	}
	t.Logf("%d requests, %d of them on a kept connection, %d failed", answered.Load(), reused.Load(), failed.Load())
	goodbye, _ := bufio.NewReader(persistent).ReadString(0)
	if !strings.Contains(goodbye, `"status":"Bye!"`) {
		t.Errorf("the TCP client read %q", goodbye)
	}
	c.stop()
}
