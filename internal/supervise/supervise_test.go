//go:build unix

package supervise

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// All nodes serve the same port. A stop ends them in an orderly way, and closes the port.
func TestNodesShareAPortAndStopInOrder(t *testing.T) {
	t.Parallel()
	r := start(t, 3, nil)
	seen := map[int]int{}
	testkit.Eventually(t, "all three nodes answer", func() bool {
		if number, pid := r.get("/", ""); number > 0 {
			seen[number] = pid
		}
		return len(seen) == 3
	})
	if strings.Count(r.out.String(), "serving at") != 1 {
		t.Error("the announcement is not printed once")
	}
	r.stop()
	if n := strings.Count(r.out.String(), "has stopped"); n != 3 {
		t.Errorf("%d nodes have stopped in an orderly way", n)
	}
	if !r.closed() {
		t.Error("the port is still open")
	}
	for number, pid := range seen {
		if alive(pid) {
			t.Errorf("node %d lives", number)
		}
	}
}

// A node that dies is started again with its number, and the log says why it died. The other node serves meanwhile.
func TestADeadNodeStartsAgainAndTheLogSaysWhyItDied(t *testing.T) {
	t.Parallel()
	for path, cause := range map[string]string{"/exit": "exit code 3", "/kill": "signal killed", "/panic": "exit code 2"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			r := start(t, 2, nil)
			r.get(path, "")
			r.await("has ended: " + cause)
			if number, _ := r.get("/", ""); number == 0 {
				t.Error("the other node does not answer")
			}
			r.await("is ready again")
			if path == "/panic" {
				r.await(" | panic: a goroutine of the app panics")
			}
			r.stop()
		})
	}
}

// A node that fails at each start is started again after growing pauses, while the others serve.
func TestACrashLoopBacksOff(t *testing.T) {
	t.Parallel()
	r := launch(t, 2, []string{"fail2"}, nil)
	for i, pause := range []string{"10ms", "20ms", "40ms", "80ms", "80ms"} {
		r.await("node 2 has ended: exit code 7\" startsAgainIn=" + pause + " failures=" + strconv.Itoa(i+1))
	}
	r.remove("fail2")
	r.await("all nodes are ready")
	r.stop()
}

func TestDelayGrowsToItsLimit(t *testing.T) {
	t.Parallel()
	cfg := Config{FirstDelay: 100 * time.Millisecond, MaxDelay: 30 * time.Second}
	for failures, want := range map[int]time.Duration{1: 100 * time.Millisecond, 2: 200 * time.Millisecond, 5: 1600 * time.Millisecond, 9: 25600 * time.Millisecond, 10: 30 * time.Second, 1 << 40: 30 * time.Second} {
		if got := cfg.delay(failures); got != want {
			t.Errorf("after %d failures: %v, want %v", failures, got, want)
		}
	}
}

// If the first node cannot start, no other is tried: its error is printed once, and its exit code is the supervisor's.
func TestABadConfigurationIsSaidOnce(t *testing.T) {
	t.Parallel()
	r := launch(t, 4, []string{"fail"}, nil)
	if code := r.end(); code != 7 {
		t.Errorf("exit code %d", code)
	}
	if got, want := r.out.String(), "node 1 | Error: the configuration is bad\n"; got != want {
		t.Errorf("the output is %q", got)
	}
	if r.err == nil || !strings.HasPrefix(r.err.Error(), "node 1 has ended: exit code 7, before it was ready") {
		t.Errorf("the error is %v", r.err)
	}
}

func TestAProgramThatDoesNotExistIsAnError(t *testing.T) {
	t.Parallel()
	r := launch(t, 2, nil, func(cfg *Config) { cfg.Program = "/no/such/program" })
	if code := r.end(); code != 1 || !strings.Contains(r.err.Error(), "/no/such/program cannot be executed") {
		t.Errorf("code %d: %v", code, r.err)
	}
}

func TestANodeThatHangsAtItsStartIsKilled(t *testing.T) {
	t.Parallel()
	r := launch(t, 2, []string{"hang"}, func(cfg *Config) { cfg.StartLimit = 200 * time.Millisecond })
	if code := r.end(); code != 128+int(syscall.SIGKILL) || !strings.Contains(r.err.Error(), "it was killed, because it was not ready within 200ms") {
		t.Errorf("code %d: %v", code, r.err)
	}
}

