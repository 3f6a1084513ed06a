package web_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// With an end for pages, each HTML page has that end. Its length, ranges, ETag and conditional requests are those of the
// bytes that the client receives. Other files, and pages whose characters are not single bytes, are sent as they are.
func TestPagesGetAnEnd(t *testing.T) {
	t.Parallel()
	s := testkit.New(t, testkit.Options{TLS: true})
	const end = "<script src=\"/x.js\"></script>\n"
	s.Web.EndPages(func() string { return end })
	s.Start()
	const page = "<!doctype html><p>page</p>"
	s.Put(t, "index.html", page)
	s.Put(t, "style.css", page)
	s.Put(t, "wide.html", "\xff\xfe<\x00p\x00>\x00")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		whole := c.Ask("GET", "/public/", "")
		tag := whole.Header.Get("Etag")
		if whole.StatusCode != http.StatusOK || whole.Text != page+end || whole.Header.Get("Content-Length") != strconv.Itoa(len(page+end)) || tag == "" || whole.Header.Get("Last-Modified") != "" {
			t.Errorf("the page is %d %v %s", whole.StatusCode, whole.Header, whole.Text)
		}
		if head := c.Ask("HEAD", "/public/index.html", ""); head.Text != "" || head.Header.Get("Content-Length") != strconv.Itoa(len(page+end)) || head.Header.Get("Etag") != tag {
			t.Errorf("HEAD answers %v", head.Header)
		}
		if part := c.Ask("GET", "/public/", "", "Range: bytes=-9", "If-Range: "+tag); part.StatusCode != http.StatusPartialContent || part.Text != end[len(end)-9:] {
			t.Errorf("the last bytes are %d %q", part.StatusCode, part.Text)
		}
		if same := c.Ask("GET", "/public/", "", "If-None-Match: "+tag); same.StatusCode != http.StatusNotModified {
			t.Errorf("the same page is %d", same.StatusCode)
		}
		for name, want := range map[string]string{"style.css": page, "wide.html": "\xff\xfe<\x00p\x00>\x00"} {
			if got := c.Ask("GET", "/public/"+name, ""); got.Text != want || got.Header.Get("Last-Modified") == "" {
				t.Errorf("%s is %q %v", name, got.Text, got.Header)
			}
		}
	})
}

// A page that has changed has another ETag, and so has the same page with another end.
func TestTheETagOfAPageFollowsItsEnd(t *testing.T) {
	t.Parallel()
	s := testkit.New(t, testkit.Options{})
	end := "one"
	s.Web.EndPages(func() string { return end })
	s.Start()
	s.Put(t, "index.html", "<p>page</p>")
	c := s.HTTP(t)
	first := c.Ask("GET", "/public/", "").Header.Get("Etag")
	end = "two"
	second := c.Ask("GET", "/public/", "", "If-None-Match: "+first)
	if second.StatusCode != http.StatusOK || second.Header.Get("Etag") == first || !strings.HasSuffix(second.Text, "two") {
		t.Errorf("the page is %d %v %s", second.StatusCode, second.Header, second.Text)
	}
}
