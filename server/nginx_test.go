//go:build unix

package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/internal/testkit/basics"
	"github.com/actionhero-go/actionhero/internal/testkit/docrun"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// recipe returns the only block of a kind in a recipe.
func recipe(t *testing.T, name, kind string) (text string) {
	t.Helper()
	found := 0
	for _, b := range docrun.Blocks(t, filepath.Join("..", "docs", "recipes", name)) {
		if b.Kind == kind {
			text = b.Text
			found++
		}
	}
	if found != 1 {
		t.Fatalf("%s has %d blocks of %s", name, found, kind)
	}
	return text
}

// nginxProgram returns the path of nginx, which is often outside the PATH of users. On Linux, make test installs nginx, so
// the test fails without it.
func nginxProgram(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"nginx", "/usr/sbin/nginx", "/usr/local/sbin/nginx"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	if runtime.GOOS == "linux" {
		t.Fatal("there is no nginx: run make needs, or install the package nginx")
	}
	t.Skip("there is no nginx")
	return ""
}

// startNginx starts nginx with the configuration of the recipe in front of a server, and returns a client that reaches
// example.com through it.
func startNginx(t *testing.T, upstream net.Addr) *http.Client {
	t.Helper()
	program, dir := nginxProgram(t), t.TempDir()
	cert, key, clientTLS := basics.Certificate(t)
	port := testkit.FreePort(t)
	site := strings.NewReplacer("127.0.0.1:8080", upstream.String(), "listen 443 ssl", fmt.Sprintf("listen 127.0.0.1:%d ssl", port),
		"/etc/ssl/example.com.pem", cert, "/etc/ssl/example.com.key", key).Replace(recipe(t, "nginx.md", "nginx"))
	config := "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr notice;\nevents {}\nhttp {\naccess_log off;\n"
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		config += fmt.Sprintf("%s_temp_path %s;\n", kind, filepath.Join(dir, kind))
	}
	if u, err := user.Current(); err == nil && u.Uid == "0" {
		config = "user root;\n" + config
	}
	testkit.WriteFile(t, filepath.Join(dir, "nginx.conf"), config+site+"}\n")
	var out bytes.Buffer
	cmd := exec.Command(program, "-p", dir, "-c", filepath.Join(dir, "nginx.conf"), "-e", "stderr")
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { _ = cmd.Process.Kill(); <-ended })
	address := fmt.Sprintf("127.0.0.1:%d", port)
	if !basics.Within(basics.Wait, func() bool { return listens(address) || len(ended) > 0 }) || len(ended) > 0 {
		_ = cmd.Process.Kill()
		err := <-ended
		ended <- err
		t.Fatalf("nginx does not start: %v\n%s", err, &out)
	}
	transport := &http.Transport{TLSClientConfig: clientTLS, DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: basics.Wait}
}

func listens(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// exchange is a request, and what its client reads.
type exchange struct {
	method, path string
	header       http.Header
	body         string
	status       int
	want         string
}

var throughNginx = map[string]exchange{
	"an action":                {"GET", "/api/randomNumber", nil, "", 200, `"randomNumber"`},
	"an invented address":      {"GET", "/api/randomNumber", http.Header{"X-Forwarded-For": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}}, "", 200, `"remoteAddress":"127.0.0.1"`},
	"a page of the server":     {"POST", "/api/randomNumber", http.Header{"Origin": {"https://example.com"}, "Cookie": {"a=b"}}, "a=b", 200, `"randomNumber"`},
	"a page over HTTP":         {"POST", "/api/cacheTest", http.Header{"Origin": {"http://example.com"}}, "key=a&value=b", 403, ""},
	"a page of another site":   {"POST", "/api/cacheTest", http.Header{"Origin": {"https://evil.example"}}, "key=a&value=b", 403, ""},
	"an invented host":         {"POST", "/api/cacheTest", http.Header{"Origin": {"https://evil.example"}, "X-Forwarded-Host": {"evil.example"}}, "key=a&value=b", 403, ""},
	"a body of 9 MiB":          {"POST", "/api/cacheTest", nil, "key=a&value=b&other=" + strings.Repeat("x", 9<<20), 200, ""},
	"a body that is too large": {"POST", "/api/cacheTest", nil, "key=a&value=b&other=" + strings.Repeat("x", 21<<19), 413, `"errorCode"`},
	"long-polling":             {"GET", "/socket.io/?EIO=4&transport=polling", nil, "", 200, `"upgrades":["websocket"]`},
}

// run sends the request, and returns the answer if it is not the expected one.
func (x exchange) run(t *testing.T, client *http.Client) (wrong string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), x.method, "https://example.com"+x.path, strings.NewReader(x.body))
	if err != nil {
		t.Fatal(err)
	}
	if req.Header = x.header; req.Header == nil {
		req.Header = http.Header{}
	}
	if x.body != "" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := client.Do(req)
	if err != nil {
		return err.Error()
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != x.status || !strings.Contains(string(body), x.want) {
		return fmt.Sprintf("%d %.300s (%v)", resp.StatusCode, body, err)
	}
	return ""
}

// TestTheRecipeForNginx runs the configuration and the settings of the recipe.
func TestTheRecipeForNginx(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "config.yaml"), recipe(t, "nginx.md", "yaml"))
	settings, err := server.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error, 1)
	s := testkit.Start(t, testkit.Options{Parts: actionhero.Parts{oneEvent(left)}, Change: func(cfg *server.Config) {
		cfg.HTTPServer.BindIP, cfg.CommonWeb = settings.HTTPServer.BindIP, settings.CommonWeb
	}})
	client := startNginx(t, s.Web.Addr())

	for name, x := range throughNginx {
		if got := x.run(t, client); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	streamThroughNginx(t, client, left)
	page := http.Header{"Origin": {"https://example.com"}}
	socket := testkit.DialSocket(t, "wss://example.com/ws", &websocket.DialOptions{HTTPClient: client, HTTPHeader: page})
	var welcome struct{ Context string }
	if err := json.Unmarshal([]byte(socket.Next()), &welcome); err != nil || welcome.Context != "api" {
		t.Errorf("the welcome is %+v, %v", welcome, err)
	}
	_, resp, err := websocket.Dial(t.Context(), "wss://example.com/ws", &websocket.DialOptions{HTTPClient: client, HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil || resp == nil || resp.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another site opens a WebSocket: %v", err)
	}
}

// oneEvent is an action that sends one event, and then reports why its stream ends.
func oneEvent(left chan<- error) actionhero.Part {
	return actionhero.Action[actionhero.None, actionhero.None]{
		Name: "events", Kind: actionhero.KindRead, Timeout: -1,
		Run: func(ctx context.Context, none actionhero.None) (actionhero.None, error) {
			events, err := web.Events(ctx, web.EventOptions{})
			if err == nil {
				err = events.Send(web.Event{Data: "hello"})
			}
			if err != nil {
				return none, err
			}
			<-ctx.Done()
			left <- ctx.Err()
			return none, nil
		},
	}
}

// streamThroughNginx reads an event while its stream is open, and leaves.
func streamThroughNginx(t *testing.T, client *http.Client, left <-chan error) {
	t.Helper()
	resp, err := client.Get("https://example.com/api/events")
	if err != nil {
		t.Fatal(err)
	}
	text := make([]byte, len("data: hello\n\n"))
	if _, err := io.ReadFull(resp.Body, text); err != nil || string(text) != "data: hello\n\n" {
		t.Errorf("the event is %q, %v", text, err)
	}
	_ = resp.Body.Close()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the stream ends with %v", err)
	}
}
