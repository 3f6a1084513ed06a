package actionhero_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/web"
)

var block = regexp.MustCompile("(?ms)^```([a-z]+)(?: (\\S+))?\n(.*?)^```$")

// Everything that the README shows is real: code stands in a file of the repository, and each exchange is what the
// server says.
func TestReadme(t *testing.T) {
	t.Parallel()
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	s := actionherotest.NewServer(t, builtin.Stock, web.Original)
	blocks := block.FindAllStringSubmatch(string(readme), -1)
	if len(blocks) < 5 {
		t.Fatalf("only %d blocks were found", len(blocks))
	}
	for _, b := range blocks {
		kind, file, text := b[1], b[2], b[3]
		switch {
		case file == "app": // cmd/actionhero runs it
		case kind == "go":
			source, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("a block of code names no file of its own: %v", err)
			} else if !strings.Contains(string(source), text) {
				t.Errorf("%s does not have what the README shows of it:\n%s", file, text)
			}
		case kind == "console" && strings.HasPrefix(text, "$ nc"):
			readmeTCP(t, s.TCP.Addr(), text)
		case kind == "console":
			readmeHTTP(t, s.Web.Addr(), text)
		case kind == "sh":
			for _, want := range []string{"go run ./cmd/actionhero start", "make test"} {
				if !strings.Contains(text, want) {
					t.Errorf("the first commands lack %q", want)
				}
			}
		case kind == "html": // server/internal/browser runs it in a browser
		default:
			t.Errorf("a block of kind %q is not run by this test:\n%s", kind, text)
		}
	}
}

// matches reports whether a line is what the README shows, in which … stands for anything.
func matches(shown, line string) bool {
	pattern := strings.ReplaceAll(regexp.QuoteMeta(shown), "…", ".+")
	return regexp.MustCompile("^" + pattern + "$").MatchString(line)
}

func readmeTCP(t *testing.T, addr net.Addr, text string) {
	conn, err := net.Dial("tcp", addr.String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	in := bufio.NewReader(conn)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if command, ok := strings.CutPrefix(line, "> "); ok {
			if _, err := io.WriteString(conn, command+"\n"); err != nil {
				t.Fatal(err)
			}
		} else if !strings.HasPrefix(line, "$") {
			got, err := in.ReadString('\n')
			if got = strings.TrimSpace(got); err != nil || !matches(line, got) {
				t.Errorf("the README shows %s\nbut the server says %s (%v)", line, got, err)
			}
		}
	}
}

var curl = regexp.MustCompile(`^\$ curl ((?:-d \S+ )*)'?localhost:8080([^']+)'?$`)

func readmeHTTP(t *testing.T, addr net.Addr, text string) {
	defer http.DefaultClient.CloseIdleConnections()
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		m := curl.FindStringSubmatch(lines[i])
		if m == nil {
			t.Errorf("this test cannot run %q", lines[i])
			continue
		}
		target := fmt.Sprintf("http://%s%s", addr, m[2])
		resp, err := http.Get(target)
		if form := strings.ReplaceAll(strings.TrimSpace(strings.ReplaceAll(m[1], "-d ", "")), " ", "&"); form != "" {
			_ = resp.Body.Close()
			values, _ := url.ParseQuery(form)
			resp, err = http.PostForm(target, values)
		}
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || !matches(lines[i+1], string(body)) {
			t.Errorf("%s: the README shows %s\nbut the server says %s (%v)", lines[i], lines[i+1], body, err)
		}
	}
}
