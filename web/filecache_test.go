//go:build linux

package web_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
)

// decoded returns the file in an answer.
func decoded(t *testing.T, coding, text string) string {
	t.Helper()
	var from io.Reader = strings.NewReader(text)
	var err error
	switch coding {
	case "gzip":
		from, err = gzip.NewReader(from)
	case "zstd":
		from, err = zstd.NewReader(from)
	}
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(from)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

func TestAFileFromMemoryIsAnsweredLikeOneFromDisk(t *testing.T) {
	t.Parallel()
	files := map[string]string{
		"empty.txt": "", "ten.bin": tenBytes, "page.html": "<p>" + strings.Repeat("hello ", 500), "code.js": strings.Repeat("f();\n", 6000),
		"sub/index.html": "<p>index", "largest.bin": strings.Repeat("x", 64<<10), "too-large.bin": strings.Repeat("y", 64<<10+1), "no-extension": "text",
	}
	for name, change := range map[string]func(*server.Config){
		"defaults": nil,
		"own headers": func(c *server.Config) {
			c.CommonWeb.HTTPHeaders = map[string]string{"Vary": "X-A", "Cache-Control": "private", "X-B": "b"}
		},
		"no caching": func(c *server.Config) { c.CommonWeb.FlatFileCacheDuration = -1 },
		"uncompressed, any origin": func(c *server.Config) {
			c.CommonWeb.Compress = new(bool)
			c.CommonWeb.AllowedOrigins = []string{"https://a.example"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, change)
			disk := start(t, func(c *server.Config) {
				if change != nil {
					change(c)
				}
				c.CommonWeb.FileCacheBytes = -1
			})
			s.Web.KeepFilesAtOnce()
			for file, text := range files {
				s.Put(t, file, text)
				disk.Put(t, file, text)
				same(t, filepath.Join(s.Public, file), filepath.Join(disk.Public, file))
				s.HTTP(t).Ask("GET", "/public/"+file, "")
			}
			s.HTTP(t).Ask("GET", "/public/sub/", "")
			if n, _ := s.Web.FilesInMemory(); n != len(files) {
				t.Errorf("%d files are in memory, want %d: all but the largest, and the index twice", n, len(files))
			}
			everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
				reference := disk.HTTP(t)
				for file, text := range files {
					for _, path := range []string{"/public/" + file, "/public/" + strings.TrimSuffix(file, "index.html")} {
						for _, headers := range []string{"Accept-Encoding: identity", "Accept-Encoding: gzip", "Accept-Encoding: gzip, zstd", "Accept-Encoding: br|Origin: https://a.example"} {
							for _, method := range []string{"GET", "HEAD"} {
								compare(t, method, path, text, c.Ask(method, path, "", strings.Split(headers, "|")...), reference.Ask(method, path, "", strings.Split(headers, "|")...))
							}
						}
					}
				}
			})
		})
	}
}

