package web_test

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/testkit"
	"github.com/actionhero-go/actionhero/server"
	"github.com/actionhero-go/actionhero/web"
)

// openAPIDoc is what the tests read of a document.
type openAPIDoc struct {
	OpenAPI    string
	Paths      map[string]map[string]openAPIOperation
	Components struct {
		Schemas         map[string]json.RawMessage
		Responses       map[string]json.RawMessage
		SecuritySchemes map[string]map[string]string
	}
}

type openAPIOperation struct {
	OperationID string
	Parameters  []struct {
		Name, In string
		Required bool
	}
	RequestBody struct {
		Required bool
		Content  map[string]struct{ Schema json.RawMessage }
	}
	Responses map[string]struct {
		Ref     string `json:"$ref"`
		Content map[string]struct{ Schema json.RawMessage }
	}
	Security []map[string][]string
	Kind     string `json:"x-kind"`
}

type openAPIInput struct {
	ID   string           `json:"id" required:"true"`
	Tags []string         `json:"tags"`
	Note string           `json:"note"`
	File *actionhero.File `json:"file"`
}

type openAPIKey struct {
	ID    string   `json:"id" required:"true" maxLength:"9"`
	Pages []int    `json:"pages"`
	Page  struct{} `json:"page"`
}

func openAPIAction[In, Out any](name, route string, kind actionhero.Kind, access actionhero.Access) actionhero.Action[In, Out] {
	return actionhero.Action[In, Out]{
		Name: name, Description: "Does " + name + ". And more.", Route: route, Kind: kind, Access: access,
		Run: func(context.Context, In) (out Out, err error) { return out, nil },
	}
}

// openAPIParts is an app whose callers send their role in a header.
func openAPIParts() actionhero.Parts {
	hidden := openAPIAction[actionhero.None, actionhero.None]("socketOnly", "", actionhero.KindWrite, actionhero.Public)
	hidden.Transports = []string{actionhero.TransportWebSocket}
	return actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Public),
		actionhero.Authenticator(func(_ context.Context, c *actionhero.Credentials) (actionhero.Identity, error) {
			if role := c.Header("X-Role"); role != "" {
				return actionhero.Identity{ID: "u", Roles: []string{role}}, nil
			}
			return actionhero.Identity{}, nil
		}),
		actionhero.SecurityScheme{Name: "role", Type: "apiKey", In: "header", Key: "X-Role"},
		openAPIAction[openAPIKey, openAPIKey]("read", "GET /things/{id}", actionhero.KindRead, actionhero.Public),
		openAPIAction[openAPIInput, actionhero.None]("upload", "PUT /things/{id}/file", actionhero.KindWrite, actionhero.Authenticated),
		openAPIAction[openAPIKey, actionhero.None]("remove", "DELETE /things/{id}", actionhero.KindDestructive, actionhero.Roles("admin")),
		hidden,
	}
}

// readOpenAPI returns the document as a caller with a role reads it.
func readOpenAPI(t *testing.T, s *testkit.Server, role string) (doc openAPIDoc, reply testkit.Reply) {
	t.Helper()
	c := s.HTTP(t)
	if role != "" {
		c.Headers = []string{"X-Role: " + role}
	}
	reply = c.Ask("GET", "/api/openapi.json", "")
	if reply.StatusCode != http.StatusOK || reply.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("%d %v: %s", reply.StatusCode, reply.Header, reply.Text)
	}
	if err := json.Unmarshal([]byte(reply.Text), &doc); err != nil {
		t.Fatal(err)
	}
	return doc, reply
}

// operations returns the operations of a document, sorted, without those of package builtin.
func (d *openAPIDoc) operations() string {
	var all []string
	for path, methods := range d.Paths {
		for method, op := range methods {
			if !slices.Contains(strings.Fields("actionsView file randomNumber status actionClusterCacheTest cacheTest say"), op.OperationID) {
				all = append(all, method+" "+path+" "+op.OperationID+" "+op.Kind)
			}
		}
	}
	slices.Sort(all)
	return strings.Join(all, "\n")
}

const (
	publicOperations = "get /things/{id} read-route read\npost /api/read read read"
	userOperations   = publicOperations + "\npost /api/upload upload write\nput /things/{id}/file upload-route write"
	allOperations    = "delete /things/{id} remove-route destructive\n" + publicOperations +
		"\npost /api/remove remove destructive\npost /api/upload upload write\nput /things/{id}/file upload-route write"
)

func TestTheDocumentShowsWhatTheCallerMayCall(t *testing.T) {
	t.Parallel()
	asks := start(t, nil, openAPIParts())
	for role, want := range map[string]string{"": publicOperations, "user": userOperations, "admin": allOperations} {
		if doc, _ := readOpenAPI(t, asks, role); doc.operations() != want {
			t.Errorf("%q reads:\n%s\nwant:\n%s", role, doc.operations(), want)
		}
	}
	all := start(t, func(cfg *server.Config) { cfg.CommonWeb.OpenAPI = "all" }, openAPIParts())
	if doc, _ := readOpenAPI(t, all, ""); doc.operations() != allOperations {
		t.Errorf("with the setting all:\n%s", doc.operations())
	}
	off := start(t, func(cfg *server.Config) { cfg.CommonWeb.OpenAPI = "off" }, openAPIParts())
	if r := off.HTTP(t).Ask("GET", "/api/openapi.json", ""); r.StatusCode != http.StatusNotFound {
		t.Errorf("with the setting off: %d %s", r.StatusCode, r.Text)
	}
}

