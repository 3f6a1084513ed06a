package conformance

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/auth"
	"github.com/actionhero-go/actionhero/builtin"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

type upload struct {
	ID    string             `json:"id" required:"true"`
	File  *actionhero.File   `json:"file" required:"true"`
	Files []*actionhero.File `json:"files"`
}

type search struct {
	Query string         `json:"query" minLength:"2"`
	Tags  []string       `json:"tags"`
	Near  map[string]int `json:"near"`
}

// page is generic, so its name has brackets.
type page[T any] struct {
	Items []T     `json:"items"`
	Next  *string `json:"next"`
}

func answers[In, Out any](name, description string, kind actionhero.Kind, access actionhero.Access, routes ...string) actionhero.Action[In, Out] {
	return actionhero.Action[In, Out]{
		Name: name, Description: description, Kind: kind, Access: access, Routes: routes,
		Run: func(context.Context, In) (out Out, err error) { return out, nil },
	}
}

// everything is an app with each kind of input, output, route and access.
func everything(t *testing.T, h *harness) actionhero.Parts {
	keyed := answers[address, address]("keyed", "", actionhero.KindWrite, actionhero.Public)
	keyed.IdempotencyKey = actionhero.KeyRequired
	first, second := answers[thingID, address]("versioned", "", actionhero.KindRead, actionhero.Public, "GET /versioned/{id}"), answers[address, tree]("versioned", "Is new", actionhero.KindWrite, actionhero.Public)
	first.Version, second.Version = 1, 2
	raw := answers[actionhero.None, map[string]any]("raw", "Takes anything", actionhero.KindWrite, actionhero.Scopes("raw"), "POST /raw")
	raw.RawBody = true
	return actionhero.Parts{
		builtin.Stock, actionhero.DefaultAccess(actionhero.Authenticated),
		auth.NewSessions(auth.SessionConfig{}), auth.NewKeys(auth.KeyConfig{Store: auth.KeysInFolder(t.TempDir()), Header: "X-API-Key"}),
		auth.Bearer(func(context.Context, string) (actionhero.Identity, error) { return actionhero.Identity{}, nil }),
		auth.Basic(auth.BasicConfig{Realm: "r", Check: func(context.Context, string, string) (actionhero.Identity, error) { return actionhero.Identity{}, nil }}),
		action[integers](h, "integers", false), action[numbers](h, "numbers", false), action[texts](h, "texts", false), action[formats](h, "formats", false),
		action[times](h, "times", false), action[nested](h, "nested", false), action[optionals](h, "optionals", false), action[tree](h, "tree", false),
		action[lists](h, "lists", false), action[tree](h, "strictTree", true),
		answers[upload, upload2]("upload", "Takes files. All of them.", actionhero.KindWrite, actionhero.Access{}, "PUT /things/{id}/files", "POST /things/{id}/files"),
		answers[search, page[tree]]("search", "Finds", actionhero.KindRead, actionhero.Public, "GET /things", "POST /search"),
		answers[thingID, *actionhero.Content]("download", "Sends bytes", actionhero.KindRead, actionhero.Public, "GET /files/{id...}"),
		answers[thingID, page[nested]]("thing", "", actionhero.KindRead, actionhero.Roles("a", "b"), "GET /things/{id}"),
		answers[thingName, actionhero.None]("remove", "Removes", actionhero.KindDestructive, actionhero.Roles("a"), "DELETE /things/{name}"),
		keyed, raw, first, second,
		answers[thingID, web.EventsOf[tree]]("stream", "Sends events", actionhero.KindRead, actionhero.Public, "GET /things/{id}/events"),
		answers[photos, actionhero.None]("photos", "Takes photos", actionhero.KindWrite, actionhero.Public, "PUT /things/{id}/photos"),
		actionhero.Event[nested]{Name: "changed", Room: "thing:{id}", Description: "A thing has changed."}, actionhero.Event[*tree]{Name: "grown", Room: "thing:{id}"},
		actionhero.Event[[]times]{Name: "ticks", Room: "clock"}, actionhero.Event[string]{Name: "shout", Room: "{room}"}, actionhero.Event[any]{Name: "any:thing.x", Room: "a-{x}:{y}"},
		actionhero.Event[map[string]optionals]{Name: "map", Room: "thing {id}"},
	}
}

