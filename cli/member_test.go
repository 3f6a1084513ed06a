//go:build unix

package cli_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/redistest"
)

// startMember starts one process, a server of the cluster with the prefix.
func startMember(t *testing.T, redis *redistest.Server, prefix, id string) *cluster {
	t.Helper()
	c := launchCluster(t, append(overRedis(redis, prefix), "ACTIONHERO_GENERAL_ID="+id))
	c.await("Ctrl+C stops it", 1)
	c.readAddresses()
	return c
}

// overRedis is the environment of a node of the cluster with the prefix.
func overRedis(redis *redistest.Server, prefix string) []string {
	return []string{roleVariable + "=node", "REDIS_URL=redis://" + redis.Addr, "ACTIONHERO_REDIS_PREFIX=" + prefix}
}

func (c *cluster) kill() {
	_ = c.Process.Kill()
	<-c.finished
}

// lines opens a TCP client in a room.
func (c *cluster) lines(t *testing.T, room string) *testkit.TCPClient {
	t.Helper()
	client := testkit.NewTCP(t, func() (net.Conn, error) { return net.Dial("tcp", c.tcp) })
	if answer, err := client.Call("roomChange " + room); err != nil || !strings.Contains(answer, `"status":"OK"`) {
		t.Fatalf("roomChange: %s, %v", answer, err)
	}
	return client
}

// balancer is an HTTP proxy that sends each request to the next server, on a connection of its own. A
// server that does not accept connections is passed over.
type balancer struct {
	URL      string
	next     atomic.Int64
	requests [2]atomic.Int64
}

func balance(t *testing.T, servers ...*cluster) *balancer {
	t.Helper()
	b := &balancer{}
	target, err := url.Parse("http://servers")
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // clients go while they poll
	proxy.Transport = noKeepAlive(func(ctx context.Context) (nc net.Conn, err error) {
		first := int(b.next.Add(1))
		for next := range servers {
			i := (first + next) % len(servers)
			if nc, err = new(net.Dialer).DialContext(ctx, "tcp", strings.TrimPrefix(servers[i].http, "http://")); err == nil {
				b.requests[i].Add(1)
				return nc, nil
			}
		}
		return nil, err
	})
	server := httptest.NewServer(proxy)
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
	})
	b.URL = server.URL
	return b
}

// stockClient is a process with one stock Socket.IO client.
type stockClient struct {
	t     *testing.T
	stdin io.Writer
	lines chan string
}

func startStockClient(t *testing.T, modules, url, transports, query string) *stockClient {
	t.Helper()
	node := exec.Command("node", "testdata/client.js", url, transports, query)
	node.Env, node.Stderr = append(os.Environ(), "NODE_PATH="+modules), os.Stderr
	stdin, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	c := &stockClient{t: t, stdin: stdin, lines: make(chan string, 10_000)}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			c.lines <- lines.Text()
		}
	})
	t.Cleanup(func() {
		_ = stdin.Close()
		_ = node.Process.Kill()
		reading.Wait()
		_ = node.Wait()
	})
	return c
}

// emit sends an event.
func (c *stockClient) emit(event, argument string) {
	c.t.Helper()
	if _, err := fmt.Fprintln(c.stdin, event, argument); err != nil {
		c.t.Fatal(err)
	}
}

// await returns the value of the next event of this kind, and skips all others.
func (c *stockClient) await(kind string) string {
	c.t.Helper()
	_, value, _ := strings.Cut(c.awaitAny(kind+" "), " ")
	return value
}

// awaitAny returns the next line that begins with the prefix, and skips all others.
func (c *stockClient) awaitAny(prefix string) string {
	c.t.Helper()
	limit := time.NewTimer(testkit.Wait)
	defer limit.Stop()
	var skipped []string
	for {
		select {
		case line := <-c.lines:
			if strings.HasPrefix(line, prefix) {
				return line
			}
			skipped = append(skipped, line)
		case <-limit.C:
			c.t.Fatalf("no line begins with %q; the others are %.2000q", prefix, skipped)
		}
	}
}

// ask emits an event and returns its acknowledgement.
func (c *stockClient) ask(event, argument string) string {
	c.t.Helper()
	c.emit(event, argument)
	return c.await("ack")
}

// pid returns the process of the session.
func (c *stockClient) pid() int {
	c.t.Helper()
	var answer struct{ PID int }
	if err := json.Unmarshal([]byte(c.ask("action", `{"action":"which"}`)), &answer); err != nil || answer.PID == 0 {
		c.t.Fatalf("which: %+v, %v", answer, err)
	}
	return answer.PID
}
