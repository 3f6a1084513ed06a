//go:build !hostile

package web_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/web"
)

const tenBytes = "0123456789"

// Parts of a file, as a client asks for them.
func TestRanges(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	f.put(t, "ten.bin", tenBytes)
	f.put(t, "empty.bin", "")
	f.everywhere(t, func(t *testing.T, c *client) {
		whole := c.ask("GET", "/public/ten.bin", "")
		tag, modified := whole.Header.Get("Etag"), whole.Header.Get("Last-Modified")
		for _, test := range []struct {
			headers     string // parted by "|"
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
			{"Range: bytes=5-3", 416, "", ""},
			{"Range: bytes=x", 416, "", ""},
			{"Range: lines=1-2", 416, "", ""},
			{"Range: bytes=2-3|If-Range: " + tag, 206, "23", "bytes 2-3/10"},
			{`Range: bytes=2-3|If-Range: "other"`, 200, tenBytes, ""},
			{"Range: bytes=2-3|If-Range: " + modified, 206, "23", "bytes 2-3/10"},
			{"Range: bytes=2-3|If-Range: Mon, 02 Jan 2006 15:04:05 GMT", 200, tenBytes, ""},
			{"Range: bytes=2-3|If-None-Match: " + tag, 304, "", ""},
			{`Range: bytes=2-3|If-Match: "other"`, 412, "", ""},
			{"Range: bytes=" + strings.Repeat("0-9,", 1000), 200, tenBytes, ""},
		} {
			got := c.ask("GET", "/public/ten.bin", "", strings.Split(test.headers, "|")...)
			if got.StatusCode != test.status || test.status < 400 && got.text != test.text || got.Header.Get("Content-Range") != test.parts {
				t.Errorf("%.80s: %d %q %q", test.headers, got.StatusCode, got.Header.Get("Content-Range"), got.text)
			}
			head := c.ask("HEAD", "/public/ten.bin", "", strings.Split(test.headers, "|")...)
			if head.StatusCode != test.status || head.text != "" || test.status < 300 && head.ContentLength != got.ContentLength {
				t.Errorf("%.80s: HEAD is answered with %d, %d bytes %q", test.headers, head.StatusCode, head.ContentLength, head.text)
			}
		}
		got := c.ask("GET", "/public/ten.bin", "", "Range: bytes=0-1,8-9")
		if got.StatusCode != 206 || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/byteranges; boundary=") ||
			!strings.Contains(got.text, "Content-Range: bytes 0-1/10\r\n") || !strings.Contains(got.text, "\r\n\r\n89\r\n--") {
			t.Errorf("two parts are answered with %d %v %q", got.StatusCode, got.Header, got.text)
		}
		if got := c.ask("GET", "/public/empty.bin", "", "Range: bytes=0-"); got.StatusCode != 200 || got.text != "" {
			t.Errorf("a part of nothing is answered with %d %q", got.StatusCode, got.text)
		}
	})
}

// A file is sent again only to who does not have it, and as it is on the disk at each request.
func TestConditions(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	before := time.Date(2020, 5, 6, 7, 8, 9, 0, time.UTC)
	put := func(text string, modified time.Time) {
		f.put(t, "a.html", text)
		if err := os.Chtimes(filepath.Join(f.public, "a.html"), modified, modified); err != nil {
			t.Fatal(err)
		}
	}
	put("first", before)
	c := f.plain(t)
	got := c.ask("GET", "/public/a.html", "")
	got.wantHeader(t, "Last-Modified: Wed, 06 May 2020 07:08:09 GMT", "Content-Type: text/html; charset=utf-8", "Content-Length: 5", "Accept-Ranges: bytes")
	tag := got.Header.Get("Etag")
	for condition, status := range map[string]int{
		"If-None-Match: " + tag: 304, "If-None-Match: W/" + tag: 304, `If-None-Match: "a", ` + tag: 304, "If-None-Match: *": 304, `If-None-Match: "a"`: 200,
		"If-None-Match: garbage": 200, "If-Match: " + tag: 200, `If-Match: "a"`: 412,
		"If-Modified-Since: Wed, 06 May 2020 07:08:09 GMT": 304, "If-Modified-Since: Wed, 06 May 2020 07:08:08 GMT": 200, "If-Modified-Since: garbage": 200,
		"If-Unmodified-Since: Wed, 06 May 2020 07:08:08 GMT": 412, "If-Unmodified-Since: Wed, 06 May 2020 07:08:09 GMT": 200,
	} {
		for _, target := range []string{"/public/a.html", "/file/a.html"} {
			got := c.ask("GET", target, "", condition)
			if got.StatusCode != status || (got.text != "first") != (status != 200) {
				t.Errorf("%s: %s: %d %q", target, condition, got.StatusCode, got.text)
			}
			if status == 304 {
				got.wantHeader(t, "Etag: "+tag, "Cache-Control: max-age=60, must-revalidate", "Content-Type", "Content-Length")
			}
		}
	}
	put("later", before.Add(time.Hour)) // as long as before
	got = c.ask("GET", "/public/a.html", "", "If-None-Match: "+tag)
	got.want(t, 200, "later")
	if got.Header.Get("Etag") == tag {
		t.Error("another file has the same ETag")
	}
	if err := os.Remove(filepath.Join(f.public, "a.html")); err != nil {
		t.Fatal(err)
	}
	c.ask("GET", "/public/a.html", "", "If-None-Match: *").want(t, 404, "Sorry, that file is not found :(")
}