func TestTheDocumentIsTheSameTwiceAndHasAnETag(t *testing.T) {
	t.Parallel()
	s := start(t, nil, openAPIParts())
	_, first := readOpenAPI(t, s, "user")
	_, second := readOpenAPI(t, s, "user")
	_, public := readOpenAPI(t, s, "")
	tag := first.Header.Get("Etag")
	if first.Text != second.Text || tag == "" || tag != second.Header.Get("Etag") || tag == public.Header.Get("Etag") {
		t.Errorf("tags %q, %q, %q", tag, second.Header.Get("Etag"), public.Header.Get("Etag"))
	}
	if cache, vary := first.Header.Get("Cache-Control"), first.Header.Values("Vary"); cache != "private, no-cache" || !slices.Contains(vary, "Cookie, Authorization") {
		t.Errorf("Cache-Control %q, Vary %q", cache, vary)
	}
	c := s.HTTP(t)
	c.Headers = []string{"X-Role: user", "If-None-Match: " + tag}
	if r := c.Ask("GET", "/api/openapi.json", ""); r.StatusCode != http.StatusNotModified || r.Text != "" {
		t.Errorf("%d %q", r.StatusCode, r.Text)
	}
	if other, err := newWebServer(t).OpenAPI(); err != nil || !json.Valid(other) {
		t.Error(err)
	}
}

// newWebServer returns the web server of the app, which does not listen.
func newWebServer(t *testing.T) *web.Server {
	t.Helper()
	s, err := server.New(server.Config{Tasks: server.TasksConfig{Memory: true}}, openAPIParts())
	if err != nil {
		t.Fatal(err)
	}
	return s.Web
}

func TestAnActionOrARouteNamedLikeTheDocumentComesFirst(t *testing.T) {
	t.Parallel()
	own := openAPIAction[actionhero.None, actionhero.None]("openapi.json", "", actionhero.KindRead, actionhero.Public)
	s := start(t, plain, actionhero.DefaultAccess(actionhero.Public), own)
	if r := s.HTTP(t).Ask("GET", "/api/openapi.json", ""); r.StatusCode != http.StatusNoContent {
		t.Errorf("the action: %d %s", r.StatusCode, r.Text)
	}
	s = start(t, plain, openAPIAction[actionhero.None, actionhero.None]("mine", "GET /api/openapi.json", actionhero.KindRead, actionhero.Public))
	if r := s.HTTP(t).Ask("GET", "/api/openapi.json", ""); r.StatusCode != http.StatusNoContent {
		t.Errorf("the route: %d %s", r.StatusCode, r.Text)
	}
}

func TestTheDocumentIsNoActionOfTheApp(t *testing.T) {
	t.Parallel()
	s := start(t, nil, openAPIParts())
	if r := s.HTTP(t).Ask("GET", "/api/actionsView", ""); r.StatusCode != http.StatusOK || strings.Contains(r.Text, "openapi.json") {
		t.Error(r.Text)
	}
	if doc, _ := readOpenAPI(t, s, ""); doc.Paths["/api/status"]["get"].OperationID != "status" || doc.Paths["/api/openapi.json"] != nil {
		t.Errorf("%v", doc.Paths)
	}
	limited := start(t, func(cfg *server.Config) { cfg.General.RequestLimit = 1 }, openAPIParts())
	c := limited.HTTP(t)
	c.Ask("GET", "/api/openapi.json", "")
	if r := c.Ask("GET", "/api/openapi.json", ""); r.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a second request beyond the limit: %d", r.StatusCode)
	}
	if r := s.HTTP(t).Ask("GET", "/api/openapi.json?callback=f", ""); !strings.HasPrefix(r.Text, "{") {
		t.Errorf("JSONP: %s", r.Text)
	}
}

