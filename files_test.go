package actionhero_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
)

// tree makes a folder of static files next to a secret file, and returns the paths of both.
func tree(t testing.TB) (dir, secret string) {
	t.Helper()
	top := t.TempDir()
	dir, secret = filepath.Join(top, "public"), filepath.Join(top, "secret.txt")
	for name, text := range map[string]string{
		secret: "secret", filepath.Join(dir, "a.txt"): "a", filepath.Join(dir, "sub/index.html"): "index", filepath.Join(dir, "empty/x"): "x",
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{"inside": "a.txt", "outside": "../secret.txt", "absolute": secret, "up": ".."} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := mkfifo(filepath.Join(dir, "pipe")); err != nil {
		t.Fatal(err)
	}
	return dir, secret
}

func TestFilesOpen(t *testing.T) {
	t.Parallel()
	dir, secret := tree(t)
	api := newAPI(t, actionhero.Config{FlatFileDirectory: dir})
	for name, want := range map[string]string{"a.txt": "a", "/a.txt": "a", "sub": "index", "sub/": "index", "sub/index.html": "index", "inside": "a"} {
		content, err := api.Files.Open(name)
		if err != nil {
			t.Errorf("%q: %v", name, err)
			continue
		}
		got, _ := io.ReadAll(content.Body)
		if string(got) != want || content.Size != int64(len(want)) || content.ModTime.IsZero() {
			t.Errorf("%q: %q, %+v", name, got, content)
		}
		content.Close()
	}
	for _, name := range []string{
		"missing", "../secret.txt", "sub/../../secret.txt", "sub/../a.txt", secret, "/" + secret, dir + "/../secret.txt", "outside", "absolute",
		"up/secret.txt", "a.txt/", "a.txt/x", "a.txt\x00", "\x00", `..\secret.txt`, "pipe", "//a.txt", "./a.txt", strings.Repeat("a/", 5000),
	} {
		content, err := api.Files.Open(name)
		if err == nil {
			got, _ := io.ReadAll(content.Body)
			t.Errorf("%q was opened: %q", name, got)
		}
		if err != nil && (!errors.Is(err, actionhero.ErrFileNotFound) || actionhero.AsError(err).Code != actionhero.CodeNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"", "/", "empty", "empty/"} {
		if _, err := api.Files.Open(name); !errors.Is(err, actionhero.ErrIndexNotFound) {
			t.Errorf("%q has no index: got %v", name, err)
		}
	}
}

// Embedded files stand in for a folder that is not there, and only then.
func TestFilesEmbedded(t *testing.T) {
	t.Parallel()
	dir, _ := tree(t)
	for folder, want := range map[string]string{filepath.Join(t.TempDir(), "none"): "embedded", dir: "a"} {
		api, err := actionhero.New(actionhero.Config{FlatFileDirectory: folder, Backend: local.New(local.Config{})})
		if err != nil {
			t.Fatal(err)
		}
		api.Files.Embed(fstest.MapFS{"a.txt": {Data: []byte("embedded")}})
		if _, err := api.Files.Open("a.txt"); err == nil {
			t.Error("files were served before the start")
		}
		if err := api.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		content, err := api.Files.Open("a.txt")
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := io.ReadAll(content.Body); string(got) != want {
			t.Errorf("%s: got %q, want %q", folder, got, want)
		}
		if err := errors.Join(content.Close(), api.Stop(t.Context())); err != nil {
			t.Error(err)
		}
	}
}

func FuzzFilesOpen(f *testing.F) {
	dir, _ := tree(f)
	api := newAPI(f, actionhero.Config{FlatFileDirectory: dir})
	for _, seed := range []string{"a.txt", "../secret.txt", "sub/", "%2e%2e/", "up/secret.txt", "\x00", `\\host\share`, "C:/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		content, err := api.Files.Open(name)
		if err != nil {
			if actionhero.AsError(err).Code != actionhero.CodeNotFound {
				t.Errorf("%q: %v", name, err)
			}
			return
		}
		defer content.Close()
		if got, _ := io.ReadAll(content.Body); string(got) == "secret" {
			t.Errorf("%q leads out of the folder", name)
		}
	})
}
