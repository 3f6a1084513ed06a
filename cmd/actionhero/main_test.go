package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/cli"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

// The tests run this test binary again. This environment variable makes it the command actionhero, or an app with
// actions of its own. So the race detector checks the processes too.
const beVariable = "TEST_PROCESS_IS"

func TestMain(m *testing.M) {
	switch os.Getenv(beVariable) {
	case "actionhero":
		main()
	case "app":
		cli.Main(builtin.Stock, talks, slow, endless, login, remember, fails, patient)
	case "stuck":
		cli.Main(stuck)
	}
	buildFast()
	basics.VerifyTestMain(m)
}

// buildFast makes the compiler and the linker of the apps that these tests build leave out what only debuggers read, and
// collect less garbage. That is nearly half of their time.
func buildFast() {
	if flags := os.Getenv("GOFLAGS"); !strings.Contains(flags, "-ldflags") {
		_ = os.Setenv("GOFLAGS", strings.TrimSpace(flags+" -ldflags=-w"))
	}
	if os.Getenv("GOGC") == "" {
		_ = os.Setenv("GOGC", "400")
	}
}

// slow writes to standard error when it begins, and ends at the first byte from standard input.
var slow = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "slow",
	Run: func(context.Context, actionhero.None) (n actionhero.None, err error) {
		fmt.Fprintln(os.Stderr, "slow has begun")
		_, err = os.Stdin.Read(make([]byte, 1))
		return n, err
	},
}

// talks logs to the default logger of package slog, as a library does.
var talks = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "talks",
	Run: func(context.Context, actionhero.None) (n actionhero.None, err error) {
		slog.Warn("a library talks", "topic", "weather")
		return n, nil
	},
}

// endless ends when it is cancelled.
var endless = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "endless",
	Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
		fmt.Fprintln(os.Stderr, "endless has begun")
		<-ctx.Done()
		fmt.Fprintln(os.Stderr, "endless was cancelled")
		return n, ctx.Err()
	},
}

// stuck blocks a start until it is cancelled, or for ever if TEST_STUCK says so.
var stuck = actionhero.Initializer{
	Name: "stuck",
	Start: func(ctx context.Context, _ *actionhero.API) error {
		fmt.Fprintln(os.Stderr, "starting")
		if os.Getenv("TEST_STUCK") == "for ever" {
			ctx = context.Background()
		}
		<-ctx.Done()
		return ctx.Err()
	},
}

// loginInput has a secret.
type loginInput struct {
	User     string `json:"user"`
	Password string `json:"password" secret:"true"`
}

var login = actionhero.Action[loginInput, actionhero.None]{
	Name: "login",
	Run:  func(context.Context, loginInput) (n actionhero.None, err error) { return n, nil },
}

// processWait is how long a process under test may run.
const processWait = 2 * testkit.Wait

// command prepares a process in a folder; be is the value of beVariable.
func command(t testing.TB, be, dir string, env []string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), processWait)
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Dir = dir
	cmd.Env = append([]string{beVariable + "=" + be, "GORACE=atexit_sleep_ms=0", "ACTIONHERO_HTTP_SERVER_PORT=-1", "ACTIONHERO_TCP_SERVER_PORT=-1", "ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1"}, env...)
	return cmd
}