// same gives both files the time of the first, so that they have the same headers.
func same(t *testing.T, first, second string) {
	t.Helper()
	info, err := os.Stat(first)
	if err == nil {
		err = os.Chtimes(second, info.ModTime(), info.ModTime())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, method, path, text string, got, want testkit.Reply) {
	t.Helper()
	coding := want.Header.Get("Content-Encoding")
	for _, header := range []map[string][]string{got.Header, want.Header} {
		delete(header, "Date")
		delete(header, "Expires")
		delete(header, "Strict-Transport-Security")
		if coding != "" {
			delete(header, "Content-Length") // a file from disk is compressed while it is sent
		}
	}
	if diff := cmp.Diff(want.Header, got.Header); diff != "" || got.StatusCode != 200 || want.StatusCode != 200 {
		t.Errorf("%s %s: %d, from disk %d; headers (-disk +memory):\n%s", method, path, got.StatusCode, want.StatusCode, diff)
	}
	if method == "GET" && (decoded(t, coding, got.Text) != text || decoded(t, coding, want.Text) != text) {
		t.Errorf("%s: %d and %d bytes, want %d", path, len(got.Text), len(want.Text), len(text))
	}
}

func TestAChangedFileIsSentAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.Web.KeepFilesAtOnce()
	outside := filepath.Join(t.TempDir(), "secret")
	testkit.WriteFile(t, outside, "secret")
	c := s.HTTP(t)
	path := filepath.Join(s.Public, "dir", "a.txt")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name   string
		change func()
		status int
		text   string
	}{
		{"overwritten with the same size and time", func() {
			before, err := os.Stat(path)
			must(err)
			for changed := false; !changed; { // until the clock of the file system has moved
				testkit.WriteFile(t, path, "other")
				must(os.Chtimes(path, before.ModTime(), before.ModTime()))
				after, err := os.Stat(path)
				must(err)
				changed = after.Sys().(*syscall.Stat_t).Ctim != before.Sys().(*syscall.Stat_t).Ctim
			}
		}, 200, "other"},
		{"longer", func() { testkit.WriteFile(t, path, "a longer text") }, 200, "a longer text"},
		{"replaced", func() {
			testkit.WriteFile(t, path+".new", "new")
			must(os.Rename(path+".new", path))
		}, 200, "new"},
		{"removed", func() { must(os.Remove(path)) }, 404, ""},
		{"a link to a file outside", func() {
			must(os.Remove(path))
			must(os.Symlink(outside, path))
		}, 404, ""},
		{"a link to a file inside", func() {
			must(os.Remove(path))
			must(os.Symlink("b.txt", path))
		}, 200, "b"},
		{"a folder without an index page", func() {
			must(os.Remove(path))
			must(os.Mkdir(path, 0o700))
		}, 404, ""},
		{"below a folder that leads outside", func() {
			must(os.RemoveAll(filepath.Dir(path)))
			must(os.Symlink(filepath.Dir(outside), filepath.Dir(path)))
			testkit.WriteFile(t, filepath.Join(filepath.Dir(outside), "a.txt"), "secret")
		}, 404, ""},
	} {
		s.Put(t, "dir/b.txt", "b")
		if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() {
			_ = os.RemoveAll(path)
			s.Put(t, "dir/a.txt", "first")
		}
		for range 2 { // the second time from memory
			if got := c.Ask("GET", "/public/dir/a.txt", ""); got.StatusCode != 200 {
				t.Fatalf("%s: before, the file is answered with %d", step.name, got.StatusCode)
			}
		}
		step.change()
		for range 2 {
			if got := c.Ask("GET", "/public/dir/a.txt", ""); got.StatusCode != step.status || step.text != "" && got.Text != step.text {
				t.Errorf("%s: the file is answered with %d %q, want %d %q", step.name, got.StatusCode, got.Text, step.status, step.text)
			}
		}
	}
}

// A file system with a coarse clock may give two versions the same times.
func TestAFileThatHasJustChangedIsNotKept(t *testing.T) {
	t.Parallel()
	s := start(t, nil)
	s.Put(t, "a.txt", "a")
	s.HTTP(t).Ask("GET", "/public/a.txt", "")
	if n, _ := s.Web.FilesInMemory(); n != 0 {
		t.Errorf("%d files are in memory, want none", n)
	}
}

func TestFilesInMemoryAreBounded(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	s := start(t, func(c *server.Config) { c.CommonWeb.FileCacheBytes = most })
	s.Web.KeepFilesAtOnce()
	c := s.HTTP(t)
	s.Put(t, "popular.txt", "popular")
	s.Put(t, "larger.bin", strings.Repeat("x", most))
	for i := range 200 {
		name := fmt.Sprintf("%d.txt", i)
		s.Put(t, name, strings.Repeat(tenBytes, i))
		for _, name := range []string{name, "popular.txt", "larger.bin"} {
			if got := c.Ask("GET", "/public/"+name, ""); got.StatusCode != 200 {
				t.Fatalf("%s is answered with %d", name, got.StatusCode)
			}
		}
		if n, bytes := s.Web.FilesInMemory(); bytes > most || n == 0 {
			t.Fatalf("after %d files, %d are in memory with %d bytes, want at most %d", i+1, n, bytes, most)
		}
	}
	before, _ := s.Web.FilesInMemory()
	if err := os.Remove(filepath.Join(s.Public, "popular.txt")); err != nil {
		t.Fatal(err)
	}
	c.Ask("GET", "/public/popular.txt", "")
	if after, _ := s.Web.FilesInMemory(); after != before-1 {
		t.Errorf("%d files are in memory after a removal, before %d: the popular one was not among them", after, before)
	}
}
