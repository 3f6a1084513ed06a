package web_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// faulty is a body of the app that fails where its name says.
type faulty struct {
	io.ReadSeeker
	at string
}

func (f faulty) Read(p []byte) (int, error) {
	switch {
	case f.at == "read":
		panic("read")
	case f.at == "readError":
		return 0, errors.New("readError")
	case f.at == "readLate":
		if at, _ := f.ReadSeeker.Seek(0, io.SeekCurrent); at > 0 {
			panic("readLate")
		}
		return f.ReadSeeker.Read(p[:min(len(p), 10)])
	}
	return f.ReadSeeker.Read(p)
}

func (f faulty) Seek(offset int64, whence int) (int64, error) {
	if f.at == "seek" {
		panic("seek")
	}
	return f.ReadSeeker.Seek(offset, whence)
}

func (f faulty) Close() error {
	if f.at == "close" {
		panic("close")
	}
	return nil
}

// contents is the action "content", whose answer depends on the input.
func contents() actionhero.Part {
	type input struct {
		At     string `json:"at"`
		Stream bool   `json:"stream"`
		Size   int64  `json:"size"`
	}
	return actionhero.Action[input, *actionhero.Content]{
		Name: "content",
		Run: func(_ context.Context, in input) (*actionhero.Content, error) {
			if in.At == "nil" {
				return &actionhero.Content{Name: "a.txt"}, nil
			}
			body := faulty{strings.NewReader(strings.Repeat("text ", 20)), in.At}
			content := &actionhero.Content{Name: "a.txt", Body: body, Size: in.Size, ModTime: time.Unix(1e9, 0)}
			if in.Stream {
				content.Body = struct{ io.ReadCloser }{body}
			}
			return content, nil
		},
	}
}

// Code of the app that runs while its Content is sent may fail: the client gets an error or an incomplete response, the
// log says why, and the connection and the server live on.
func TestContentThatFails(t *testing.T) {
	t.Parallel()
	s := start(t, nil, contents())
	const whole = "text text text "
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range []struct {
			query string
			want  string // the body, "error" for an internal error, "cut" for an incomplete response
		}{
			{"at=none", whole}, {"at=none&stream=true", whole}, {"at=none&stream=true&size=-1", whole}, {"at=none&stream=true&size=100", whole},
			{"at=none&size=7", whole}, {"at=nil", "error"}, {"at=seek", "error"}, {"at=close", whole},
			{"at=read", "cut"}, {"at=readError", "cut"}, {"at=readLate", "cut"}, {"at=close&stream=true", whole},
			{"at=read&stream=true", "error"}, {"at=readError&stream=true", "error"}, {"at=readLate&stream=true", "cut"},
			{"at=none&stream=true&size=101", "cut"}, {"at=none&stream=true&size=15", whole},
		} {
			got, err := c.Try(t.Context(), "GET", "/api/content?"+test.query, http.NoBody)
			switch test.want {
			case "cut":
				if err == nil {
					t.Errorf("%s is answered in full: %d %q", test.query, got.StatusCode, got.Text)
				}
			case "error":
				if err != nil {
					t.Fatalf("%s: %v", test.query, err)
				}
				got.Want(t, 500, `"error":"The server experienced an internal error"`)
			default:
				if err != nil || got.StatusCode != 200 || !strings.HasPrefix(got.Text, whole) {
					t.Errorf("%s: %d %q, %v", test.query, got.StatusCode, got.Text, err)
				}
			}
			if head, err := c.Try(t.Context(), "HEAD", "/api/content?at=none&stream=true", http.NoBody); err != nil || head.StatusCode != 200 {
				t.Errorf("after %s: HEAD is answered with %v", test.query, err)
			}
		}
		for _, why := range []string{"panic: seek", "panic: close", "panic: read\n", "readError", "panic: readLate", "Size is 101", "Size is 15"} {
			s.Log.Await(t, 1, "error", why)
		}
	})
}

