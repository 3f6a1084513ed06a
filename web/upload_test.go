package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// inMemory is the size of the uploads of a request that are held in memory, in bytes.
const inMemory = 16 << 10

type storeInput struct {
	Upload *actionhero.File   `json:"upload"`
	More   []*actionhero.File `json:"more"`
	Text   string             `json:"text"`
}

// store is the action "store". It returns the files it got and calls end.
func store(end func(context.Context, string) error) actionhero.Part {
	return actionhero.Action[storeInput, map[string]any]{
		Name: "store",
		Run: func(ctx context.Context, in storeInput) (map[string]any, error) {
			var got []string
			for _, file := range append(in.More, in.Upload) {
				if file == nil {
					continue
				}
				text, err := io.ReadAll(file)
				if err != nil {
					return nil, err
				}
				if _, err := file.Seek(1, io.SeekStart); err != nil {
					return nil, err
				}
				again, _ := io.ReadAll(file)
				_, onDisk := file.ReadSeeker.(*io.SectionReader)
				got = append(got, fmt.Sprintf("%s %s %d %x %v %v", file.Name, file.Type, file.Size, sha256.Sum256(text), bytes.Equal(text[1:], again), onDisk))
			}
			return map[string]any{"files": got, "text": in.Text}, end(ctx, in.Text)
		},
	}
}

func noEnd(context.Context, string) error { return nil }

// part is a part of a form. If file is not empty, it is a file.
type part struct{ key, file, text string }

// form encodes a form as multipart/form-data.
func form(t testing.TB, parts ...part) (contentType, body string) {
	t.Helper()
	var buf strings.Builder
	w := multipart.NewWriter(&buf)
	for _, p := range parts {
		var to io.Writer
		var err error
		if p.file == "" {
			to, err = w.CreateFormField(p.key)
		} else {
			to, err = w.CreateFormFile(p.key, p.file)
		}
		if err == nil {
			_, err = io.WriteString(to, p.text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return "Content-Type: " + w.FormDataContentType(), buf.String()
}

// An upload arrives complete, in memory or on disk. While the action runs, its temporary file has no name: it cannot
// outlive the process.
func TestUploads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.UploadDirectory = dir }, store(func(context.Context, string) error {
		empty := func() bool { // except for a file that a concurrent request is just making
			names, err := os.ReadDir(dir)
			return err == nil && len(names) == 0
		}
		if runtime.GOOS != "windows" && !testkit.Within(testkit.Wait, empty) {
			return errors.New("while the action runs, its file has a name")
		}
		return nil
	}))
	all := strings.Repeat(strings.Repeat("x\x00", 500)+"\r\n--", 3000)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for size, large := range map[int]bool{1: false, inMemory - 1: false, inMemory: false, inMemory + 1: true, 2*inMemory + 3: true, 2 << 20: true} {
			text := all[:size]
			contentType, body := form(t, part{"text", "", "a"}, part{"upload", `..\dir/a ä.txt`, text}, part{"unknown", "b.txt", text})
			got := c.Send("POST", "/api/store", strings.NewReader(body), contentType)
			want := fmt.Sprintf("a ä.txt application/octet-stream %d %x true %v", size, sha256.Sum256([]byte(text)), large)
			got.Want(t, 200, `{"files":["`+want+`"],"text":"a"`)
			got.Want(t, 200, fmt.Sprintf(`"upload":{"name":"a ä.txt","size":%d,"type":"application/octet-stream"}`, size))
		}
	})
}

// Several files of one request share one temporary file, and each reads its own bytes.
func TestSeveralUploads(t *testing.T) {
	t.Parallel()
	s := start(t, nil, store(noEnd))
	var parts []part
	var want []string
	for i := range 50 {
		text := strings.Repeat(fmt.Sprint(i), 1000*(i%7)+1)
		parts = append(parts, part{"more", fmt.Sprint("f", i), text})
		want = append(want, fmt.Sprintf(`"f%d application/octet-stream %d %x true `, i, len(text), sha256.Sum256([]byte(text))))
	}
	contentType, body := form(t, parts...)
	got := s.HTTP(t).Send("POST", "/api/store", strings.NewReader(body), contentType)
	for _, file := range want {
		got.Want(t, 200, file)
	}
	contentType, body = form(t, part{"text", "", strings.Repeat("x", 1<<20+1)})
	s.HTTP(t).Send("POST", "/api/store", strings.NewReader(body), contentType).Want(t, 400, `"error":"the form field text is larger than 1048576 bytes: send it as a file"`)
}

