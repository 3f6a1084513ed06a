//go:build hostile

package attack_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// seen counts the requests that the app has run, by the id in their query.
type seen struct {
	mu   sync.Mutex
	runs map[string]int
}

type seenInput struct {
	ID string `json:"id" required:"true"`
}

func (s *seen) action() actionhero.Part {
	return actionhero.Action[seenInput, seenInput]{Name: "seen", Kind: actionhero.KindWrite, Access: actionhero.Public, Run: func(_ context.Context, in seenInput) (seenInput, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.runs[in.ID]++
		return in, nil
	}}
}

func (s *seen) count(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[id]
}

// The proxies end a client that sends no complete request themselves, so that the test waits for the end of a connection only.
const (
	nginxText = `daemon off;
master_process off;
pid nginx.pid;
%suser
error_log stderr crit;
events {}
http {
	access_log off;
	client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi; uwsgi_temp_path uwsgi; scgi_temp_path scgi;
	client_header_timeout 1s; client_body_timeout 1s; keepalive_timeout 1s;
	upstream app { server %upstream; keepalive 4; }
	server { listen %listen; location / { proxy_pass http://app; proxy_set_header Host $host; %version } }
}
`
	haproxyText = `defaults
	mode http
	timeout connect 20s
	timeout server 20s
	timeout client 2s
	timeout http-request 1s
	timeout http-keep-alive 1s
	http-reuse always
%options
listen app
	bind %listen
	server app %upstream
`
)

// proxies holds the configuration of each proxy: with new connections of HTTP/1.0 and with kept ones of HTTP/1.1 to the app.
var proxies = map[string]struct{ program, text string }{
	"nginx":                   {"nginx", strings.Replace(nginxText, "%version", "", 1)},
	"nginx, kept connections": {"nginx", strings.Replace(nginxText, "%version", `proxy_http_version 1.1; proxy_set_header Connection "";`, 1)},
	"nginx, unbuffered bodies": {"nginx", strings.Replace(nginxText, "%version",
		`proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off;`, 1)},
	"haproxy":                 {"haproxy", strings.Replace(haproxyText, "%options", "", 1)},
	"haproxy that is lenient": {"haproxy", strings.Replace(haproxyText, "%options", "\toption accept-invalid-http-request", 1)},
}

// startProxy starts a proxy in front of the app at upstream, and returns its address.
func startProxy(t *testing.T, program, text, upstream string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/" + program)
	}
	if err != nil {
		if runtime.GOOS == "linux" {
			t.Fatalf("there is no %s: run make needs, or install the package %s", program, program)
		}
		t.Skip("there is no " + program)
	}
	dir, address := t.TempDir(), fmt.Sprintf("127.0.0.1:%d", testkit.FreePort(t))
	root := ""
	if u, err := user.Current(); err == nil && u.Uid == "0" {
		root = "user root;"
	}
	config := filepath.Join(dir, "proxy.conf")
	testkit.WriteFile(t, config, strings.NewReplacer("%upstream", upstream, "%listen", address, "%suser", root).Replace(text))
	args := map[string][]string{"nginx": {"-p", dir, "-c", config, "-e", "stderr"}, "haproxy": {"-db", "-f", config}}[program]
	var out bytes.Buffer
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		if _ = cmd.Wait(); t.Failed() {
			t.Logf("%s wrote: %s", program, &out)
		}
	})
	testkit.Eventually(t, program+" listens", func() bool {
		nc, err := net.Dial("tcp", address)
		if err == nil {
			_ = nc.Close()
		}
		return err == nil
	})
	return address
}

// talk sends text on a new connection, and returns what its client reads until the connection ends: the status of each answer,
// and the id of a run action.
func talk(t *testing.T, address, text string) (answers []string) {
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Error(err)
		return nil
	}
	defer nc.Close()
	_ = nc.SetDeadline(time.Now().Add(testkit.Wait))
	_, _ = io.WriteString(nc, text) // the proxy may have refused the beginning
	for in := bufio.NewReader(nc); ; {
		if head, _ := in.Peek(len("HTTP/")); string(head) != "HTTP/" {
			body, _ := io.ReadAll(in)
			if id := idIn(string(body)); id != "" { // an answer of HTTP/0.9 has no head
				answers = append(answers, "200 "+id)
			}
			return answers
		}
		resp, err := http.ReadResponse(in, nil)
		if err != nil {
			return answers
		}
		body, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusContinue {
			continue
		}
		answer := fmt.Sprint(resp.StatusCode)
		if id := idIn(string(body)); id != "" && resp.StatusCode == http.StatusOK {
			answer += " " + id
		}
		answers = append(answers, answer)
	}
}

