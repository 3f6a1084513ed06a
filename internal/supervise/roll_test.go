//go:build unix

package supervise

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// load sends requests over fresh connections until stop is called, which returns how many were answered and the errors.
func (r *running) load(clients int) (stop func() (answered int64, failed []error)) {
	var count atomic.Int64
	var mu sync.Mutex
	var errs []error
	var running sync.WaitGroup
	done := make(chan struct{})
	for range clients {
		running.Go(func() {
			client := http.Client{Timeout: testkit.Wait, Transport: &http.Transport{DisableKeepAlives: true}}
			for {
				select {
				case <-done:
					return
				default:
				}
				resp, err := client.Get(r.url + "/")
				if err == nil {
					err = resp.Body.Close()
				}
				if count.Add(1); err != nil {
					mu.Lock()
					errs = append(errs, err)
					mu.Unlock()
				}
			}
		})
	}
	return func() (int64, []error) {
		close(done)
		running.Wait()
		return count.Load(), errs
	}
}

// SIGUSR2 replaces all nodes, one after another, by new processes, and no connection is lost.
func TestARollingRestartLosesNoConnection(t *testing.T) {
	t.Parallel()
	r := start(t, 2, nil)
	pids := map[int]bool{}
	testkit.Eventually(t, "both nodes answer", func() bool {
		if _, pid := r.get("/", ""); pid > 0 {
			pids[pid] = true
		}
		return len(pids) == 2
	})
	stop := r.load(4)
	for i := range 5 {
		r.signals <- syscall.SIGUSR2
		r.awaitN("the rolling restart is done", i+1)
	}
	answered, failed := stop()
	if len(failed) > 0 || answered < 100 {
		t.Errorf("%d of %d requests failed: %v", len(failed), answered, failed)
	}
	for pid := range pids {
		if alive(pid) {
			t.Errorf("the process %d was not replaced", pid)
		}
	}
	// Two nodes and one spare number: node 3 replaces node 1, 1 replaces 2, 2 replaces 3, and 3 replaces 1.
	for _, want := range []string{"node 3 takes the place of node 1", "node 1 takes the place of node 2", "node 2 takes the place of node 3", "node 3 takes the place of node 1"} {
		r.await(want)
	}
	r.stop()
}

// If the new program does not start, the old nodes serve on.
func TestARollThatFailsLeavesTheOldNodes(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ file, cause string }{
		"it ends":  {"fail", "node 3 has ended before it was ready: exit code 7"},
		"it hangs": {"hang", "because it was not ready within 1s"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := start(t, 2, func(cfg *Config) { cfg.StartLimit = time.Second })
			stop := r.load(2)
			r.add(test.file)
			r.signals <- syscall.SIGUSR2
			r.await("the rolling restart is abandoned")
			r.await(test.cause)
			if _, failed := stop(); len(failed) > 0 {
				t.Errorf("requests failed: %v", failed)
			}
			r.remove(test.file)
			r.signals <- syscall.SIGUSR2
			r.await("the rolling restart is done")
			r.stop()
		})
	}
}

// If a node dies while its successor starts and the successor fails, the node is started again.
func TestANodeThatDiesDuringARollThatFailsStartsAgain(t *testing.T) {
	t.Parallel()
	r := start(t, 1, func(cfg *Config) { cfg.StartLimit = time.Second })
	r.add("hang")
	r.signals <- syscall.SIGUSR2
	r.await("the rolling restart begins")
	r.get("/kill", "")
	r.await("node 1 has ended before its successor is ready")
	r.await("the rolling restart is abandoned")
	r.remove("hang")
	r.await("node 1 is ready again")
	r.stop()
}

// The signals of one roll do not overtake each other: a second SIGUSR2 begins a second roll after the first.
func TestASecondRollWaitsForTheFirst(t *testing.T) {
	t.Parallel()
	r := launch(t, 2, nil, nil)
	for range 3 {
		r.signals <- syscall.SIGUSR2 // the nodes are starting
	}
	r.await("the rolling restart is done")
	r.signals <- syscall.SIGUSR2
	r.signals <- syscall.SIGUSR2
	r.awaitN("the rolling restart is done", 3)
	r.stop()
}

// A replaced node that does not end is killed, and the roll goes on.
func TestAReplacedNodeThatHangsIsKilled(t *testing.T) {
	t.Parallel()
	r := start(t, 2, nil)
	r.add("stubborn")
	r.signals <- syscall.SIGUSR2
	r.await("node 3 takes the place of node 1")
	r.await(`node 1 did not stop in an orderly way" cause="it was killed, because it did not stop within 2s`)
	r.remove("stubborn")
	r.await("the rolling restart is done")
	r.stop() // with code 0: the stop itself is orderly
}

// A stop during a roll ends all three processes.
func TestAStopDuringARoll(t *testing.T) {
	t.Parallel()
	r := start(t, 2, nil)
	r.add("hang")
	r.signals <- syscall.SIGUSR2
	r.await("the rolling restart begins")
	r.stop()
	if n := strings.Count(r.out.String(), "has stopped"); n != 2 {
		t.Errorf("%d nodes have stopped in an orderly way", n)
	}
}

// After a roll, the nodes serve at the address that the new configuration says, and the old one is closed.
func TestARollTakesANewAddress(t *testing.T) {
	t.Parallel()
	r := start(t, 2, nil)
	old := *r
	testkit.WriteFile(t, filepath.Join(r.folder, "address"), "localhost:0")
	r.signals <- syscall.SIGUSR2
	r.await("the rolling restart is done")
	testkit.Eventually(t, "the old address is closed", old.closed)
	r.stop()
}

// The lines of the nodes have their names. JSON objects remain JSON objects.
func TestOutputHasTheNameOfTheNode(t *testing.T) {
	t.Parallel()
	r := start(t, 1, nil)
	r.get("/print", "one\ntwo\r\n{\"a\":1}\n{}\n{broken\n"+strings.Repeat("x", maxLine+5)+"\nthe end\n")
	r.await("node 1 | the end\n")
	want := "node 1 | one\nnode 1 | two\n{\"node\":1,\"a\":1}\n{\"node\":1}\nnode 1 | {broken\nnode 1 | " + strings.Repeat("x", maxLine) + "\nnode 1 | xxxxx\nnode 1 | the end\n"
	if !strings.Contains(r.out.String(), want) {
		t.Error("the output differs")
	}
	r.stop()
}

// If the reader of the output goes away, the nodes go on.
func TestAConsoleThatFailsDoesNotEndTheNodes(t *testing.T) {
	t.Parallel()
	out, in, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r := start(t, 2, func(cfg *Config) { cfg.Stdout = NewConsole(io.MultiWriter(cfg.Stdout, in)) })
	_ = out.Close()
	defer in.Close()
	for range 10 {
		r.get("/print", strings.Repeat("a line that is lost\n", 200<<10/20))
	}
	r.awaitN(" | a line that is lost\n", 10*(200<<10/20))
	if number, _ := r.get("/", ""); number == 0 {
		t.Error("no node answers")
	}
	r.stop()
}
