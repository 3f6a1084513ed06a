//go:build unix

package main

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// devWait is how long a process of `actionhero dev` may run. It compiles the app several times.
const devWait = 10 * testkit.Wait

// developed is a generated app that `actionhero dev` runs.
type developed struct {
	*process
	of   *testing.T // the test that has started it, whose steps have their own
	seen int        // the number of bytes of the output that await has read
}

// generated are the files of an app, for the tests that change one. They need not generate it anew.
var generated struct {
	sync.Mutex
	files map[string][]byte
}

// sharedApp writes the files of a generated app into a new folder.
func sharedApp(t *testing.T) (dir string) {
	t.Helper()
	generated.Lock()
	defer generated.Unlock()
	if generated.files == nil {
		first := os.DirFS(generateApp(t))
		files := map[string][]byte{}
		err := fs.WalkDir(first, ".", func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			files[name], err = fs.ReadFile(first, name)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		generated.files = files
	}
	dir = filepath.Join(t.TempDir(), "hello")
	for name, content := range generated.files {
		testkit.WriteFile(t, filepath.Join(dir, name), string(content))
	}
	return dir
}

// launchDev runs `actionhero dev` in the folder of an app.
func launchDev(t *testing.T, dir string, env ...string) *developed {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), devWait*time.Duration(1+*devSaves/4))
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, self, "dev")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) } // so that the app ends, too
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), beVariable+"=actionhero", "GORACE=atexit_sleep_ms=0", "GOWORK=off", "ACTIONHERO_LOG_LOG_REQUESTS=false",
		"ACTIONHERO_HTTP_SERVER_PORT=-1", "ACTIONHERO_TCP_SERVER_PORT=-1", "ACTIONHERO_HTTP_SERVER_BIND_IP=127.0.0.1"), env...)
	d := &developed{process: watch(t, cmd), of: t}
	t.Cleanup(func() {
		if d.ProcessState == nil {
			_ = d.Process.Signal(os.Interrupt)
			d.exit()
		}
		if t.Failed() {
			t.Logf("the output:\n%s%s", d.out, d.err)
		}
	})
	return d
}

// startDev runs `actionhero dev` until the app serves.
func startDev(t *testing.T, dir string, env ...string) *developed {
	t.Helper()
	d := launchDev(t, dir, env...)
	d.up()
	d.seen = len(d.out.String())
	return d
}

// await waits until one of the texts has come since the last call, and returns the line that has it.
func (d *developed) await(texts ...string) (line string) {
	d.t.Helper()
	for {
		d.out.mu.Lock()
		all, done, more := d.out.text.String(), d.out.done, d.out.more
		d.out.mu.Unlock()
		for line := range strings.Lines(all[d.seen:]) {
			d.seen += len(line)
			for _, text := range texts {
				if strings.Contains(line, text) {
					return line
				}
			}
		}
		if done {
			d.t.Fatalf("actionhero dev has ended without saying %q", texts)
		}
		<-more
	}
}

// save writes a file of the app.
func (d *developed) save(name, text string) {
	d.t.Helper()
	name = filepath.Join(d.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		d.t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		d.t.Fatal(err)
	}
}

func (d *developed) read(name string) string {
	d.t.Helper()
	text, err := os.ReadFile(filepath.Join(d.dir, filepath.FromSlash(name)))
	if err != nil {
		d.t.Fatal(err)
	}
	return string(text)
}

// replace replaces a text in a file of the app.
func (d *developed) replace(name, before, after string) {
	d.t.Helper()
	text := d.read(name)
	if !strings.Contains(text, before) {
		d.t.Fatalf("%s has no %q", name, before)
	}
	d.save(name, strings.Replace(text, before, after, 1))
}

// want asks for a path. The answer must have the status and contain the text.
func (d *developed) want(path string, status int, text string) {
	d.t.Helper()
	if got, body := d.get(path); got != status || !strings.Contains(body, text) {
		d.t.Errorf("%s answers %d %.300s", path, got, body)
	}
}

// ask asks for a path with a header Accept.
func (d *developed) ask(path, accept string) (*http.Response, string) {
	d.t.Helper()
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodGet, d.http+path, http.NoBody)
	if err != nil {
		d.t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	client := http.Client{Timeout: testkit.Wait, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		d.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return resp, string(body)
}

// serves is part of the line that says that a change is in effect.
const serves = ": serving after "

// event is an event for pages.
type event struct{ ID, Version, Failure string }

// stream is a stream of events.
type stream struct {
	t    testing.TB
	body io.ReadCloser
}

func (d *developed) events() *stream {
	d.t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(d.http + "/__dev/events")
	if err != nil || resp.StatusCode != http.StatusOK {
		d.t.Fatal(resp, err)
	}
	d.t.Cleanup(func() { _ = resp.Body.Close() })
	return &stream{t: d.t, body: resp.Body}
}

// next returns the next event.
func (s *stream) next() (e event) {
	s.t.Helper()
	for {
		line, err := s.line()
		if err != nil {
			s.t.Fatal(err)
		}
		if text, ok := strings.CutPrefix(line, "data: "); ok {
			if err := json.Unmarshal([]byte(text), &e); err != nil {
				s.t.Fatal(err)
			}
			return e
		}
	}
}

// ended waits for the end of the stream.
func (s *stream) ended() {
	s.t.Helper()
	if _, err := io.Copy(io.Discard, s.body); err != nil {
		s.t.Error(err)
	}
}

func (s *stream) line() (string, error) {
	var line []byte
	for b := make([]byte, 1); ; {
		if n, err := s.body.Read(b); n == 0 && err != nil {
			return "", err
		} else if n > 0 && b[0] == '\n' {
			return string(line), nil
		} else if n > 0 {
			line = append(line, b[0])
		}
	}
}
