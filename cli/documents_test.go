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

func TestTheCommandAsyncapiPrintsTheDocumentOfTheApp(t *testing.T) {
	t.Parallel()
	config := `{"httpServer": {"port": 8081}, "tcpServer": {"enable": false}, "commonWeb": {"openAPI": "off"}}`
	out, errs, code := run(t, config, actionhero.Parts{greeting}, "asyncapi")
	var doc struct {
		AsyncAPI string
		Servers  map[string]struct {
			Variables map[string]struct{ Default string }
		}
		Operations map[string]any
	}
	if err := json.Unmarshal([]byte(out), &doc); err != nil || code != 0 || errs != "" || doc.AsyncAPI != "3.0.0" {
		t.Fatalf("%v, exit code %d, %s", err, code, errs)
	}
	if len(doc.Servers) != 2 || doc.Servers["websocket"].Variables["port"].Default != "8081" || doc.Operations["websocket-greet"] == nil || doc.Operations["tcp-greet"] != nil {
		t.Errorf("%v, %d operations", doc.Servers, len(doc.Operations))
	}
	again, _, _ := run(t, config, actionhero.Parts{greeting}, "asyncapi")
	if again != out {
		t.Error("the document is not the same twice")
	}
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
