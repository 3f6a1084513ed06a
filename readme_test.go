package actionhero_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/actionherotest"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/internal/testkit/docrun"
	"github.com/actionhero-go/actionhero/web"
)

// Everything that the README shows is real: code stands in a file of the repository, and each exchange is what the
// server says.
func TestReadme(t *testing.T) {
	t.Parallel()
	s := actionherotest.NewServer(t, builtin.Stock, web.Original)
	blocks := docrun.Blocks(t, "README.md")
	if len(blocks) < 5 {
		t.Fatalf("only %d blocks were found", len(blocks))
	}
	for _, b := range blocks {
		kind, file, text := b.Kind, b.Info, b.Text
		switch {
		case strings.HasPrefix(file, "app"): // cmd/actionhero runs it
		case kind == "go":
			source, err := os.ReadFile(file)
			if err != nil {
				t.Errorf("a block of code names no file of its own: %v", err)
			} else if !strings.Contains(string(source), text) {
				t.Errorf("%s does not have what the README shows of it:\n%s", file, text)
			}
		case kind == "console" && strings.HasPrefix(text, "$ nc"):
			docrun.Dial(t, s.TCP.Addr().String()).Follow(t, b)
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
		if err != nil || !docrun.Matches(lines[i+1], string(body)) {
			t.Errorf("%s: the README shows %s\nbut the server says %s (%v)", lines[i], lines[i+1], body, err)
		}
	}
}
