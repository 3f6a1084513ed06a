package web_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

const tenBytes = "0123456789"

// A client can request ranges of a file.
func TestRanges(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.Put(t, "ten.bin", tenBytes)
	s.Put(t, "empty.bin", "")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		whole := c.Ask("GET", "/public/ten.bin", "")
		tag, modified := whole.Header.Get("Etag"), whole.Header.Get("Last-Modified")
		for _, test := range []struct {
			headers     string // separated by "|"
			status      int
			text, parts string
		}{
			{"Range: bytes=0-", 206, tenBytes, "bytes 0-9/10"},
			{"Range: bytes=3-5", 206, "345", "bytes 3-5/10"},
			{"Range: bytes=8-99", 206, "89", "bytes 8-9/10"},
			{"Range: bytes=-3", 206, "789", "bytes 7-9/10"},
			{"Range: bytes=-99", 206, tenBytes, "bytes 0-9/10"},
			{"Range: bytes=10-", 416, "", "bytes */10"},
			{"Range: bytes=10-12,20-", 416, "", "bytes */10"},
			{"Range: bytes=-0", 416, "", "bytes */10"},
			{"Range: bytes=-0,10-", 416, "", "bytes */10"},
			{"Range: bytes=-0,3-4", 206, "34", "bytes 3-4/10"},
			{"Range: BYTES=0-0", 206, "0", "bytes 0-0/10"},
			{"Range: bytes = 0-0", 206, "0", "bytes 0-0/10"},
			{"Range: bytes=0-0,", 206, "0", "bytes 0-0/10"},
			{"Range: items=0-1", 200, tenBytes, ""},
			{"Range: bytes", 200, tenBytes, ""},
			{"Range: bytes=5-3", 416, "", ""},
			{"Range: bytes=x", 416, "", ""},
			{"Range: lines=1-2", 200, tenBytes, ""},
			{"Range: bytes=2-3|If-Range: " + tag, 206, "23", "bytes 2-3/10"},
			{`Range: bytes=2-3|If-Range: "other"`, 200, tenBytes, ""},
			{"Range: bytes=2-3|If-Range: " + modified, 206, "23", "bytes 2-3/10"},
			{"Range: bytes=2-3|If-Range: Mon, 02 Jan 2006 15:04:05 GMT", 200, tenBytes, ""},
			{"Range: bytes=2-3|If-None-Match: " + tag, 304, "", ""},
			{`Range: bytes=2-3|If-Match: "other"`, 412, "", ""},
			{"Range: bytes=" + strings.Repeat("0-9,", 1000), 200, tenBytes, ""},
			{"Range: bytes=" + strings.Repeat("0-0,", 17), 200, tenBytes, ""},
		} {
			got := c.Ask("GET", "/public/ten.bin", "", strings.Split(test.headers, "|")...)
			if got.StatusCode != test.status || test.status < 400 && got.Text != test.text || got.Header.Get("Content-Range") != test.parts {
				t.Errorf("%.80s: %d %q %q", test.headers, got.StatusCode, got.Header.Get("Content-Range"), got.Text)
			}
			if head := got.Header; got.StatusCode == 416 && (head.Get("Expires") != "" || head.Get("Cache-Control") != "") {
				t.Errorf("%.80s: caches keep the refusal: %v", test.headers, head)
			} else if got.StatusCode == 206 && head.Get("Expires") == "" {
				t.Errorf("%.80s: the part has no Expires, but the whole file has", test.headers)
			}
			head := c.Ask("HEAD", "/public/ten.bin", "", strings.Split(test.headers, "|")...)
			want := test.status // only GET has ranges
			if want == 206 || want == 416 {
				want = 200
			}
			if head.StatusCode != want || head.Text != "" || want == 200 && head.ContentLength != 10 {
				t.Errorf("%.80s: HEAD is answered with %d, %d bytes %q", test.headers, head.StatusCode, head.ContentLength, head.Text)
			}
		}
		got := c.Ask("GET", "/public/ten.bin", "", "Range: bytes=0-1,8-9")
		if got.StatusCode != 206 || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/byteranges; boundary=") ||
			!strings.Contains(got.Text, "Content-Range: bytes 0-1/10\r\n") || !strings.Contains(got.Text, "\r\n\r\n89\r\n--") {
			t.Errorf("two parts are answered with %d %v %q", got.StatusCode, got.Header, got.Text)
		}
		if got := c.Ask("GET", "/public/empty.bin", "", "Range: bytes=0-"); got.StatusCode != 200 || got.Text != "" {
			t.Errorf("a part of nothing is answered with %d %q", got.StatusCode, got.Text)
		}
	})
}

