package actionherotest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/server"
)

// RedisVariable is the environment variable with the URL of the Redis or Valkey server that [Cluster] uses, such as
// redis://localhost:6379. It must be a server for tests.
const RedisVariable = "ACTIONHEROTEST_REDIS_URL"

// Cluster returns n started servers with the given parts, which share rooms, cache and tasks through a real Redis, as the
// nodes of a cluster do. All servers know each other. The ports are free ones, as for [NewServer].
//
// Redis is the server that the variable [RedisVariable] names. If it is empty, Cluster starts redis-server or
// valkey-server, and ends it with the test. If neither is installed, Cluster skips the test. Clusters that run at the
// same time do not see each other.
func Cluster(t testing.TB, n int, parts ...actionhero.Part) []*server.Server {
	t.Helper()
	url := os.Getenv(RedisVariable)
	if url == "" {
		url = startRedis(t)
	}
	prefix := "test-" + strings.ToLower(rand.Text()[:12])
	var servers []*server.Server
	for i := range n {
		cfg := testConfig()
		cfg.General.ID = fmt.Sprintf("node-%d", i+1)
		cfg.Redis.Enable, cfg.Redis.URL, cfg.Redis.Prefix = true, url, prefix
		own := configured(&cfg, parts)
		s, err := server.New(cfg, own...)
		if err != nil {
			t.Fatal(err)
		}
		run(t, s.API)
		servers = append(servers, s)
	}
	for _, s := range servers {
		awaitPeers(t, s, n)
	}
	return servers
}

// clusterTime is the time in which Redis and the nodes of a cluster must be ready, long enough for a busy machine.
const clusterTime = time.Minute

// awaitPeers waits until a server knows n nodes, itself included.
func awaitPeers(t testing.TB, s *server.Server, n int) {
	t.Helper()
	err := poll(func() error {
		peers, err := s.Cluster.Peers(t.Context())
		if err == nil && len(peers) != n {
			err = fmt.Errorf("node %s knows %d of %d nodes", s.Config().ID, len(peers), n)
		}
		return err
	})
	if err != nil {
		t.Fatalf("the cluster is not ready: %v", err)
	}
}

// poll calls f until it returns nil, or clusterTime has passed.
func poll(f func() error) error {
	ctx, cancel := context.WithTimeout(context.Background(), clusterTime)
	defer cancel()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return err
		}
	}
}

// guard is the shell script that runs a server of Redis, and kills it when the standard input ends: at the end of the
// test, or when the process of the test dies.
const guard = `"$@" >/dev/null 2>&1 </dev/null & pid=$!; read -r _; kill -9 $pid; wait`

// startRedis starts a server of Redis or Valkey that listens on a Unix socket alone, and returns its URL.
func startRedis(t testing.TB) (url string) {
	t.Helper()
	program := redisProgram()
	if program == "" {
		t.Skipf("a cluster needs redis-server or valkey-server: install one, or set %s to the URL of a server for tests", RedisVariable)
	}
	dir, err := os.MkdirTemp("", "redis") // shorter than t.TempDir: the path of a socket has at most about 100 bytes
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "s")
	cmd := exec.Command("sh", "-c", guard, "sh", program, "--port", "0", "--unixsocket", socket, "--dir", dir, "--save", "", "--appendonly", "no", "--daemonize", "no")
	hold, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatalf("%s does not start: %v", program, err)
	}
	t.Cleanup(func() {
		_ = hold.Close()
		_ = cmd.Wait() // the server was killed
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	if err := poll(func() error { return answers(socket) }); err != nil {
		t.Fatalf("%s does not answer: %v", program, err)
	}
	return "unix://" + socket
}

// redisProgram returns the path of an installed server, or "".
func redisProgram() string {
	if runtime.GOOS == "windows" {
		return ""
	}
	for _, name := range []string{"redis-server", "valkey-server"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

// answers returns nil if a server answers PING at a socket.
func answers(socket string) error {
	nc, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer nc.Close()
	reply := make([]byte, 5)
	_, err = nc.Write([]byte("PING\r\n"))
	if err == nil {
		_, err = nc.Read(reply)
	}
	if err == nil && string(reply) != "+PONG" {
		err = errors.New("it does not answer PING yet")
	}
	return err
}
