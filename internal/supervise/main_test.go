//go:build unix

package supervise

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

// The tests run this test binary again, as a node or as a supervisor of nodes.
const (
	roleVariable   = "TEST_ROLE"   // "node" or "supervisor"
	folderVariable = "TEST_FOLDER" // whose files say how the nodes behave
)

func TestMain(m *testing.M) {
	switch os.Getenv(roleVariable) {
	case "node":
		os.Exit(beNode(os.Getenv(folderVariable)))
	case "supervisor":
		_ = os.Setenv(roleVariable, "node")
		program, err := Program()
		if err != nil {
			panic(err)
		}
		signals, _, _ := Signals()
		out := NewConsole(os.Stdout)
		_ = Run(context.Background(), Config{Nodes: 2, Program: program, Stdout: out, Stderr: out, Signals: signals, Log: slog.New(slog.NewTextHandler(out, nil))})
		os.Exit(0)
	}
	basics.VerifyTestMain(m)
}

// beNode is the program of a node: an HTTP server, whose behaviour the files of a folder decide.
func beNode(folder string) (code int) {
	has := func(name string) bool {
		_, err := os.Stat(filepath.Join(folder, name))
		return err == nil
	}
	node, err := Join()
	if err != nil || node == nil {
		fmt.Fprintln(os.Stderr, "Error: no node:", err)
		return 9
	}
	if has("fail") || has("fail"+strconv.Itoa(node.Number())) {
		fmt.Fprintln(os.Stderr, "Error: the configuration is bad")
		return 7
	}
	stop, hangup := make(chan os.Signal, 1), make(chan os.Signal, 1)
	if has("hang") {
		select {}
	}
	signal.Notify(stop, syscall.SIGTERM, os.Interrupt)
	signal.Notify(hangup, syscall.SIGHUP, syscall.SIGUSR1)
	signal.Ignore(syscall.SIGPIPE)
	ports := netlisten.Share(node.Listen)
	address, _ := os.ReadFile(filepath.Join(folder, "address"))
	ln, _, err := netlisten.Listen(context.Background(), "web", "tcp", string(address))
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		return 8
	}
	var open atomic.Int64
	server := http.Server{Handler: handlerOf(node), ConnState: func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			open.Add(1)
		case http.StateClosed, http.StateHijacked:
			open.Add(-1)
		}
	}}
	go func() { _ = server.Serve(ln) }()
	ports.Serve()
	_ = node.Ready(Readiness{Text: "serving at " + ln.Addr().String() + "\n", StopLimit: 2 * time.Second})
	for {
		select {
		case sig := <-hangup:
			fmt.Println("got", sig)
		case <-stop:
			fmt.Println("asked to stop")
			if has("restarts") {
				listenAgain(node)
			}
			return shut(&server, has)
		case <-node.Replaced():
			ports.Leave()
			server.SetKeepAlivesEnabled(false)
			for tick := time.NewTicker(time.Millisecond); open.Load() > 0; {
				<-tick.C // Shutdown alone would drop the first requests of connections that were just accepted
			}
			return shut(&server, has)
		case <-node.Orphaned():
			return shut(&server, has)
		}
	}
}

// listenAgain opens a socket as the start of a server does that the signal to stop reaches a little later.
func listenAgain(node *Node) {
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	_, err := node.Listen(ctx, "another", "tcp", "127.0.0.1:0")
	fmt.Println("a start fails:", err, errors.Is(err, context.DeadlineExceeded))
}

func shut(server *http.Server, has func(string) bool) int {
	if has("stubborn") {
		select {}
	}
	_ = server.Shutdown(context.Background())
	fmt.Println("has stopped")
	return 0
}

func handlerOf(node *Node) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%d %d", node.Number(), os.Getpid())
	})
	mux.HandleFunc("/exit", func(http.ResponseWriter, *http.Request) { os.Exit(3) })
	mux.HandleFunc("/kill", func(http.ResponseWriter, *http.Request) { _ = syscall.Kill(os.Getpid(), syscall.SIGKILL) })
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) {
		go func() { panic("a goroutine of the app panics") }()
		select {}
	})
	mux.HandleFunc("/print", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(os.Stdout, r.Body) })
	return mux
}

// running is a supervisor in this process.
type running struct {
	t       *testing.T
	folder  string
	signals chan os.Signal
	out     *text
	done    chan struct{}
	err     error // of Run, after done is closed
	url     string
}