// Conditional requests: a file is sent again only if it has changed on disk.
func TestConditions(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	before := time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)
	put := func(text string, modified time.Time) {
		s.Put(t, "a.html", text)
		if err := os.Chtimes(filepath.Join(s.Public, "a.html"), modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	put("first", before)
	c := s.HTTP(t)
	got := c.Ask("GET", "/public/a.html", "")
	got.WantHeader(t, "Last-Modified: Wed, 06 May 2020 07:08:09 GMT", "Content-Type: text/html; charset=utf-8", "Content-Length: 5", "Accept-Ranges: bytes")
	tag := got.Header.Get("Etag")
	for condition, status := range map[string]int{
		"If-None-Match: " + tag: 304, "If-None-Match: W/" + tag: 304, `If-None-Match: "a", ` + tag: 304, "If-None-Match: *": 304, `If-None-Match: "a"`: 200,
		"If-None-Match: garbage": 200, "If-Match: " + tag: 200, `If-Match: "a"`: 412,
		"If-Modified-Since: Wed, 06 May 2020 07:08:09 GMT": 304, "If-Modified-Since: Wed, 06 May 2020 07:08:08 GMT": 200, "If-Modified-Since: garbage": 200,
		"If-Unmodified-Since: Wed, 06 May 2020 07:08:08 GMT": 412, "If-Unmodified-Since: Wed, 06 May 2020 07:08:09 GMT": 200,
	} {
		for _, target := range []string{"/public/a.html", "/file/a.html"} {
			got := c.Ask("GET", target, "", condition)
			if got.StatusCode != status || (got.Text != "first") != (status != 200) {
				t.Errorf("%s: %s: %d %q", target, condition, got.StatusCode, got.Text)
			}
			if status == 304 {
				got.WantHeader(t, "Etag: "+tag, "Cache-Control: max-age=60, must-revalidate", "Content-Type", "Content-Length")
			}
		}
	}
	put("later", before.Add(time.Hour)) // as long as before
	got = c.Ask("GET", "/public/a.html", "", "If-None-Match: "+tag)
	got.Want(t, 200, "later")
	if got.Header.Get("Etag") == tag {
		t.Error("another file has the same ETag")
	}
	if err := os.Remove(filepath.Join(s.Public, "a.html")); err != nil {
		t.Fatal(err)
	}
	c.Ask("GET", "/public/a.html", "", "If-None-Match: *").Want(t, 404, "Sorry, that file is not found :(")
}

// The time that clients may cache a file is a setting.
func TestCacheDuration(t *testing.T) {
	t.Parallel()
	for seconds, control := range map[int]string{0: "max-age=60, must-revalidate", 3600: "max-age=3600, must-revalidate", -1: "no-store"} {
		t.Run(fmt.Sprint(seconds), func(t *testing.T) {
			t.Parallel()
			s := start(t, func(cfg *server.Config) { cfg.CommonWeb.FlatFileCacheDuration = seconds })
			s.Put(t, "a.txt", "a")
			got := s.HTTP(t).Ask("GET", "/public/a.txt", "")
			got.WantHeader(t, "Cache-Control: "+control)
			if seconds < 0 {
				got.WantHeader(t, "Expires")
				return
			}
			expires, err := http.ParseTime(got.Header.Get("Expires"))
			date, dateErr := http.ParseTime(got.Header.Get("Date"))
			want := time.Duration(max(seconds, 60)*1000) * time.Millisecond
			if age := expires.Sub(date); err != nil || dateErr != nil || age < want-2*time.Second || age > want+2*time.Second {
				t.Errorf("it expires %v after %s, want %v", age, got.Header.Get("Date"), want)
			}
			s.HTTP(t).Ask("GET", "/public/none", "").WantHeader(t, "Cache-Control", "Expires")
		})
	}
}

// HEAD has the headers of GET. Other methods are refused with the allowed ones.
func TestFileMethods(t *testing.T) {
	t.Parallel()
	s := start(t, func(cfg *server.Config) {
		cfg.General.FlatFileNotFoundMessage, cfg.General.FlatFileIndexPageNotFoundMessage = "<b>gone</b>", "<b>no index</b>"
	})
	s.Put(t, "a.txt", strings.Repeat("a", 100_000))
	s.Put(t, "empty/x", "")
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for _, target := range []string{"/public/a.txt", "/public/none", "/public/empty", "/public/empty/", "/file/a.txt", "/file/none"} {
			get, head := c.Ask("GET", target, ""), c.Ask("HEAD", target, "")
			if head.StatusCode != get.StatusCode || head.Text != "" {
				t.Errorf("HEAD %s is answered with %d %q, GET with %d", target, head.StatusCode, head.Text, get.StatusCode)
			}
			for _, name := range []string{"Content-Type", "Content-Length", "Etag", "Last-Modified", "Cache-Control", "Accept-Ranges", "X-Powered-By"} {
				head.WantHeader(t, strings.TrimSuffix(name+": "+get.Header.Get(name), ": "))
			}
		}
		c.Ask("GET", "/public/none", "").Want(t, 404, "<b>gone</b>")
		c.Ask("GET", "/public/empty/", "").Want(t, 404, "<b>no index</b>")
		c.Ask("GET", "/public/a.txt/", "").Want(t, 404, "<b>gone</b>")
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			for _, body := range []string{"", strings.Repeat("x", 100_000)} {
				got := c.Ask(method, "/public/a.txt", body, "Range: bytes=0-0")
				got.Want(t, 405, `"error":"this path answers to GET, HEAD, OPTIONS only"`)
				if allow := strings.Join(got.Header.Values("Allow"), ", "); allow != "GET, HEAD, OPTIONS" {
					t.Errorf("%s: Allow is %q", method, allow)
				}
			}
		}
	})
}

// The content type depends on the extension, in upper or lower case.
func TestTypes(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	c := s.HTTP(t)
	for name, want := range map[string]string{
		"a.js": "text/javascript; charset=utf-8", "a.CSS": "text/css; charset=utf-8", "a.json": "application/json", "a.svg": "image/svg+xml",
		"a.wasm": "application/wasm", "a.woff2": "font/woff2", "a.pdf": "application/pdf", "a.tar.none": "application/octet-stream", "a": "application/octet-stream",
		"<script>.txt": "text/plain; charset=utf-8", "ä ö.html": "text/html; charset=utf-8",
	} {
		s.Put(t, name, "<html>")
		got := c.Ask("GET", "/public/"+strings.ReplaceAll(strings.ReplaceAll(name, " ", "%20"), "<", "%3c"), "")
		got.Want(t, 200, "<html>")
		got.WantHeader(t, "Content-Type: "+want)
	}
}
