package actionhero_test

import (
	"embed"
	"hash/crc32"
	"io"
	"io/fs"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/backend/local"
	"github.com/actionhero-go/actionhero/transport"
)

//go:embed server/public
var program embed.FS

// opened passes files on, in a type of its own if wrap is set.
type opened struct {
	fs.FS
	wrap bool
}

func (o opened) Open(name string) (fs.File, error) {
	file, err := o.FS.Open(name)
	if seeker, ok := file.(io.Seeker); ok && o.wrap {
		return struct {
			fs.File
			io.Seeker
		}{file, seeker}, err
	}
	return file, err
}

// The checksum of a file in the program is known, whatever part of the file was read. The content of any other file is not, because
// its bytes can change.
func TestOnlyFilesInTheProgramHaveAChecksum(t *testing.T) {
	t.Parallel()
	public, err := fs.Sub(program, "server/public")
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(public, "index.html")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		files fs.FS
		known bool
	}{
		"in the program":          {public, true},
		"wrapped":                 {opened{public, false}, true},
		"changed while it passes": {opened{public, true}, false},
		"in memory":               {fstest.MapFS{"index.html": {Data: text}}, false},
	} {
		api, err := actionhero.New(actionhero.Config{FlatFileDirectory: filepath.Join(t.TempDir(), "none"), Backend: local.New(local.Config{})})
		if err != nil {
			t.Fatal(err)
		}
		api.Files.Embed(test.files)
		if err := api.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"index.html", "", "/index.html"} {
			content, err := api.Files.Open(path)
			if err != nil {
				t.Fatal(err)
			}
			sum, ok := transport.Checksum(content)
			if want := crc32.Checksum(text, crc32.MakeTable(crc32.Castagnoli)); ok != test.known || ok && sum != want {
				t.Errorf("%s, %q: the checksum is %x, %v, want %x, %v", name, path, sum, ok, want, test.known)
			}
			if got, err := io.ReadAll(content.Body); err != nil || string(got) != string(text) {
				t.Errorf("%s, %q: %v, %d bytes, want %d", name, path, err, len(got), len(text))
			}
			_ = content.Close()
		}
		if err := api.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}