// idIn returns the id in an output of the action.
func idIn(body string) string {
	_, rest, _ := strings.Cut(body, `"id":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

// smuggling has requests whose end two programs may see in different places. ID is the id of the request, and NEXT a further
// request that asks for the end of the connection.
var smuggling = map[string]string{
	"two requests":                 seenPost + "Content-Length: 2\r\n\r\n{}NEXT",
	"chunks":                       seenPost + inChunks + "\r\n2\r\n{}\r\n0\r\n\r\nNEXT",
	"chunks and a length":          seenPost + inChunks + "Content-Length: 2\r\n\r\n2\r\n{}\r\n0\r\n\r\nNEXT",
	"a length and chunks":          seenPost + "Content-Length: 5\r\n" + inChunks + "\r\n0\r\n\r\nNEXT",
	"a short length and chunks":    seenPost + "Content-Length: 1\r\n" + inChunks + "\r\n0\r\n\r\nNEXT",
	"chunks twice":                 seenPost + inChunks + inChunks + "\r\n0\r\n\r\nNEXT",
	"an unknown coding":            seenPost + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\nNEXT",
	"two codings":                  seenPost + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\nNEXT",
	"chunks and identity":          seenPost + inChunks + "Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n0\r\n\r\nNEXT",
	"a space before the colon":     seenPost + "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nNEXT",
	"a tab before the coding":      seenPost + "Transfer-Encoding:\tchunked\r\n\r\n0\r\n\r\nNEXT",
	"a control character":          seenPost + "Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nNEXT",
	"a folded coding":              seenPost + "Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nNEXT",
	"a Kelvin sign":                seenPost + "Transfer-Encoding: chun\u212aed\r\nContent-Length: 5\r\n\r\n0\r\n\r\nNEXT",
	"a coding after a line feed":   seenPost + "X: y\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\nNEXT",
	"an extension with an end":     seenPost + inChunks + "\r\n2;a=\"\r\n\"\r\n{}\r\n0\r\n\r\nNEXT",
	"an extension":                 seenPost + inChunks + "\r\n2;a=b\r\n{}\r\n0\r\n\r\nNEXT",
	"a trailer":                    seenPost + inChunks + "\r\n2\r\n{}\r\n0\r\nContent-Length: 60\r\n\r\nNEXT",
	"sizes with bare line feeds":   seenPost + inChunks + "\r\n2\n{}\n0\n\nNEXT",
	"a size with a space":          seenPost + inChunks + "\r\n2 \r\n{}\r\n0\r\n\r\nNEXT",
	"a size with a prefix":         seenPost + inChunks + "\r\n0x2\r\n{}\r\n0\r\n\r\nNEXT",
	"a chunk that is too long":     seenPost + inChunks + "\r\n2\r\n{}x\r\n0\r\n\r\nNEXT",
	"a size that overflows":        seenPost + inChunks + "\r\n10000000000000002\r\n{}\r\n0\r\n\r\nNEXT",
	"a negative size":              seenPost + inChunks + "\r\n-2\r\n{}\r\n0\r\n\r\nNEXT",
	"chunks that do not end":       seenPost + inChunks + "\r\n2\r\n{}\r\n",
	"a length with a sign":         seenPost + "Content-Length: +2\r\n\r\n{}NEXT",
	"a length as a list":           seenPost + "Content-Length: 2, 2\r\n\r\n{}NEXT",
	"two equal lengths":            seenPost + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"two lengths":                  seenPost + "Content-Length: 2\r\nContent-Length: 0\r\n\r\n{}NEXT",
	"a length in hex":              seenPost + "Content-Length: 0x2\r\n\r\n{}NEXT",
	"a length that is hop-by-hop":  seenPost + "Connection: Content-Length\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"a coding that is hop-by-hop":  seenPost + "Connection: Transfer-Encoding\r\n" + inChunks + "\r\n2\r\n{}\r\n0\r\n\r\nNEXT",
	"a GET with a body":            "GET /api/seen?id=ID HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"Expect":                       seenPost + "Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"Expect and chunks":            seenPost + "Expect: 100-continue\r\n" + inChunks + "\r\n2\r\n{}\r\n0\r\n\r\nNEXT",
	"Expect without a body":        seenPost + "Expect: 100-continue\r\nContent-Length: 0\r\n\r\nNEXT",
	"Expect twice":                 seenPost + "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"another expectation":          seenPost + "Expect: 100-continued\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"HTTP/1.0":                     "POST /api/seen?id=ID HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"HTTP/1.0 with chunks":         "POST /api/seen?id=ID HTTP/1.0\r\nHost: localhost\r\nContent-Type: application/json\r\n" + inChunks + "\r\n2\r\n{}\r\n0\r\n\r\nNEXT",
	"HTTP/1.0 that is kept":        "GET /api/seen?id=ID HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\nNEXT",
	"HTTP/0.9":                     "GET /api/seen?id=ID\r\n\r\nNEXT",
	"two Hosts":                    seenPost + "Host: example.com\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"a whole URL":                  "GET http://localhost/api/seen?id=ID HTTP/1.1\r\nHost: localhost\r\n\r\nNEXT",
	"an empty line before":         "\r\nGET /api/seen?id=ID HTTP/1.1\r\nHost: localhost\r\n\r\n\r\nNEXT",
	"an empty line in the headers": seenPost + "\r\nContent-Length: 2\r\n\r\n{}NEXT",
	"a body that looks like one":   seenPost + "Content-Length: LENGTH\r\n\r\nNEXTNEXT",
}

const (
	seenPost = "POST /api/seen?id=ID HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
	inChunks = "Transfer-Encoding: chunked\r\n"
	seenNext = "GET /api/seen?id=ID-next HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
)

// A proxy and the server see the same requests in the same bytes: each request that the app runs is answered to the client that
// has sent it, and the other clients, whose requests share the connections of the proxy, read their own answers. Both engines
// run the same requests.
func TestProxiesAndTheServerSeeTheSameRequests(t *testing.T) {
	t.Parallel()
	for name, proxy := range proxies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var answers [2]map[string][]string
			for i, fast := range []bool{true, false} {
				app := seen{runs: map[string]int{}}
				target := newTarget(t, func(cfg *server.Config) {
					cfg.CommonWeb.FastPath, cfg.CommonWeb.ReadTimeout = &fast, time.Second // haproxy passes on a body that never ends
				}, app.action())
				answers[i] = smuggle(t, &app, startProxy(t, proxy.program, proxy.text, target.Web.Addr().String()))
			}
			for name, got := range answers[0] {
				if want := answers[1][name]; !slices.Equal(got, want) {
					t.Errorf("%s: the client reads %q with the fast path, and %q with net/http", name, got, want)
				}
			}
		})
	}
}

// smuggle sends all requests at the same time through the proxy at address, next to ordinary ones, and returns the answers.
func smuggle(t *testing.T, app *seen, address string) map[string][]string {
	t.Helper()
	var mu sync.Mutex
	var clients sync.WaitGroup
	all := map[string][]string{}
	ordinary := func(i int) {
		for n := range 25 {
			id := fmt.Sprintf("other-%d-%d", i, n)
			if got := talk(t, address, strings.ReplaceAll(seenNext, "ID-next", id)); !slices.Equal(got, []string{"200 " + id}) || app.count(id) != 1 {
				t.Errorf("%s: an ordinary client reads %q, and its action ran %d times", id, got, app.count(id))
			}
		}
	}
	for i := range 4 {
		clients.Go(func() { ordinary(i) })
	}
	number := 0
	for name, text := range smuggling {
		number++
		id := fmt.Sprintf("attack-%d", number)
		text = strings.NewReplacer("LENGTH", fmt.Sprint(len(strings.ReplaceAll(seenNext, "ID", id))), "NEXT", strings.ReplaceAll(seenNext, "ID", id), "ID", id).Replace(text)
		clients.Go(func() {
			got := talk(t, address, text)
			for _, id := range []string{id, id + "-next"} {
				answered := 0
				for _, answer := range got {
					if answer == "200 "+id {
						answered++
					}
				}
				if ran := app.count(id); ran != answered {
					t.Errorf("%s: the app ran %s %d times, and the client reads %q", name, id, ran, got)
				}
			}
			for i := range got {
				got[i] = strings.ReplaceAll(got[i], id, "ID")
			}
			mu.Lock()
			defer mu.Unlock()
			all[name] = got
		})
	}
	clients.Wait()
	ordinary(4) // a request that is left on a connection of the proxy would come before these
	return all
}
