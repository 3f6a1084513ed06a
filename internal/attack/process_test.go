//go:build hostile && linux

package attack_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// appFlag names an app to attack instead of ./app, for example the same app built with an older version.
var appFlag = flag.String("app", "", "path of the program to attack; default: build ./app")

var buildApp = sync.OnceValues(func() (string, error) {
	if *appFlag != "" {
		return *appFlag, nil
	}
	dir, err := os.MkdirTemp("", "attack-app-")
	if err != nil {
		return "", err
	}
	appDir = dir
	path := filepath.Join(dir, "app")
	out, err := exec.Command("go", "build", "-tags", "hostile", "-o", path, "./app").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w: %s", err, out)
	}
	return path, nil
})

// process is an app in a process of its own, so that its memory and its files can be measured from outside.
type process struct {
	t        testing.TB
	cmd      *exec.Cmd
	dir, tmp string
	http     string // host:port
	https    string // host:port, or empty
	tcp      string // host:port
	client   http.Client
}

// listening finds the addresses in the output of a start.
var listening = regexp.MustCompile(`(?m)^ +(HTTP|HTTPS|TCP) +(?:https?://)?[^ :]+:(\d+)`)

// startProcess starts the app in a new folder, with settings from the environment. The process ends with the test.
func startProcess(t testing.TB, env ...string) *process {
	t.Helper()
	path, err := buildApp()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p := &process{t: t, dir: dir, tmp: filepath.Join(dir, "tmp")}
	for name, text := range map[string]string{
		"tmp/none": "", "public/index.html": "<p>hello", "public/a.css": "p {}", "public/private/f": "private text", "public/.env": "KEY=hunter2",
		"public/.git/config": "hunter2", "public/big.bin": strings.Repeat("0123456789abcdef", 1<<16), "log/none": "",
	} {
		testkit.WriteFile(t, filepath.Join(dir, name), text)
	}
	p.cmd = exec.Command(path, "start")
	p.cmd.Dir = dir
	p.cmd.Env = append([]string{
		"TMPDIR=" + p.tmp, "HOME=" + dir, "ACTIONHERO_HTTP_SERVER_PORT=-1", "ACTIONHERO_TCP_SERVER_PORT=-1",
		"ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1", "ACTIONHERO_TCP_SERVER_BIND_IP=127.0.0.1", "ACTIONHERO_LOG_CONSOLE=false",
	}, env...)
	var stderr bytes.Buffer
	p.cmd.Stderr = &stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		_, _ = io.Copy(io.Discard, out)
		_ = p.cmd.Wait()
		p.client.CloseIdleConnections()
		if t.Failed() && stderr.Len() > 0 {
			t.Logf("the process says: %.2000s", stderr.String())
		}
	})
	said := ""
	in := bufio.NewReader(out)
	for !strings.Contains(said, "Ctrl+C") {
		line, err := in.ReadString('\n')
		if said += line; err != nil {
			t.Fatalf("the process does not start: %s%s", said, stderr.String())
		}
	}
	for _, m := range listening.FindAllStringSubmatch(said, -1) {
		addr := "127.0.0.1:" + m[2]
		switch m[1] {
		case "HTTP":
			p.http = addr
		case "HTTPS":
			p.https = addr
		case "TCP":
			p.tcp = addr
		}
	}
	p.client = http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return p
}

// heap returns the live heap of the process in bytes.
func (p *process) heap() int {
	p.t.Helper()
	var answer struct{ Bytes int }
	p.action("heap", &answer)
	return answer.Bytes
}

// peak returns the largest resident memory that the process had, in bytes.
func (p *process) peak() int {
	p.t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		p.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		p.t.Fatal(err)
	}
	return kib << 10
}

// openBytes returns the bytes of all regular files below TMPDIR that the process has open or has left, deleted ones
// included.
func (p *process) openBytes() (total int64) {
	folder := fmt.Sprintf("/proc/%d/fd", p.cmd.Process.Pid)
	fds, _ := os.ReadDir(folder)
	seen := map[uint64]bool{}
	count := func(path string) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			if inode := info.Sys().(*syscall.Stat_t).Ino; !seen[inode] {
				seen[inode] = true
				total += info.Size()
			}
		}
	}
	for _, fd := range fds {
		path := filepath.Join(folder, fd.Name())
		if target, err := os.Readlink(path); err == nil && strings.HasPrefix(target, p.tmp) {
			count(path)
		}
	}
	left, _ := filepath.Glob(p.tmp + "/*")
	for _, path := range left {
		count(path)
	}
	return total
}

// do sends a request and returns the status, the headers and the body.
func (p *process) do(method, target, body string, headers ...string) (int, http.Header, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://"+p.http+target, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := p.client.Do(req)
	if err != nil {
		return 0, nil, err.Error()
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return 0, res.Header, string(text) + err.Error()
	}
	return res.StatusCode, res.Header, string(text)
}

// action calls an action over HTTP and decodes the answer.
func (p *process) action(name string, answer any) {
	p.t.Helper()
	status, _, body := p.do("GET", "/api/"+name, "")
	if status != http.StatusOK {
		p.t.Fatalf("%s: %d %s", name, status, body)
	}
	if err := json.Unmarshal([]byte(body), answer); err != nil {
		p.t.Fatal(err)
	}
}

// post calls an action with a JSON body.
func (p *process) post(target string, params any) (int, string) {
	p.t.Helper()
	body, err := json.Marshal(params)
	if err != nil {
		p.t.Fatal(err)
	}
	status, _, text := p.do("POST", target, string(body), "Content-Type", "application/json")
	return status, text
}

// dial connects to addr with a receive buffer of a few KB.
func (p *process) dial(addr string) net.Conn {
	p.t.Helper()
	d := net.Dialer{Control: func(_, _ string, c syscall.RawConn) (err error) {
		_ = c.Control(func(fd uintptr) { err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 4096) })
		return err
	}}
	nc, err := d.Dial("tcp", addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { nc.Close() })
	_ = nc.SetDeadline(time.Now().Add(time.Minute))
	return nc
}

// lines connects a TCP client and reads the welcome.
func (p *process) lines() *testkit.Lines {
	p.t.Helper()
	c, err := testkit.OpenLines(p.dial(p.tcp), atOnce)
	if err != nil {
		p.t.Fatal(err)
	}
	return c
}

func (p *process) send(nc net.Conn, text string) {
	p.t.Helper()
	if _, err := io.WriteString(nc, text); err != nil {
		p.t.Fatal(err)
	}
}

const mib = 1 << 20
