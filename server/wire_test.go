package server_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/config"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

var update = flag.Bool("update", false, "write what the server says now into the transcripts of testdata/wire")

// The transcripts are the bytes that clients see. Each file is a txtar archive: config.json if the server needs
// one, files below public/, and the transcript itself. In it a block is a request and its answer:
//
//	> GET /api/status HTTP/1.1     an HTTP request, its headers and body after it, as lines that begin with ">"
//	< 200 OK                       the answer: status, headers that say something, and the body
//
//	a> roomView                    what the TCP client a sends
//	a< {"context":…}               what it reads; -a- means that the server closed the connection
//	w> {"event":"roomView"}        what the plain WebSocket client w or x sends, as one frame; "binary " before it makes it binary
//	s> 42["roomView"]              what the Socket.IO client s or t sends, as one packet over WebSocket
//
// Values that differ between runs are replaced by <ms>, <float>, <id1> and so on.
func TestWire(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			script := &archive.Files[len(archive.Files)-1]
			got := replayed(t, archive, true, false)
			if *update {
				script.Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(script.Data), got); diff != "" {
				t.Errorf("the server does not say what %s has (-want +got):\n%s", file, diff)
			}
		})
	}
}

// Clients see the same bytes over HTTPS, and if the setting commonWeb.fastPath is off, whatever a transcript has.
func TestWireWithoutTheFastPathAndOverTLS(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/wire/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		want := string(archive.Files[len(archive.Files)-1].Data)
		if !overHTTP.MatchString(want) {
			continue
		}
		for name, variant := range map[string]struct{ fast, secure bool }{"off": {false, false}, "TLS": {true, true}, "off, TLS": {false, true}} {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+", "+name, func(t *testing.T) {
				t.Parallel()
				if diff := cmp.Diff(want, replayed(t, archive, variant.fast, variant.secure)); diff != "" {
					t.Errorf("the server does not say what %s has (-want +got):\n%s", file, diff)
				}
			})
		}
	}
}

// overHTTP finds the transcripts of HTTP, WebSocket and Socket.IO.
var overHTTP = regexp.MustCompile(`(?m)^[wxst]?> `)

// replayed returns the transcript of an archive as the server says it now. If secure is true, all clients of HTTP,
// WebSocket and Socket.IO use TLS.
func replayed(t *testing.T, archive *txtar.Archive, fast, secure bool) string {
	r := &replay{t: t, clients: map[string]*client{}, ids: map[string]string{}, secure: secure}
	r.server = startFor(t, archive, fast, secure)
	return r.run(string(archive.Files[len(archive.Files)-1].Data))
}

// startFor starts the server that a transcript needs.
func startFor(t *testing.T, archive *txtar.Archive, fast, secure bool) *testkit.Server {
	dir := t.TempDir()
	for _, f := range archive.Files {
		testkit.WriteFile(t, filepath.Join(dir, f.Name), string(f.Data))
	}
	return testkit.Start(t, testkit.Options{Parts: wireActions(), TLS: secure, Change: func(cfg *server.Config) {
		cfg.General.AnnounceLimit = 0 // the default
		cfg.CommonWeb.FastPath = &fast
		if _, err := config.Load(cfg, config.Options{Dir: dir, Prefix: server.EnvPrefix}); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(dir, "public")); err == nil {
			cfg.General.FlatFileDirectory = filepath.Join(dir, "public")
			if err := os.Symlink("/etc/passwd", filepath.Join(dir, "public", "outside")); err != nil {
				t.Fatal(err)
			}
		}
	}})
}

type wireInput struct {
	Name   string   `json:"name" required:"true"`
	Age    int      `json:"age" minimum:"18" default:"18"`
	Color  string   `json:"color" enum:"red,green"`
	Tags   []string `json:"tags" maxItems:"2"`
	Secret string   `json:"password" secret:"true"`
}

type wireOutput struct {
	Name string   `json:"name"`
	Age  int      `json:"age"`
	Tags []string `json:"tags,omitempty"`
}

func wirePerson(_ context.Context, in wireInput) (wireOutput, error) {
	return wireOutput{in.Name, in.Age, in.Tags}, nil
}

