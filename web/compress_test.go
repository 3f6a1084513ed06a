package web_test

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// inflated returns the uncompressed body of a response.
func inflated(t testing.TB, r testkit.Reply) string {
	t.Helper()
	var in io.Reader = strings.NewReader(r.Text)
	var err error
	switch r.Header.Get("Content-Encoding") {
	case "gzip":
		in, err = gzip.NewReader(in)
	case "zstd":
		var d *zstd.Decoder
		if d, err = zstd.NewReader(in); err == nil {
			defer d.Close()
			in = d
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// textAction returns an action whose output is text.
func textAction(name, text string) actionhero.Action[actionhero.None, map[string]string] {
	return actionhero.Action[actionhero.None, map[string]string]{
		Name: name,
		Run: func(context.Context, actionhero.None) (map[string]string, error) {
			return map[string]string{"text": text}, nil
		},
	}
}

var (
	smallText = strings.Repeat("a", 1000)
	largeText = strings.Repeat("all of it ", 10_000)
)

// Large responses and files are compressed if the client accepts it; small ones never are.
func TestCompression(t *testing.T) {
	t.Parallel()
	s := start(t, nil, reads(textAction("large", largeText)), textAction("small", smallText))
	for _, name := range []string{"large.txt", "large.png", "large.unknown"} {
		s.Put(t, name, largeText)
	}
	s.Put(t, "small.txt", smallText)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, test := range []struct{ accept, action, file string }{
			{"", "", ""}, {"identity", "", ""}, {"br", "", ""}, {"gzip;q=0", "", ""}, {"*;q=0", "", ""}, {"gzip;q=0, *", "", ""},
			{"*, gzip;q=0", "", ""}, {"gzip", "gzip", "gzip"}, {"deflate, gzip;q=0.5", "gzip", "gzip"}, {"gzip, deflate, br, zstd", "gzip", "zstd"},
			{"zstd", "", "zstd"}, {"*", "gzip", "gzip"}, {"gzip;q=x", "", ""}, {"zstd;Q=0.1, gzip; q=0.2", "gzip", "gzip"}, {"GZIP", "gzip", "gzip"},
		} {
			for target, encoding := range map[string]string{
				"/api/large": test.action, "/api/small": "", "/public/large.txt": test.file, "/public/small.txt": "", "/public/large.png": "", "/public/large.unknown": "",
			} {
				got := c.Ask("GET", target, "", "Accept-Encoding: "+test.accept)
				text := largeText
				if strings.Contains(target, "small") {
					text = smallText
				}
				if got.StatusCode != 200 || got.Header.Get("Content-Encoding") != encoding || !strings.Contains(inflated(t, got), text) {
					t.Errorf("%s for %q: %d %q %.60q, want %q", target, test.accept, got.StatusCode, got.Header.Values("Content-Encoding"), inflated(t, got), encoding)
				}
				vary := "Vary"
				if target == "/api/large" || target == "/public/large.txt" {
					vary = "Vary: Accept-Encoding"
				}
				got.WantHeader(t, vary)
				if encoding != "" && len(got.Text) > len(text)/10 {
					t.Errorf("%s: %d bytes are compressed to %d", target, len(text), len(got.Text))
				}
			}
		}
		got := c.Ask("GET", "/api/large?callback=f", "", "Accept-Encoding: gzip")
		if text := inflated(t, got); got.Header.Get("Content-Encoding") != "gzip" || !strings.HasPrefix(text, "f({") || !strings.HasSuffix(text, "});") {
			t.Errorf("JSONP is %.60q", text)
		}
	})
}

// Each encoding of a file has an ETag of its own. Ranges of a file are not compressed.
func TestCompressedFiles(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.Put(t, "large.txt", largeText)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		tags := map[string]bool{}
		for _, accept := range []string{"Accept-Encoding: gzip", "Accept-Encoding: zstd", "Accept-Encoding: identity"} {
			got := c.Ask("GET", "/public/large.txt", "", accept)
			tag := got.Header.Get("Etag")
			tags[tag] = true
			for _, match := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
				again := c.Ask("GET", "/public/large.txt", "", accept, "If-None-Match: "+match)
				again.Want(t, 304, "")
				again.WantHeader(t, "Etag: "+tag, "Content-Encoding", "Content-Type", "Cache-Control: max-age=60, must-revalidate")
			}
			c.Ask("GET", "/public/large.txt", "", accept, `If-None-Match: "other"`).Want(t, 200, "")
			failed := c.Ask("GET", "/public/large.txt", "", accept, `If-Match: "other"`)
			if failed.WantHeader(t, "Content-Encoding"); failed.StatusCode != 412 || failed.Text != "" {
				t.Errorf("a condition that fails is answered with %d %q", failed.StatusCode, failed.Text)
			}
			head := c.Ask("HEAD", "/public/large.txt", "", accept)
			head.Want(t, 200, "")
			for _, name := range []string{"Content-Type", "Content-Encoding", "Etag", "Last-Modified", "Cache-Control", "Accept-Ranges", "Vary"} {
				head.WantHeader(t, strings.TrimSuffix(name+": "+got.Header.Get(name), ": "))
			}
			if length := head.ContentLength; length >= 0 && length != int64(len(got.Text)) {
				t.Errorf("HEAD announces %d bytes, not %d", length, len(got.Text))
			}
			part := c.Ask("GET", "/public/large.txt", "", accept, "Range: bytes=4-99999")
			part.WantHeader(t, "Content-Range: bytes 4-99999/100000", "Content-Encoding", "Content-Length: 99996")
			if part.StatusCode != 206 || part.Text != largeText[4:] {
				t.Errorf("a part is answered with %d and %d bytes", part.StatusCode, len(part.Text))
			}
		}
		if len(tags) != 3 {
			t.Errorf("the codings of the file have the ETags %v", tags)
		}
	})
}

func TestNoCompression(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.Compress = new(false) }, reads(textAction("large", largeText)))
	s.Put(t, "large.txt", largeText)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, target := range []string{"/api/large", "/public/large.txt"} {
			got := c.Ask("GET", target, "", "Accept-Encoding: gzip, zstd")
			got.Want(t, 200, largeText)
			got.WantHeader(t, "Content-Encoding", "Vary")
		}
	})
}

// A file that ends too early does not look complete, compressed or not.
func TestTruncatedFile(t *testing.T) {
	t.Parallel()
	s := start(t, nil, actionhero.Action[actionhero.None, *actionhero.Content]{
		Name: "truncated",
		Run: func(context.Context, actionhero.None) (*actionhero.Content, error) {
			text := io.NewSectionReader(strings.NewReader(largeText), 0, int64(len(largeText))+1)
			return &actionhero.Content{Body: text, Name: "a.txt", Size: text.Size(), ModTime: time.Now()}, nil
		},
	})
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, accept := range []string{"identity", "gzip", "zstd"} {
			if got, err := c.Try(t.Context(), "GET", "/api/truncated", http.NoBody, "Accept-Encoding: "+accept); err == nil {
				t.Errorf("as %s it is answered with %d and %d bytes", accept, got.StatusCode, len(got.Text))
			}
		}
	})
}