// A stop during the start ends it. The node has no handler of signals yet, and the stop is orderly nevertheless.
func TestAStopDuringTheStartEndsIt(t *testing.T) {
	t.Parallel()
	r := launch(t, 2, []string{"hang"}, nil)
	r.stop()
}

// A node that starts its server again while the supervisor stops sees the end of that start, which the signal to stop
// causes, and no socket that is refused: its restart would have failed for no reason of its own.
func TestANodeThatRestartsDuringAStopIsNotRefused(t *testing.T) {
	t.Parallel()
	r := start(t, 2, nil)
	r.add("restarts")
	r.signals <- syscall.SIGTERM
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(r.out.String(), "a start fails: the supervisor stops all nodes: context deadline exceeded true"); n != 2 {
		t.Errorf("%d nodes have waited for the signal", n)
	}
}

// A node that does not stop in its time is killed, with the programs that it has executed.
func TestANodeThatHangsAtItsStopIsKilled(t *testing.T) {
	t.Parallel()
	r := start(t, 2, nil)
	r.add("stubborn")
	r.signals <- syscall.SIGTERM
	if code := r.end(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	if n := strings.Count(r.out.String(), "because it did not stop within 2s"); n != 2 {
		t.Errorf("%d nodes were killed", n)
	}
}

func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	r := start(t, 2, nil)
	r.add("stubborn")
	_, pid := r.get("/", "")
	r.signals <- syscall.SIGTERM
	r.awaitN("asked to stop", 2)
	r.signals <- os.Interrupt
	if code := r.end(); code != 130 || r.err.Error() != "" {
		t.Errorf("exit code %d: %v", code, r.err)
	}
	if alive(pid) {
		t.Error("a node lives")
	}
}

// SIGHUP and SIGUSR1 reach all nodes and end none.
func TestSignalsForLogsReachAllNodes(t *testing.T) {
	t.Parallel()
	r := start(t, 2, nil)
	for _, sig := range []os.Signal{syscall.SIGHUP, syscall.SIGUSR1} {
		r.signals <- sig
		r.await("node 1 | got " + sig.String())
		r.await("node 2 | got " + sig.String())
	}
	r.stop()
}

func TestAClosedTerminalStopsTheNodes(t *testing.T) {
	t.Parallel()
	r := start(t, 1, func(cfg *Config) { cfg.HangupStops = true })
	r.signals <- syscall.SIGHUP
	if code := r.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// The error of the system reaches the node, so that it can name the remedy.
func TestAPortInUseIsTheErrorOfTheNode(t *testing.T) {
	t.Parallel()
	taken := start(t, 1, nil)
	r := launch(t, 1, nil, func(cfg *Config) {
		testkit.WriteFile(t, filepath.Join(folderOf(cfg), "address"), strings.TrimPrefix(taken.url, "http://"))
	})
	if code := r.end(); code != 8 || !strings.Contains(r.out.String(), "bind: address already in use") {
		t.Errorf("exit code %d: %s", code, r.out)
	}
	taken.stop()
}

// If the supervisor is killed, its nodes end, and the port is free.
func TestNodesDoNotOutliveTheirSupervisor(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	testkit.WriteFile(t, filepath.Join(folder, "address"), "127.0.0.1:0")
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, out: &text{}}
	cmd := exec.Command(program)
	cmd.Env = append(os.Environ(), roleVariable+"=supervisor", folderVariable+"="+folder)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = r.out, r.out, testkit.Wait
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	r.await("all nodes are ready")
	r.url = addressIn(r.out.String())
	pids := map[int]int{}
	testkit.Eventually(t, "both nodes answer", func() bool {
		if number, pid := r.get("/", ""); number > 0 {
			pids[number] = pid
		}
		return len(pids) == 2
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) {
		t.Errorf("Wait: %v", err)
	}
	for number, pid := range pids {
		testkit.Eventually(t, "node "+strconv.Itoa(number)+" has ended", func() bool { return !alive(pid) })
	}
	if !r.closed() {
		t.Error("the port is still open")
	}
}
