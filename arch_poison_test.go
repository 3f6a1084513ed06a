package actionhero_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// withoutBytes lists the files whose pools hold no bytes of clients that a reader could see after the release, with the
// reason.
var withoutBytes = map[string]string{
	"room.go":                      "slices of pointers, which are cleared",
	"tasks.go":                     "a Params value that is cleared",
	"web/compress.go":              "encoders, which are reset",
	"internal/http1/call.go":       "requests, whose fields are cleared",
	"internal/decode/unmarshal.go": "values, which are cleared",
	"internal/jsonx/codec.go":      "a writer of the buffer of its caller",
}

// TestReleasedBuffersAreOverwritten checks that each file with a pool calls poison.Bytes. In builds with the tag poison,
// a reader of a released buffer then sees no bytes of another client.
func TestReleasedBuffersAreOverwritten(t *testing.T) {
	t.Parallel()
	pool, pools := regexp.MustCompile(`sync\.Pool\b`), 0
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && (entry.Name() == "bench" || entry.Name() == "site" || entry.Name() == "testdata" || len(entry.Name()) > 1 && entry.Name()[0] == '.') {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil || !pool.Match(text) {
			return err
		}
		pools++
		path = filepath.ToSlash(path)
		reason, excepted := withoutBytes[path]
		if poisons := strings.Contains(string(text), "poison.Bytes("); poisons == excepted {
			t.Errorf("%s has a pool and calls poison.Bytes: %v, but the list of exceptions has it: %v %s", path, poisons, excepted, reason)
		}
		return nil
	})
	if err != nil || pools < 10 {
		t.Errorf("%d files with pools, %v", pools, err)
	}
}