// How long clients may keep a file is a setting.
func TestLifetime(t *testing.T) {
	t.Parallel()
	for seconds, control := range map[int]string{0: "max-age=60, must-revalidate", 3600: "max-age=3600, must-revalidate", -1: "no-store"} {
		t.Run(fmt.Sprint(seconds), func(t *testing.T) {
			t.Parallel()
			f := serve(t, func(_ *actionhero.Config, cfg *web.Config) { cfg.Common.FlatFileCacheDuration = seconds })
			f.put(t, "a.txt", "a")
			got := f.plain(t).ask("GET", "/public/a.txt", "")
			got.wantHeader(t, "Cache-Control: "+control)
			if seconds < 0 {
				got.wantHeader(t, "Expires")
				return
			}
			expires, err := http.ParseTime(got.Header.Get("Expires"))
			date, dateErr := http.ParseTime(got.Header.Get("Date"))
			want := time.Duration(max(seconds, 60)*1000) * time.Millisecond
			if age := expires.Sub(date); err != nil || dateErr != nil || age < want-2*time.Second || age > want+2*time.Second {
				t.Errorf("it expires %v after %s, want %v", age, got.Header.Get("Date"), want)
			}
			f.plain(t).ask("GET", "/public/none", "").wantHeader(t, "Cache-Control", "Expires")
		})
	}
}

// HEAD has the headers of GET, and methods that change things read files as well.
func TestFileMethods(t *testing.T) {
	t.Parallel()
	f := serve(t, func(general *actionhero.Config, _ *web.Config) {
		general.FlatFileNotFoundMessage, general.FlatFileIndexPageNotFoundMessage = "<b>gone</b>", "<b>no index</b>"
	})
	f.put(t, "a.txt", strings.Repeat("a", 100_000))
	f.put(t, "empty/x", "")
	f.everywhere(t, func(t *testing.T, c *client) {
		for _, target := range []string{"/public/a.txt", "/public/none", "/public/empty", "/public/empty/", "/file/a.txt", "/file/none"} {
			get, head := c.ask("GET", target, ""), c.ask("HEAD", target, "")
			if head.StatusCode != get.StatusCode || head.text != "" {
				t.Errorf("HEAD %s is answered with %d %q, GET with %d", target, head.StatusCode, head.text, get.StatusCode)
			}
			for _, name := range []string{"Content-Type", "Content-Length", "Etag", "Last-Modified", "Cache-Control", "Accept-Ranges", "X-Powered-By"} {
				head.wantHeader(t, strings.TrimSuffix(name+": "+get.Header.Get(name), ": "))
			}
		}
		c.ask("GET", "/public/none", "").want(t, 404, "<b>gone</b>")
		c.ask("GET", "/public/empty/", "").want(t, 404, "<b>no index</b>")
		c.ask("GET", "/public/a.txt/", "").want(t, 404, "<b>gone</b>")
		c.ask("POST", "/public/a.txt", "a body that nobody reads").want(t, 200, "aaaa")
		c.ask("POST", "/public/a.txt", strings.Repeat("x", 100_000)).want(t, 200, "aaaa")
		c.ask("DELETE", "/public/a.txt", "").want(t, 200, "aaaa")
	})
}

// Types go by the extension, whatever its case.
func TestTypes(t *testing.T) {
	t.Parallel()
	f := serve(t, nil)
	c := f.plain(t)
	for name, want := range map[string]string{
		"a.js": "text/javascript; charset=utf-8", "a.CSS": "text/css; charset=utf-8", "a.json": "application/json", "a.svg": "image/svg+xml",
		"a.wasm": "application/wasm", "a.woff2": "font/woff2", "a.pdf": "application/pdf", "a.tar.none": "application/octet-stream", "a": "application/octet-stream",
		"<script>.txt": "text/plain; charset=utf-8", "ä ö.html": "text/html; charset=utf-8",
	} {
		f.put(t, name, "<html>")
		got := c.ask("GET", "/public/"+strings.ReplaceAll(strings.ReplaceAll(name, " ", "%20"), "<", "%3c"), "")
		got.want(t, 200, "<html>")
		got.wantHeader(t, "Content-Type: "+want)
	}
}