// configurations are the servers whose documents the validators read.
var configurations = map[string]func(*server.Config){
	"classic":           func(*server.Config) {},
	"plain":             func(cfg *server.Config) { cfg.CommonWeb.Envelope = "plain" },
	"without statuses":  func(cfg *server.Config) { cfg.CommonWeb.ReturnErrorCodes = new(bool) },
	"strict, own paths": func(cfg *server.Config) { cfg.General.StrictParams, cfg.CommonWeb.URLPathForActions = true, "v1" },
}

// keepDocument writes a document for validators that are no Go programs, if the variable DOCUMENTS names a folder.
func keepDocument(t *testing.T, name string, text []byte) {
	if dir := os.Getenv("DOCUMENTS"); dir != "" {
		file := filepath.Join(dir, strings.NewReplacer(" ", "-", ",", "").Replace(name)+".json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

type upload2 struct {
	ID string `json:"id"`
}

// photos has a list of files, which need not be given.
type photos struct {
	ID     string             `json:"id" required:"true"`
	Photos []*actionhero.File `json:"photos" maxItems:"3"`
	Note   string             `json:"note"`
}

type thingID struct {
	ID string `json:"id" required:"true"`
}

type thingName struct {
	Name  string `json:"name" required:"true" doc:"which"`
	Force bool   `json:"force"`
}

// TestTheDocumentIsValidOpenAPI asks a validator of others, for each envelope.
func TestTheDocumentIsValidOpenAPI(t *testing.T) {
	for name, change := range configurations {
		t.Run(name, func(t *testing.T) {
			h := &harness{last: &judged{}}
			h.api = newServer(t, change, everything(t, h))
			text, err := h.api.Web.OpenAPI()
			if err != nil {
				t.Fatal(err)
			}
			keepDocument(t, "openapi "+name, text)
			doc, err := openapi3.NewLoader().LoadFromData(text)
			if err != nil {
				t.Fatal(err)
			}
			if err := doc.Validate(t.Context()); err != nil {
				t.Error(err)
			}
			operations := 0
			for _, item := range doc.Paths.Map() {
				operations += len(item.Operations())
			}
			if want := len(h.api.Actions()) + 12; operations != want || len(doc.Components.SecuritySchemes) != 4 || len(doc.Components.Schemas) < 12 {
				t.Errorf("%d operations of %d, %d schemes, %d schemas", operations, want, len(doc.Components.SecuritySchemes), len(doc.Components.Schemas))
			}
			for schema := range doc.Components.Schemas {
				if strings.Contains(string(text), `"`+schema+`":`) && !strings.Contains(string(text), `"#/components/schemas/`+schema+`"`) {
					t.Errorf("nothing refers to %s", schema)
				}
			}
		})
	}
}

// TestTheSchemasOfTheDocumentJudgeAlike compares the schema of each body in the document with the schema of the inputs,
// which TestTheSchemaAndTheServerJudgeInputsAlike compares with the server.
func TestTheSchemasOfTheDocumentJudgeAlike(t *testing.T) {
	h := newHarness(t)
	text, err := h.api.Web.OpenAPI()
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Paths map[string]map[string]struct {
			RequestBody struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct{ Schemas map[string]any }
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "#/components/schemas/", "#/$defs/")), &doc); err != nil {
		t.Fatal(err)
	}
	for _, info := range h.api.Describe().Actions {
		body := doc.Paths["/api/"+info.Name]["post"].RequestBody.Content["application/json"].Schema
		if body == nil {
			t.Errorf("%s has no body", info.Name)
			continue
		}
		body["$defs"] = doc.Components.Schemas
		whole, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		one, other := compile(t, info.InputSchema), compile(t, whole)
		g := newGenerator(t, info.InputSchema, 2)
		for i := range 100 {
			var v any
			if err := json.Unmarshal(g.input(i), &v); err != nil {
				t.Fatal(err)
			}
			if a, b := one.Validate(v), other.Validate(v); (a == nil) != (b == nil) {
				t.Errorf("%s: %v by its own schema: %v; by the document: %v", info.Name, v, a, b)
			}
		}
	}
}
