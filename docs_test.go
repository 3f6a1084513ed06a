package actionhero_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit/docrun"
)

// packagesOfDocuments are the packages that the code of the documents uses.
var packagesOfDocuments = []string{
	"bytes", "context", "crypto/hmac", "crypto/rand", "crypto/sha256", "crypto/subtle", "crypto/x509", "database/sql", "encoding/hex", "encoding/json",
	"errors", "fmt", "io", "log/slog", "net/http", "os", "strings", "sync", "testing", "testing/synctest", "time",
	module, module + "/actionherotest", module + "/auth", module + "/auth/oauth", module + "/builtin", module + "/cli", module + "/limit", module + "/server", module + "/web",
}

// TestTheCodeOfTheDocumentsCompiles compiles each block of Go code of docs/. A block with a file name, of any kind, shows
// lines of that file. A comment above a block, which readers do not see, declares what the block refers to, or says after
// "fragment:" why it cannot compile. The module bench compiles code of other frameworks.
func TestTheCodeOfTheDocumentsCompiles(t *testing.T) {
	t.Parallel()
	checker, found := docrun.NewChecker(t, ".", packagesOfDocuments...), 0
	for _, file := range documents(t) {
		if file == filepath.Join("docs", "tutorial.md") {
			continue // cmd/actionhero runs all of it
		}
		for _, b := range docrun.Blocks(t, file) {
			if b.Kind != "go" && strings.Contains(b.Info, "/") {
				shows(t, b)
			}
			if b.Kind != "go" || b.Info == "peer" {
				continue
			}
			found++
			if reason, ok := strings.CutPrefix(b.Note, "fragment:"); ok {
				if strings.TrimSpace(reason) == "" {
					t.Errorf("%s:%d: a fragment needs a reason", file, b.Line)
				}
			} else if b.Info != "" {
				shows(t, b)
			} else if err := checker.Check(b); err != nil {
				t.Errorf("%s:%d: %v", file, b.Line, err)
			}
		}
	}
	if found < 14 {
		t.Errorf("only %d blocks were found", found)
	}
}

// shows compares a block with the file that it shows.
func shows(t *testing.T, b docrun.Block) {
	t.Helper()
	source, err := os.ReadFile(b.Info)
	if err != nil || !strings.Contains(string(source), b.Text) {
		t.Errorf("%s:%d: %s does not have these lines (%v)", b.File, b.Line, b.Info, err)
	}
}

// documents lists the documents with blocks below docs/.
func documents(t *testing.T) (files []string) {
	t.Helper()
	for _, file := range wordFiles(t) {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(file, "docs/") && strings.Contains(string(source), "\n```") {
			files = append(files, filepath.FromSlash(file))
		}
	}
	return files
}
