package web_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// inMemory is the size of the largest upload that is held in memory, in bytes.
const inMemory = 1 << 20

type storeInput struct {
	Upload *actionhero.File   `json:"upload"`
	More   []*actionhero.File `json:"more"`
	Text   string             `json:"text"`
}

// store is the action "store". It returns the files it got, sends the names of temporary files, and then calls end.
func store(files chan<- string, end func(context.Context, string) error) actionhero.Part {
	return actionhero.Action[storeInput, map[string]any]{
		Name: "store",
		Run: func(ctx context.Context, in storeInput) (map[string]any, error) {
			var got []string
			for _, file := range append(in.More, in.Upload) {
				if file == nil {
					continue
				}
				if tmp, ok := file.ReadSeeker.(*os.File); ok {
					files <- tmp.Name()
				}
				text, err := io.ReadAll(file)
				if err != nil {
					return nil, err
				}
				if _, err := file.Seek(1, io.SeekStart); err != nil {
					return nil, err
				}
				again, _ := io.ReadAll(file)
				got = append(got, fmt.Sprintf("%s %s %d %x %v", file.Name, file.Type, file.Size, sha256.Sum256(text), bytes.Equal(text[1:], again)))
			}
			return map[string]any{"files": got, "text": in.Text}, end(ctx, in.Text)
		},
	}
}

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

func gone(file string) bool {
	_, err := os.Stat(file)
	return errors.Is(err, fs.ErrNotExist)
}

// An upload arrives complete, in memory or in a file, which is removed after the call.
func TestUploads(t *testing.T) {
	t.Parallel()
	files := make(chan string, 100)
	s := start(t, nil, store(files, func(context.Context, string) error { return nil }))
	all := strings.Repeat(strings.Repeat("x\x00", 500)+"\r\n--", 3000)
	everywhere(t, s, func(t *testing.T, c *testkit.HTTPClient) {
		for size, large := range map[int]bool{1: false, inMemory - 1: false, inMemory: false, inMemory + 1: true, 2*inMemory + 3: true} {
			text := all[:size]
			contentType, body := form(t, part{"text", "", "a"}, part{"upload", `..\dir/a ä.txt`, text}, part{"unknown", "b.txt", text})
			got := c.Send("POST", "/api/store", strings.NewReader(body), contentType)
			want := fmt.Sprintf("a ä.txt application/octet-stream %d %x true", size, sha256.Sum256([]byte(text)))
			got.Want(t, 200, `{"files":["`+want+`"],"text":"a"`)
			got.Want(t, 200, fmt.Sprintf(`"upload":{"name":"a ä.txt","size":%d,"type":"application/octet-stream"}`, size))
			if large {
				name := <-files // of this call or a concurrent one
				testkit.Eventually(t, name+" is gone", func() bool { return gone(name) })
			}
		}
	})
}

// Several files of one name are a list, each in its own file.
func TestSeveralUploads(t *testing.T) {
	t.Parallel()
	files := make(chan string, 3)
	s := start(t, nil, store(files, func(context.Context, string) error { return nil }))
	large := strings.Repeat("x", inMemory+1)
	contentType, body := form(t, part{"more", "a", large}, part{"more", "b", "b"}, part{"more", "c", large})
	s.HTTP(t).Send("POST", "/api/store", strings.NewReader(body), contentType).Want(t, 200, `{"files":["a application/octet-stream 1048577 `)
	if len(files) != 2 {
		t.Fatalf("%d temporary files were seen", len(files))
	}
	a, c := <-files, <-files
	if a == c {
		t.Errorf("both are in %s", a)
	}
	testkit.Eventually(t, "both files are gone", func() bool { return gone(a) && gone(c) })
	contentType, body = form(t, part{"text", "", large})
	s.HTTP(t).Send("POST", "/api/store", strings.NewReader(body), contentType).Want(t, 400, `"error":"the form field text is larger than 1048576 bytes: send it as a file"`)
}

// The file of an upload is removed with every outcome of the call.
func TestUploadIsRemovedAfterTheCall(t *testing.T) {
	t.Parallel()
	files := make(chan string, 1)
	s := start(t, nil, store(files, func(ctx context.Context, how string) error {
		switch how {
		case "error":
			return errors.New("no")
		case "panic":
			panic("no")
		case "abort":
			_, _ = io.WriteString(web.Writer(ctx), "part of")
			panic(http.ErrAbortHandler)
		case "hang":
			<-ctx.Done() // the client disconnects
		}
		return nil
	}))
	for proto, c := range map[string]*testkit.HTTPClient{"HTTP/1.1": s.HTTP(t), "HTTP/2": s.HTTPS(t, true)} {
		for _, how := range []string{"error", "panic", "abort", "hang"} {
			contentType, body := form(t, part{"upload", "a", strings.Repeat("x", inMemory+1)}, part{"text", "", how})
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				defer close(done)
				got, err := c.Try(ctx, "POST", "/api/store", strings.NewReader(body), contentType)
				if failed := how == "abort" || how == "hang"; failed != (err != nil) || !failed && got.StatusCode != http.StatusInternalServerError {
					t.Errorf("%s: %s: %+v, %v", proto, how, got.Response, err)
				}
			}()
			name := <-files
			if how == "hang" {
				cancel()
			}
			<-done
			cancel()
			testkit.Eventually(t, name+" is gone", func() bool { return gone(name) })
		}
	}
}

// An upload that ends too early leaves no file. Not parallel: it looks at all temporary files.
func TestUnfinishedUploads(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	s := start(t, func(cfg *server.Config) { cfg.CommonWeb.MaxBodyBytes = 3 * inMemory },
		store(make(chan string, 10), func(context.Context, string) error { return errors.New("it ran") }))
	count := func() int {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	for name, c := range map[string]*testkit.HTTPClient{"HTTP/1.1": s.HTTP(t), "HTTP/2": s.HTTPS(t, true)} {
		contentType, body := form(t, part{"upload", "a", strings.Repeat("x", 2*inMemory)})
		out, in := io.Pipe()
		failed := make(chan error, 1)
		go func() {
			_, err := c.Try(t.Context(), "POST", "/api/store", out, contentType)
			failed <- err
		}()
		if _, err := io.WriteString(in, body[:2*inMemory]); err != nil {
			t.Fatal(err)
		}
		testkit.Eventually(t, "there is a temporary file", func() bool { return count() == 1 })
		_ = in.CloseWithError(errors.New("the client stops"))
		if err := <-failed; err == nil {
			t.Errorf("%s: there is an answer", name)
		}
		testkit.Eventually(t, name+": the temporary file is gone", func() bool { return count() == 0 })
		largeType, large := form(t, part{"upload", "a", strings.Repeat("x", 3*inMemory)})
		got := c.Send("POST", "/api/store", chunked(large), largeType)
		got.Want(t, 413, `"error":"the body may have 3145728 bytes at most"`)
		got = c.Send("POST", "/api/store", strings.NewReader(body[:len(body)-10]), contentType)
		got.Want(t, 400, `"error":"the multipart body is malformed"`)
		if n := count(); n > 0 {
			t.Errorf("%s: %d temporary files are left", name, n)
		}
	}
}
