//go:build linux

package web_test

import (
	"testing"

	"github.com/actionhero-go/actionhero/server"
)

// A file from memory has one header Expires, the one of files, like a file from disk.
func TestAFileFromMemoryHasOneExpires(t *testing.T) {
	t.Parallel()
	s := start(t, func(c *server.Config) { c.CommonWeb.HTTPHeaders = map[string]string{"Expires": "0"} })
	s.Web.KeepFilesAtOnce()
	s.Put(t, "a.txt", "text")
	disk := s.HTTP(t).Ask("GET", "/public/a.txt", "").Header["Expires"]
	memory := s.HTTP(t).Ask("GET", "/public/a.txt", "").Header["Expires"]
	if len(disk) != 1 || len(memory) != 1 || memory[0] == "0" {
		t.Errorf("Expires is %q from disk, and %q from memory", disk, memory)
	}
}