// The last element of a client's file name remains, without characters that change how it is shown.
func TestUploadNames(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"..": "file", ".": "file", "/": "file", "": "file", "../..": "file", `..\..\`: "file", "a/": "a", "/etc/passwd": "passwd", `C:\a\b.txt`: "b.txt",
		"a\x00b\nc\x7f.txt": "abc.txt", "\u202egpj.exe": "gpj.exe", "a\u2066b\u200f": "ab", "\x00": "file", " ": "file", ". .": ". .", "ä ö.txt": "ä ö.txt", "a\xffb": "ab", ".htaccess": ".htaccess",
	} {
		if got := web.FileName(name); got != want {
			t.Errorf("the name of %q is %q, want %q", name, got, want)
		}
	}
}

// What an upload occupied is free again after every outcome of the call: the next upload needs all of it.
func TestUploadIsFreedAfterTheCall(t *testing.T) {
	t.Parallel()
	begun := make(chan struct{}, 10)
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxUploadBytes = 1 << 20 }, store(func(ctx context.Context, how string) error {
		switch how {
		case "error":
			return errors.New("no")
		case "panic":
			panic("no")
		case "goexit":
			runtime.Goexit()
		case "abort":
			_, _ = io.WriteString(web.Writer(ctx), "part of")
			panic(http.ErrAbortHandler)
		case "hang":
			begun <- struct{}{}
			<-ctx.Done() // the client disconnects
		}
		return nil
	}))
	text := strings.Repeat("x", 1<<20)
	for proto, c := range map[string]*testkit.HTTPClient{"HTTP/1.1": s.HTTP(t), "HTTP/2": s.HTTPS(t, true)} {
		for _, how := range []string{"error", "panic", "goexit", "abort", "hang", "cut"} {
			contentType, body := form(t, part{"upload", "a", text}, part{"text", "", how})
			ctx, cancel := context.WithCancel(t.Context())
			if how == "cut" {
				body = body[:len(body)/2]
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				_, _ = c.Try(ctx, "POST", "/api/store", strings.NewReader(body), contentType)
			}()
			if how == "hang" {
				<-begun
				cancel()
			}
			<-done
			cancel()
			contentType, body = form(t, part{"upload", "a", text})
			testkit.Eventually(t, proto+": the next upload has room after "+how, func() bool {
				got := c.Send("POST", "/api/store", strings.NewReader(body), contentType)
				if got.StatusCode != 200 {
					got.Want(t, 503, `"error":"the server holds as many uploads and answers as it may: try again later"`)
				}
				return got.StatusCode == 200
			})
		}
	}
}

// The uploads of all requests share one budget. An upload that exceeds it is refused at once, and disturbs no other.
func TestUploadsShareABudget(t *testing.T) {
	t.Parallel()
	begun, release := make(chan struct{}), make(chan struct{})
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxUploadBytes = 1 << 20 }, store(func(_ context.Context, how string) error {
		if how == "wait" {
			begun <- struct{}{}
			<-release
		}
		return nil
	}))
	text := strings.Repeat("x", 600<<10)
	contentType, waiting := form(t, part{"upload", "a", text}, part{"text", "", "wait"})
	first := make(chan testkit.Reply, 1)
	waiter := s.HTTP(t)
	waiter.Timeout = 0 // other parallel tests may run before the subtests
	go func() {
		defer close(first) // also if Send fails the test
		first <- waiter.Send("POST", "/api/store", strings.NewReader(waiting), contentType)
	}()
	<-begun
	contentType, body := form(t, part{"upload", "a", text})
	t.Run("above", func(t *testing.T) {
		everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
			got := c.Send("POST", "/api/store", strings.NewReader(body), contentType)
			got.Want(t, 503, `"error":"the server holds as many uploads and answers as it may: try again later"`)
			got.WantHeader(t, "Retry-After: 1")
			contentType, small := form(t, part{"upload", "a", text[:inMemory]})
			c.Send("POST", "/api/store", strings.NewReader(small), contentType).Want(t, 200, "")
		})
	})
	close(release)
	got := <-first
	got.Want(t, 200, fmt.Sprintf("%x", sha256.Sum256([]byte(text))))
	s.HTTP(t).Send("POST", "/api/store", strings.NewReader(body), contentType).Want(t, 200, "")
}

// The folder of the uploads is a setting. A folder that cannot be used is reported at the start.
func TestUploadDirectory(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	s := testkit.New(t, testkit.Options{Change: func(cfg *server.Config) { cfg.CommonWeb.UploadDirectory = none }})
	if err := s.API.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "commonWeb.uploadDirectory is "+fmt.Sprintf("%q", none)) {
		t.Errorf("Start: %v", err)
	}
	t.Setenv("TMPDIR", none)
	s = start(t, nil, store(noEnd))
	if runtime.GOOS != "windows" && len(s.Log.With("folder", none)) != 1 {
		t.Error("the log does not name the folder that is missing")
	}
	contentType, body := form(t, part{"upload", "a", "small"})
	s.HTTP(t).Send("POST", "/api/store", strings.NewReader(body), contentType).Want(t, 200, "")
}
