package bench

import (
	"testing"

	"github.com/actionhero-go/actionhero/internal/testkit/docrun"
)

// TestTheCodeOfOtherFrameworksCompiles compiles the blocks of the documents that show other frameworks.
func TestTheCodeOfOtherFrameworksCompiles(t *testing.T) {
	t.Parallel()
	checker, found := docrun.NewChecker(t, ".", "context", "encoding/json", "errors", "fmt", "net/http", "testing", "time",
		"github.com/actionhero-go/actionhero", "github.com/danielgtaylor/huma/v2", "github.com/gin-gonic/gin", "github.com/hibiken/asynq",
		"github.com/riverqueue/river"), 0
	for _, file := range []string{"../docs/from-http.md", "../docs/from-queues.md"} {
		for _, b := range docrun.Blocks(t, file) {
			if b.Kind == "go" && b.Info == "peer" {
				found++
				if err := checker.Check(b); err != nil {
					t.Errorf("%s:%d: %v", file, b.Line, err)
				}
			}
		}
	}
	if found < 4 {
		t.Errorf("only %d blocks were found", found)
	}
}
