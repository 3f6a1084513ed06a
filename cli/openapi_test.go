package cli_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
)

var greeting = actionhero.Action[actionhero.None, actionhero.None]{
	Name: "greet", Run: func(context.Context, actionhero.None) (none actionhero.None, err error) { return none, nil },
}

func TestTheCommandOpenapiPrintsTheDocumentOfTheApp(t *testing.T) {
	t.Parallel()
	var texts []string
	for _, args := range [][]string{{"openapi"}, {"openapi"}, {"openapi", "--indent=false"}} {
		out, errs, code := run(t, `{"commonWeb": {"urlPathForActions": "v1", "openAPI": "off"}}`, actionhero.Parts{greeting}, args...)
		var doc struct {
			OpenAPI string
			Paths   map[string]map[string]struct{ OperationID string }
		}
		if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 || errs != "" {
			t.Fatalf("%v, exit code %d, %s", err, code, errs)
		}
		found := 0
		for path, methods := range doc.Paths {
			for _, op := range methods {
				if strings.HasPrefix(path, "/v1/") && op.OperationID == "greet" {
					found++
				}
			}
		}
		if found != 1 || doc.OpenAPI != "3.1.0" {
			t.Errorf("%d operations in %s", found, out)
		}
		texts = append(texts, out)
	}
	if texts[0] != texts[1] || strings.Count(texts[2], "\n") != 1 {
		t.Error("the document is not the same twice, or has lines without the indent")
	}
}