// wireActions returns the actions of the transcripts that are not built in.
func wireActions() actionhero.Parts {
	waiting := make(chan struct{}) // where one wait meets the next
	return actionhero.Parts{
		actionhero.Action[wireInput, wireOutput]{
			Name: "person", Description: "Answers what it was given", Run: wirePerson,
		},
		actionhero.Action[wireInput, wireOutput]{
			Name: "addPerson", Description: "Answers what it was given", Route: "POST /people/{name}", Run: wirePerson,
		},
		actionhero.Action[struct {
			Code string `json:"code"`
		}, actionhero.None]{
			Name: "fail", Description: "Fails in the way it is told",
			Run: func(_ context.Context, in struct {
				Code string `json:"code"`
			}) (n actionhero.None, err error) {
				for c := actionhero.CodeInternal; c <= actionhero.CodeUnavailable; c++ {
					if c.String() == in.Code {
						return n, actionhero.Errorf(c, "it is %s", c)
					}
				}
				if in.Code == "panic" {
					panic("as told")
				}
				return n, errors.New("a secret of the server")
			},
		},
		actionhero.Action[actionhero.None, actionhero.None]{
			Name: "nothing", Description: "Answers nothing", Kind: actionhero.KindRead,
			Run: func(context.Context, actionhero.None) (n actionhero.None, err error) { return n, nil },
		},
		actionhero.Action[struct {
			File *actionhero.File `json:"upload" required:"true"`
		}, map[string]any]{
			Name: "upload", Description: "Describes a file",
			Run: func(_ context.Context, in struct {
				File *actionhero.File `json:"upload" required:"true"`
			}) (map[string]any, error) {
				text, err := io.ReadAll(in.File)
				return map[string]any{"size": in.File.Size, "text": string(text)}, err
			},
		},
		actionhero.Action[actionhero.None, actionhero.None]{
			Name: "wait", Description: "Waits until the next request has been answered",
			Run: func(ctx context.Context, n actionhero.None) (actionhero.None, error) {
				select {
				case <-waiting:
				case waiting <- struct{}{}:
				case <-ctx.Done():
				}
				return n, ctx.Err()
			},
		},
	}
}

// replay runs one transcript.
type replay struct {
	t       *testing.T
	server  *testkit.Server
	clients map[string]*client
	ids     map[string]string
	secure  bool
}

// client is one client of a transcript.
type client struct {
	conn net.Conn
	in   *bufio.Reader
}

var tcpLine = regexp.MustCompile(`^([a-z])([<>]) ?(.*)$`)

// run sends what a transcript sends and returns it with what the server says now.
func (r *replay) run(script string) string {
	var out strings.Builder
	lines := strings.Split(strings.TrimSuffix(script, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		m := tcpLine.FindStringSubmatch(line)
		switch {
		case strings.HasPrefix(line, "> "):
			var request []string
			for ; i < len(lines) && strings.HasPrefix(lines[i], ">"); i++ {
				request = append(request, strings.TrimPrefix(strings.TrimPrefix(lines[i], ">"), " "))
				out.WriteString(lines[i] + "\n")
			}
			for ; i < len(lines) && strings.HasPrefix(lines[i], "<"); i++ {
			}
			i--
			out.WriteString(r.http(request))
			if *update {
				out.WriteString("\n")
				r.readAll("", &out)
				for i+1 < len(lines) && lines[i+1] == "" {
					i++
				}
			}
		case m != nil && m[2] == ">":
			out.WriteString(line + "\n")
			c := r.client(m[1])
			text := strings.NewReplacer(`\xff`, "\xff", `\n`, "").Replace(m[3])
			end := "\r\n"
			if strings.HasSuffix(m[3], `\n`) {
				end = "\n"
			}
			if _, err := io.WriteString(c.conn, text+end); err != nil {
				r.t.Fatal(err)
			}
			if *update {
				r.readAll(m[1], &out)
			}
		case m != nil || len(line) == 3 && line[0] == '-':
			if !*update {
				out.WriteString(r.read(strings.Trim(line, "-")[:1]) + "\n")
			}
		default:
			out.WriteString(line + "\n")
		}
	}
	return out.String()
}

// client returns the client of a name; a new one connects and reads its welcome.
func (r *replay) client(name string) *client {
	c := r.clients[name]
	if c != nil {
		return c
	}
	const welcome = `{"welcome":"Hello! Welcome to the actionHero api","room":"defaultRoom","context":"api"`
	var conn net.Conn
	var want string
	switch name {
	case "w", "x":
		conn, want = lines(r.t, r.socket(testkit.WSPath)), welcome+"}"
	case "s", "t":
		socket := r.socket(testkit.SIOPath)
		socket.Await(`0{"sid":`)
		socket.Send("40")
		socket.Await(`40{"sid":`)
		conn, want = lines(r.t, socket), `42["welcome",`+welcome+"}]"
	default:
		conn, want = connected(r.t, r.server.DialTCP), welcome+`,"messageCount":0}`
	}
	c = &client{conn, bufio.NewReader(conn)}
	r.clients[name] = c
	if got := r.read(name); got != name+"< "+want {
		r.t.Errorf("the welcome is %s", got)
	}
	return c
}

// socket opens a WebSocket to path.
func (r *replay) socket(path string) *testkit.Socket {
	if r.secure {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: r.server.ClientTLS}}
		r.t.Cleanup(client.CloseIdleConnections)
		return testkit.DialSocket(r.t, "wss://"+r.server.Web.TLSAddr().String()+path, &websocket.DialOptions{HTTPClient: client})
	}
	return testkit.DialSocket(r.t, "ws://"+r.server.Web.Addr().String()+path, nil)
}