// run runs a process to its end.
func run(t testing.TB, dir string, env []string, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	cmd := command(t, "actionhero", dir, env, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// process is a server that has started.
type process struct {
	*exec.Cmd
	t        testing.TB
	dir      string
	in       io.WriteCloser
	out, err *lines
	http     string // URL
	tcp      string // address
	reading  sync.WaitGroup
}

var addresses = regexp.MustCompile(`(?s)HTTP +(http://localhost:\d+).*TCP +(localhost:\d+)`)

// launch starts a server in a folder.
func launch(t testing.TB, be, dir string, env ...string) *process {
	t.Helper()
	return watch(t, command(t, be, dir, env, "start"))
}

// watch starts a command and gathers what it writes.
func watch(t testing.TB, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{Cmd: cmd, t: t, dir: cmd.Dir, out: newLines(), err: newLines()}
	var err error
	if p.in, err = p.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	for to, pipe := range map[*lines]func() (io.ReadCloser, error){p.out: p.StdoutPipe, p.err: p.StderrPipe} {
		from, err := pipe()
		if err != nil {
			t.Fatal(err)
		}
		p.reading.Go(func() { to.read(from) })
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if p.ProcessState == nil {
			_ = p.Process.Kill()
			p.reading.Wait()
			_ = p.Wait()
		}
	})
	return p
}

// start starts a server in a folder and waits until it says that it is up.
func start(t testing.TB, be, dir string, env ...string) *process {
	t.Helper()
	return launch(t, be, dir, env...).up()
}

// up waits until the server says that it is up.
func (p *process) up() *process {
	t := p.t
	t.Helper()
	p.out.await(t, "Ctrl+C stops it.")
	m := addresses.FindStringSubmatch(p.out.String())
	if m == nil {
		t.Fatalf("the server does not say where it listens: %s", p.out)
	}
	p.http, p.tcp = m[1], m[2]
	return p
}

// signal sends a signal.
func (p *process) signal(sig os.Signal) {
	p.t.Helper()
	if err := p.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// exit waits for the end of the process.
func (p *process) exit() (code int) {
	p.reading.Wait()
	_ = p.Wait()
	return p.ProcessState.ExitCode()
}

// stop interrupts the server, which must exit with 0.
func (p *process) stop() {
	p.t.Helper()
	p.signal(os.Interrupt)
	if code := p.exit(); code != 0 {
		p.t.Errorf("the server exits with %d: %s%s", code, p.out, p.err)
	}
}

// get asks over HTTP and returns the status and the body.
func (p *process) get(path string, cookies ...*http.Cookie) (status int, body string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.http+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, cookie := range cookies {
		req.AddCookie(cookie)
	}
	status, body, _ = p.send(req)
	return status, body
}

// logIn signs a user up or logs it in, and returns the cookie of its session.
func (p *process) logIn(path string) *http.Cookie {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.http+path, strings.NewReader(`{"email":"ann@example.com","password":"correct horse"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	status, body, cookies := p.send(req)
	if status != http.StatusOK || len(cookies) != 1 {
		p.t.Fatalf("%s answers %d %s, with %d cookies", path, status, body, len(cookies))
	}
	return cookies[0]
}

func (p *process) send(req *http.Request) (status int, body string, cookies []*http.Cookie) {
	p.t.Helper()
	client := http.Client{Timeout: testkit.Wait, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		p.t.Error(err)
		return 0, "", nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Error(err)
	}
	return resp.StatusCode, string(text), resp.Cookies()
}

// dial connects a TCP client.
func (p *process) dial() *testkit.TCPClient {
	p.t.Helper()
	return testkit.NewTCP(p.t, func() (net.Conn, error) { return net.Dial("tcp", p.tcp) })
}

// lines gathers what a process writes.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
	more chan struct{} // closed and replaced when there is more, and closed for good at the end
	done bool
}

func newLines() *lines { return &lines{more: make(chan struct{})} }

func (l *lines) read(from io.Reader) {
	in := bufio.NewReader(from)
	for err := error(nil); err == nil; {
		var line string
		line, err = in.ReadString('\n')
		l.mu.Lock()
		l.text.WriteString(line)
		close(l.more)
		if l.done = err != nil; !l.done {
			l.more = make(chan struct{})
		}
		l.mu.Unlock()
	}
}

// await waits until the text has come.
func (l *lines) await(t testing.TB, text string) {
	t.Helper()
	for {
		l.mu.Lock()
		found, done, more := strings.Contains(l.text.String(), text), l.done, l.more
		l.mu.Unlock()
		if found {
			return
		}
		if done {
			t.Fatalf("the process ended without saying %q: %s", text, l)
		}
		<-more
	}
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
