//go:build unix

package cli_test

import (
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// begin starts an app that blocks in the loading of its configuration until the test calls load.
func begin(t *testing.T, args ...string) (c *cluster, load func()) {
	t.Helper()
	pipe := filepath.Join(t.TempDir(), "config.json")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	c = launchCluster(t, nil, append([]string{"--config", pipe}, args...)...)
	config, err := os.OpenFile(pipe, os.O_WRONLY, 0) // blocks until the app opens it
	if err != nil {
		t.Fatal(err)
	}
	return c, func() {
		file := pipe + ".file" // for nodes, which load the configuration too
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Error(err)
		}
		if err := os.Rename(file, pipe); err != nil {
			t.Error(err)
		}
		if _, err := config.WriteString("{}"); err != nil {
			t.Error(err)
		}
		_ = config.Close()
	}
}

// wantOrderly fails the test unless the process has ended in an orderly way.
func (c *cluster) wantOrderly() {
	c.t.Helper()
	<-c.finished
	if state := c.ProcessState; !state.Success() {
		c.t.Errorf("the app has ended with %v", state)
	}
}

// A signal to stop that comes while the app does not serve yet is not lost, and does not kill it.
func TestASignalDuringTheLoadingOfTheConfigurationIsAStop(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		c, load := begin(t)
		c.signal(syscall.SIGHUP) // no file is open that a rotation of logs could mean
		c.signal(syscall.SIGUSR1)
		c.signal(sig)
		load()
		c.wantOrderly()
	}
}

// SIGTERM stops an app in an orderly way whenever it comes: at random moments of the start, of restarts that follow each
// other, and of those of a node.
func TestSIGTERMStopsInAnOrderlyWayAtAnyMoment(t *testing.T) {
	t.Parallel()
	const times = 8
	for name, try := range map[string]func(t *testing.T, within time.Duration, args ...string){"start": stopDuringTheStart, "restart": stopDuringRestarts} {
		for of, args := range map[string][]string{"": nil, " of a node": {"--nodes", "1"}} {
			t.Run(name+of, func(t *testing.T) {
				t.Parallel()
				c, load := begin(t, args...)
				begun := time.Now()
				load()
				c.await("is up (actionhero", 1)
				within := time.Since(begun)
				c.stop()
				for range times {
					try(t, within, args...)
				}
			})
		}
	}
}

func stopDuringTheStart(t *testing.T, within time.Duration, args ...string) {
	t.Helper()
	c, load := begin(t, args...)
	load()
	<-time.After(rand.N(within + within/4))
	c.signal(syscall.SIGTERM)
	c.wantOrderly()
}

func stopDuringRestarts(t *testing.T, within time.Duration, args ...string) {
	t.Helper()
	c := startApp(t, args...)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: testkit.Wait}
	for range 3 { // one after the other
		if resp, err := client.Post(c.http+"/api/restart", "", nil); err == nil {
			_ = resp.Body.Close()
		}
	}
	<-time.After(rand.N(within))
	c.signal(syscall.SIGTERM)
	c.wantOrderly()
}
