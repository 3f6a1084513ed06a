package generate_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/actionhero-go/actionhero/internal/generate"
)

// "actionhero dev" and "actionhero generate" write the same lists at the same time. None fails, the compiler never reads
// half a list, and the last list has all parts.
func TestListsAreWrittenByTwoProcessesAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/app\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "actions"), 0o700); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for i := range 3 {
		writers.Go(func() {
			for j := range 40 {
				name := fmt.Sprintf("part%d", i)
				source := fmt.Sprintf("package actions\n\nimport \"github.com/actionhero-go/actionhero\"\n\nvar %s%d = actionhero.Action[actionhero.None, actionhero.None]{Name: %q}\n", strings.ToUpper(name[:1])+name[1:], j, name)
				file := filepath.Join(dir, "actions", name+".go")
				if err := os.WriteFile(file+".new", []byte(source), 0o600); err != nil {
					t.Error(err)
				}
				if err := os.Rename(file+".new", file); err != nil {
					t.Error(err)
				}
				if _, err := generate.Sync(dir, false); err != nil {
					t.Error(err)
				}
				list, err := os.ReadFile(filepath.Join(dir, "actions", "all.gen.go"))
				if err != nil {
					t.Error(err)
				}
				if _, err := parser.ParseFile(token.NewFileSet(), "", list, 0); err != nil || len(list) == 0 {
					t.Errorf("the list of %d bytes: %v", len(list), err)
				}
			}
		})
	}
	writers.Wait()
	list, err := os.ReadFile(filepath.Join(dir, "actions", "all.gen.go"))
	if err != nil || strings.Count(string(list), "39,") != 3 {
		t.Errorf("the last list is %v\n%s", err, list)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "actions", "*tmp*")); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}
