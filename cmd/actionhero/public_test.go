package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit"
)

// If there is a folder public, its files are served as they are on disk at each request. Otherwise the start page is.
func TestPublicFolder(t *testing.T) {
	t.Parallel()
	own := t.TempDir()
	page := filepath.Join(own, "public", "index.html")
	testkit.WriteFile(t, page, "my own page")
	testkit.WriteFile(t, filepath.Join(own, "public", "folder", "file.txt"), "a file")
	p := start(t, "actionhero", own)
	for path, want := range map[string]string{"/public": "my own page", "/public/": "my own page", "/public/folder/file.txt": "a file"} {
		if status, body := p.get(path); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q, want %q", path, status, body, want)
		}
	}
	testkit.WriteFile(t, page, "changed")
	if _, body := p.get("/public"); body != "changed" {
		t.Errorf("after a change it serves %q", body)
	}
	if status, body := p.get("/public/start.js"); status != http.StatusNotFound {
		t.Errorf("the files of the start page are mixed with one's own: %d %q", status, body)
	}
	p.stop()
}

func TestStartPage(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("../../server/public/index.html")
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "actionhero", t.TempDir())
	if status, body := p.get("/public"); status != http.StatusOK || body != string(want) {
		t.Errorf("the start page is not served: %d %.100q", status, body)
	}
	for _, file := range []string{"start.js", "style.css", "icon.svg"} {
		if !strings.Contains(string(want), file) {
			t.Errorf("the start page does not use %s", file)
		}
		if status, _ := p.get("/public/" + file); status != http.StatusOK {
			t.Errorf("%s: %d", file, status)
		}
	}
	p.stop()
}

// The folder's name is a setting.
func TestOtherFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	testkit.WriteFile(t, filepath.Join(dir, "config.yaml"), "general:\n  flatFileDirectory: ./files\n")
	testkit.WriteFile(t, filepath.Join(dir, "files", "index.html"), "another page")
	testkit.WriteFile(t, filepath.Join(dir, "public", "index.html"), "not this one")
	p := start(t, "actionhero", dir)
	if status, body := p.get("/public"); status != http.StatusOK || body != "another page" {
		t.Errorf("%d %q", status, body)
	}
	p.stop()
}