// text is a buffer for several writers.
type text struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *text) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.Write(p)
}

func (w *text) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// launch starts a supervisor with the files in the folder of its nodes. change may be nil.
func launch(t *testing.T, nodes int, files []string, change func(*Config)) *running {
	t.Helper()
	program, err := Program()
	if err != nil {
		t.Fatal(err)
	}
	r := &running{t: t, folder: t.TempDir(), signals: make(chan os.Signal, 8), out: &text{}, done: make(chan struct{})}
	testkit.WriteFile(t, filepath.Join(r.folder, "address"), "127.0.0.1:0")
	for _, name := range files {
		r.add(name)
	}
	cfg := Config{
		Nodes: nodes, Program: program, Stdout: r.out, Stderr: r.out, Signals: r.signals,
		Log:        slog.New(slog.NewTextHandler(r.out, nil)),
		Env:        append(os.Environ(), roleVariable+"=node", folderVariable+"="+r.folder, "GORACE=atexit_sleep_ms=0"),
		FirstDelay: 10 * time.Millisecond, MaxDelay: 80 * time.Millisecond,
	}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(r.done)
		r.err = Run(ctx, cfg)
	}()
	t.Cleanup(func() {
		cancel()
		for {
			select {
			case <-r.done:
				if t.Failed() {
					t.Logf("the output:\n%s", r.out)
				}
				return
			case r.signals <- os.Interrupt:
			}
		}
	})
	return r
}

// start starts a supervisor and waits until all its nodes are ready.
func start(t *testing.T, nodes int, change func(*Config)) *running {
	t.Helper()
	r := launch(t, nodes, nil, change)
	r.await("all nodes are ready")
	r.url = addressIn(r.out.String())
	return r
}

// addressIn returns the URL that nodes have announced.
func addressIn(output string) string {
	_, rest, _ := strings.Cut(output, "serving at ")
	address, _, _ := strings.Cut(rest, "\n")
	return "http://" + address
}

// folderOf returns the folder of the nodes.
func folderOf(cfg *Config) string {
	for _, entry := range cfg.Env {
		if folder, ok := strings.CutPrefix(entry, folderVariable+"="); ok {
			return folder
		}
	}
	return ""
}

func (r *running) add(name string) { testkit.WriteFile(r.t, filepath.Join(r.folder, name), "") }

func (r *running) remove(name string) {
	if err := os.Remove(filepath.Join(r.folder, name)); err != nil {
		r.t.Error(err)
	}
}

// await waits until the output has the text.
func (r *running) await(want string) {
	r.t.Helper()
	r.awaitN(want, 1)
}

func (r *running) awaitN(want string, n int) {
	r.t.Helper()
	testkit.Eventually(r.t, fmt.Sprintf("the output has %q %d times", want, n), func() bool { return strings.Count(r.out.String(), want) >= n })
}

// end waits for the end of the supervisor and returns its exit code.
func (r *running) end() (code int) {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(2 * testkit.Wait):
		r.t.Fatal("the supervisor does not end")
	}
	if exit, ok := errors.AsType[*ExitError](r.err); ok {
		return exit.Code
	} else if r.err != nil {
		r.t.Errorf("Run: %v", r.err)
	}
	return 0
}

// stop stops the supervisor, which must end with code 0.
func (r *running) stop() {
	r.t.Helper()
	r.signals <- syscall.SIGTERM
	if code := r.end(); code != 0 {
		r.t.Errorf("the supervisor ends with code %d: %v", code, r.err)
	}
}

// get asks over a new connection and returns the number and the pid of the node that answers, or 0, 0.
func (r *running) get(path, body string) (number, pid int) {
	client := http.Client{Timeout: testkit.Wait, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Post(r.url+path, "text/plain", strings.NewReader(body))
	if err != nil {
		return 0, 0
	}
	defer resp.Body.Close()
	answer, _ := io.ReadAll(resp.Body)
	_, _ = fmt.Sscan(string(answer), &number, &pid)
	return number, pid
}

// alive reports whether a process lives.
func alive(pid int) bool { return pid != 0 && syscall.Kill(pid, 0) == nil }

// closed reports whether nothing listens at the address of the nodes.
func (r *running) closed() bool {
	nc, err := net.Dial("tcp", strings.TrimPrefix(r.url, "http://"))
	if err == nil {
		_ = nc.Close()
	}
	return err != nil
}