func connected(t *testing.T, dial func() (net.Conn, error)) net.Conn {
	t.Helper()
	conn, err := dial()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// read reads the next line of a client.
func (r *replay) read(name string) string {
	c := r.clients[name]
	if c == nil {
		r.t.Fatalf("the transcript reads from the client %s before it sends anything", name)
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(testkit.Wait))
	line, err := c.in.ReadString('\n')
	switch {
	case errors.Is(err, io.EOF) && line == "":
		return "-" + name + "-"
	case err != nil:
		return fmt.Sprintf("%s< %s%v", name, line, err)
	case !strings.HasSuffix(line, "\r\n") && strings.HasPrefix(line, "{"):
		r.t.Errorf("an answer does not end with \\r\\n: %q", line)
	}
	return name + "< " + r.normal(strings.TrimRight(line, "\r\n"))
}

// readAll reads what all clients get within 100 ms; only for writing transcripts.
func (r *replay) readAll(first string, out *strings.Builder) {
	others := slices.Sorted(maps.Keys(r.clients))
	others = slices.DeleteFunc(others, func(name string) bool { return name == first })
	for _, name := range append([]string{first}, others...) {
		c := r.clients[name]
		if c == nil {
			continue
		}
		for {
			_ = c.conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
			if _, err := c.in.Peek(1); err != nil {
				if errors.Is(err, io.EOF) && name == first {
					out.WriteString("-" + name + "-\n")
				}
				break
			}
			out.WriteString(r.read(name) + "\n")
		}
	}
}

// shownHeaders are the headers of an answer that transcripts have.
var shownHeaders = []string{
	"Accept-Ranges", "Access-Control-Allow-Origin", "Allow", "Cache-Control", "Connection", "Content-Length", "Content-Range", "Content-Type", "Etag", "Expires",
	"Last-Modified", "Location", "Retry-After", "X-Content-Type-Options", "X-Powered-By", "X-Test",
}

// http sends a request and returns the answer in the form of a transcript.
func (r *replay) http(request []string) string {
	head, body, _ := strings.Cut(strings.Join(request, "\n"), "\n\n")
	head = strings.ReplaceAll(head, "\n", "\r\n")
	if strings.Contains(head, "multipart") {
		body = strings.ReplaceAll(body, "\n", "\r\n")
	}
	if body != "" && !strings.Contains(head, "Content-Length") && !strings.Contains(head, "Transfer-Encoding") {
		head += fmt.Sprintf("\r\nContent-Length: %d", len(body))
	}
	dial := r.server.DialHTTP
	if r.secure {
		dial = r.server.DialHTTPS("http/1.1")
	}
	conn := connected(r.t, dial)
	_ = conn.SetDeadline(time.Now().Add(testkit.Wait))
	if _, err := io.WriteString(conn, head+"\r\nHost: localhost\r\n\r\n"+body); err != nil {
		r.t.Fatal(err)
	}
	method, _, _ := strings.Cut(head, " ")
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return fmt.Sprintf("< %v\n", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		r.t.Errorf("%s: %v", request[0], err)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "< %s\n", resp.Status)
	for _, name := range shownHeaders {
		isJSON := strings.Contains(resp.Header.Get("Content-Type"), "json") || strings.Contains(resp.Header.Get("Content-Type"), "xml") || strings.Contains(resp.Header.Get("Content-Type"), "javascript")
		if value := resp.Header.Values(name); len(value) > 0 && !(name == "Content-Length" && isJSON) {
			fmt.Fprintf(&out, "< %s: %s\n", name, r.normal(strings.Join(value, ", ")))
		}
	}
	if len(text) > 0 {
		out.WriteString("<\n")
		for _, line := range strings.Split(strings.TrimSuffix(string(bytes.ToValidUTF8(text, []byte("?"))), "\n"), "\n") {
			out.WriteString("< " + r.normal(line) + "\n")
		}
	}
	return out.String()
}

// volatile are the values that differ between runs, and their replacements.
var volatile = []struct {
	pattern *regexp.Regexp
	text    string
}{
	{regexp.MustCompile(`("(?:currentTime|requestDuration|createdAt|readAt|connectedAt)":)\d+`), "$1<ms>"},
	{regexp.MustCompile(`("remotePort":)\d+`), "$1<port>"},
	{regexp.MustCompile(`("randomNumber":)[\d.e-]+`), "$1<float>"},
	{regexp.MustCompile(`("uptimeSeconds":)[\d.]+`), "$1<seconds>"},
	{regexp.MustCompile(`("memoryConsumption":)\d+`), "$1<bytes>"},
	{regexp.MustCompile(`(<(?:currentTime|requestDuration)>)\d+`), "$1<ms>"},
	{regexp.MustCompile(`(<randomNumber>)[\d.e-]+`), "$1<float>"},
	{regexp.MustCompile(`("instance":"|<instance>)[0-9a-f]{32}`), "$1<request>"},
	{regexp.MustCompile(`\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT`), "<date>"},
	{regexp.MustCompile(`"[0-9a-f]+-[0-9a-f]+(-z)?"`), `"<etag>"`},
}

var uuid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

func (r *replay) normal(text string) string {
	for _, v := range volatile {
		text = v.pattern.ReplaceAllString(text, v.text)
	}
	return uuid.ReplaceAllStringFunc(text, func(id string) string {
		if r.ids[id] == "" {
			r.ids[id] = fmt.Sprintf("<id%d>", len(r.ids)+1)
		}
		return r.ids[id]
	})
}