// A browser that asks for a folder is sent to the URL with a slash, and from the root to the index page. Other clients
// get the index page or the error of the original.
func TestFoldersForBrowsers(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.Put(t, "a dir/index.html", "the index")
	s.Put(t, "empty/x", "x")
	const browser = "Accept: text/html,application/xhtml+xml,*/*;q=0.8"
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, prefix := range []string{"/public/", "/file/"} {
			c.Ask("GET", prefix+"a%20dir", "", "Accept: */*").Want(t, 200, "the index")
			c.Ask("GET", prefix+"a%20dir", "", "Accept: text/html;q=0").Want(t, 200, "the index")
			c.Ask("GET", prefix+"a%20dir/", "", browser).Want(t, 200, "the index")
		}
		got := c.Ask("GET", "/public/a%20dir?b=c&d", "", browser)
		got.Want(t, 301, "")
		got.WantHeader(t, "Location: ./a%20dir/?b=c&d")
		c.Ask("GET", "/public", "", browser).Want(t, 404, "Put an index.html into it")
		c.Ask("GET", "/public", "").Want(t, 404, "no index page for this folder :(")
		c.Ask("GET", "/public/empty/", "", browser).Want(t, 404, "no index page for this folder :(")
		c.Ask("GET", "/", "", browser).Want(t, 404, "{no action} is not a known action.")
	})
	other := start(t, nil)
	other.Put(t, "index.html", "the start page")
	everywhere(t, other, func(t *testing.T, c *testkit.HTTPClient) {
		got := c.Ask("GET", "/", "", browser)
		got.Want(t, 302, "")
		got.WantHeader(t, "Location: ./public/")
		c.Ask("GET", "/public/", "", browser).Want(t, 200, "the start page")
		c.Ask("GET", "/file/", "").Want(t, 200, "the start page")
		c.Ask("GET", "/file/?fileName=index.html", "").Want(t, 200, "the start page")
		c.Ask("GET", "/", "").Want(t, 404, "{no action} is not a known action.")
		c.Ask("GET", "/?action=randomNumber", "", browser).Want(t, 200, `"error":"OK"`)
	})
}

// The media types of files are the same on all machines.
func TestMediaTypes(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	c := s.HTTP(t)
	for name, want := range map[string]string{
		"a.webm": "video/webm", "a.woff2": "font/woff2", "a.TTF": "font/ttf", "a.wasm": "application/wasm", "a.mjs": "text/javascript; charset=utf-8",
		"a.avif": "image/avif", "a.json": "application/json", "a.map": "application/json", "a.webmanifest": "application/manifest+json",
		"a.unknown-type": "application/octet-stream", "noextension": "application/octet-stream",
	} {
		s.Put(t, name, "x")
		c.Ask("GET", "/public/"+name, "").WantHeader(t, "Content-Type: "+want)
	}
}

// Names that begin with a dot are not served, except those of the configuration. A link within the folder is followed even
// if its target is absolute.
func TestDotNamesAndLinks(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	for _, name := range []string{".env", ".git/config", "sub/.htpasswd", ".hidden/index.html", ".well-known/security.txt", "sub/a.txt"} {
		s.Put(t, name, "the file")
	}
	outside := filepath.Join(t.TempDir(), "secret.txt")
	testkit.WriteFile(t, outside, "secret")
	for link, to := range map[string]string{"inside": "sub/a.txt", "folder": "sub", "git": ".git/config"} {
		if err := os.Symlink(filepath.Join(s.Public, to), filepath.Join(s.Public, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(outside, filepath.Join(s.Public, "outside")); err != nil {
		t.Fatal(err)
	}
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, name := range []string{".env", ".git/config", "sub/.htpasswd", ".hidden/", ".hidden", ".git", "%2eenv", "outside", "git"} {
			c.Ask("GET", "/public/"+name, "", "Accept: text/html").Want(t, 404, "Sorry")
		}
		for _, name := range []string{".env", "outside", ".git/config"} {
			c.Ask("GET", "/api/file?fileName="+name, "").Want(t, 404, "Sorry")
		}
		for _, name := range []string{".well-known/security.txt", "inside", "folder/a.txt"} {
			c.Ask("GET", "/public/"+name, "").Want(t, 200, "the file")
		}
	})
}

// TLS 1.2 has forward secrecy and authenticated encryption only, and browsers stay with HTTPS if the setting says so.
func TestTLSPolicy(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.HTTPSServer.HSTS = 24 * time.Hour })
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		cfg := s.ClientTLS.Clone()
		cfg.MaxVersion, cfg.CipherSuites = tls.VersionTLS12, []uint16{suite.ID}
		nc, err := tls.Dial("tcp", s.Web.TLSAddr().String(), cfg)
		if err == nil {
			_ = nc.Close()
		}
		if weak := strings.Contains(suite.Name, "CBC") || strings.Contains(suite.Name, "RC4") || strings.HasPrefix(suite.Name, "TLS_RSA"); weak && err == nil {
			t.Errorf("%s is offered", suite.Name)
		}
	}
	for _, c := range []*testkit.HTTPClient{s.HTTPS(t, false), s.HTTPS(t, true)} {
		c.Ask("GET", "/public/none", "").WantHeader(t, "Strict-Transport-Security: max-age=86400")
	}
	s.HTTP(t).Ask("GET", "/public/none", "").WantHeader(t, "Strict-Transport-Security")
}