func TestAnOperationHasItsParamsBodyAnswersAndSecurity(t *testing.T) {
	t.Parallel()
	doc, _ := readOpenAPI(t, start(t, nil, openAPIParts()), "admin")
	params := func(op openAPIOperation) string {
		var all []string
		for _, p := range op.Parameters {
			text := p.In + " " + p.Name
			if p.Required {
				text += "!"
			}
			all = append(all, text)
		}
		return strings.Join(all, ", ")
	}
	read := doc.Paths["/things/{id}"]["get"]
	if got := params(read); got != "path id!, query pages, query page" || read.Security == nil || len(read.Security) > 0 {
		t.Errorf("read: %s, security %v", got, read.Security)
	}
	upload := doc.Paths["/things/{id}/file"]["put"]
	form := string(upload.RequestBody.Content["multipart/form-data"].Schema)
	if params(upload) != "path id!" || upload.RequestBody.Required || !strings.Contains(form, `"file":{"type":"string","format":"binary"}`) || strings.Contains(form, `"id"`) {
		t.Errorf("upload: %s, %s", params(upload), form)
	}
	if len(upload.Security) != 1 || upload.Security[0]["role"] == nil || doc.Components.SecuritySchemes["role"]["name"] != "X-Role" {
		t.Errorf("security %v, %v", upload.Security, doc.Components.SecuritySchemes)
	}
	byName := doc.Paths["/api/upload"]["post"].RequestBody
	if got := string(byName.Content["multipart/form-data"].Schema); !byName.Required || got != `{"$ref":"#/components/schemas/openAPIInput"}` {
		t.Errorf("upload by name: %s", got)
	}
	if got := string(read.Responses["200"].Content["application/json"].Schema); got != `{"allOf":[{"$ref":"#/components/schemas/openAPIKey"},{"$ref":"#/components/schemas/Envelope"}]}` {
		t.Errorf("read answers %s", got)
	}
	for _, status := range strings.Fields("400 401 403 404 409 413 415 429 500 503 504") {
		if got := upload.Responses[status].Ref; got != "#/components/responses/"+status || doc.Components.Responses[status] == nil {
			t.Errorf("%s is %q", status, got)
		}
	}
	inPlain, _ := readOpenAPI(t, start(t, plain, openAPIParts()), "admin")
	upload = inPlain.Paths["/api/upload"]["post"]
	if _, ok := upload.Responses["204"]; !ok || !strings.Contains(string(inPlain.Components.Responses["400"]), `"application/problem+json"`) {
		t.Errorf("plain: %v", upload.Responses)
	}
	without, _ := readOpenAPI(t, start(t, func(cfg *server.Config) { cfg.CommonWeb.ReturnErrorCodes = new(bool) }, openAPIParts()), "admin")
	if read = without.Paths["/api/read"]["post"]; len(read.Responses) != 1 || !strings.Contains(string(read.Responses["200"].Content["application/json"].Schema), "Failure") {
		t.Errorf("without statuses: %v", read.Responses)
	}
}

func TestTheDocumentHasStreamsDownloadsAndOptionalFiles(t *testing.T) {
	t.Parallel()
	type photos struct {
		ID     string             `json:"id" required:"true"`
		Photos []*actionhero.File `json:"photos"`
		Note   string             `json:"note"`
	}
	type required struct {
		File *actionhero.File `json:"file" required:"true"`
	}
	parts := actionhero.Parts{
		actionhero.DefaultAccess(actionhero.Public),
		openAPIAction[actionhero.None, web.EventsOf[openAPIKey]]("stream", "GET /stream", actionhero.KindRead, actionhero.Public),
		openAPIAction[photos, actionhero.None]("photos", "DELETE /photos/{id}", actionhero.KindWrite, actionhero.Public),
		openAPIAction[required, actionhero.None]("needs", "", actionhero.KindWrite, actionhero.Public),
		openAPIAction[actionhero.None, *actionhero.Content]("download", "", actionhero.KindRead, actionhero.Public),
	}
	doc, reply := readOpenAPI(t, start(t, nil, parts), "")
	stream := doc.Paths["/stream"]["get"]
	if _, ok := stream.Responses["200"].Content["text/event-stream"]; !ok || len(stream.Responses["200"].Content) != 1 || len(stream.Parameters) != 1 || stream.Parameters[0].Name != "Last-Event-ID" {
		t.Errorf("the stream: %+v", stream)
	}
	if !strings.Contains(reply.Text, `"x-event-data":{"$ref":"#/components/schemas/openAPIKey"}`) {
		t.Error("the stream has no type of its data")
	}
	byName := doc.Paths["/api/photos"]["post"].RequestBody.Content
	if form, object := string(byName["multipart/form-data"].Schema), string(byName["application/json"].Schema); form != `{"$ref":"#/components/schemas/photosInput"}` ||
		!strings.Contains(object, `"note"`) || strings.Contains(object, "photos") {
		t.Errorf("photos: %s, %s", form, object)
	}
	if remove := doc.Paths["/photos/{id}"]["delete"]; len(remove.Parameters) != 2 {
		t.Errorf("a query has a file: %+v", remove.Parameters)
	}
	if needs := doc.Paths["/api/needs"]["post"].RequestBody.Content; len(needs) != 1 {
		t.Errorf("a required file: %v", needs)
	}
	download := doc.Paths["/api/download"]["get"]
	for _, status := range []string{"200", "206", "304", "416"} {
		if _, ok := download.Responses[status]; !ok {
			t.Errorf("the download has no %s", status)
		}
	}
	without, _ := readOpenAPI(t, start(t, func(cfg *server.Config) { cfg.CommonWeb.ReturnErrorCodes = new(bool) }, parts), "")
	if media := without.Paths["/api/download"]["get"].Responses["200"].Content; len(media) != 2 || media["application/json"].Schema == nil {
		t.Errorf("without statuses, a download may fail with 200: %v", media)
	}
}
