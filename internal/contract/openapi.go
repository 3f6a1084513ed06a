// Package contract writes documents about an app from its [actionhero.Description].
package contract

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/route"
	"github.com/actionhero-go/actionhero/internal/schema"
)

// HTTP says how a server answers over HTTP.
type HTTP struct {
	Actions    string // the path of actions, such as "/api"
	Plain      bool   // the envelope is plain
	ErrorCodes bool   // an error has its own status
	Echo       bool   // the classic envelope repeats the params
	MaxBody    int64  // bytes of a body, unless the action has its own limit
}

// object is a JSON object. Its members are written in the order of their names.
type object = map[string]any

// document is a document of OpenAPI while it is written.
type document struct {
	HTTP
	types *schema.Document
	all   []actionhero.ActionInfo
	paths map[string]object
	forms map[string]string // the path in the document, by the path without the names of its params
	auth  []actionhero.SecurityScheme
	used  map[string]bool // the components other than types of the app to which the document refers
}

// OpenAPI returns a document of OpenAPI 3.1 about the actions in shown. all is the whole app: a type has the same name in
// the documents of all callers.
func OpenAPI(all, shown actionhero.Description, h HTTP) ([]byte, error) {
	d := &document{HTTP: h, all: all.Actions, paths: map[string]object{}, forms: map[string]string{}, used: map[string]bool{}, auth: shown.SecuritySchemes}
	var uses []schema.Use
	for i := range all.Actions {
		in, out := typesOf(&all.Actions[i])
		uses = append(uses, in, out)
		if data := all.Actions[i].EventData(); data != nil {
			uses = append(uses, schema.Use{Type: data, Output: true})
		}
	}
	d.types = schema.NewDocument("#/components/schemas/", uses, reflect.TypeFor[actionhero.File](), "Envelope", "Failure", "Problem")
	for i := range shown.Actions {
		if err := d.action(&shown.Actions[i]); err != nil {
			return nil, fmt.Errorf("action %q: %w", shown.Actions[i].Name, err)
		}
	}
	return json.Marshal(object{
		"openapi": "3.1.0", "jsonSchemaDialect": "https://spec.openapis.org/oas/3.1/dialect/base",
		"info":       object{"title": shown.Name, "version": shown.Version},
		"servers":    []object{{"url": "/"}},
		"security":   []object{},
		"paths":      d.paths,
		"components": d.components(),
	})
}

// typesOf returns the uses of the input and the output of an action.
func typesOf(info *actionhero.ActionInfo) (in, out schema.Use) {
	it, ot := info.Types()
	return schema.Use{Type: it, Strict: info.Strict}, schema.Use{Type: ot, Output: true}
}

// action adds the operations of an action: its routes, and the path with its name.
func (d *document) action(info *actionhero.ActionInfo) error {
	in, _ := typesOf(info)
	var input input
	if err := json.Unmarshal(d.types.Body(in), &input); err != nil {
		return err
	}
	input.infos = info.Inputs
	method := "POST"
	if info.Kind == actionhero.KindRead && input.fitsQuery(nil) && !onlyChanges(info.Routes) {
		method = "GET"
	}
	id := operationID(info)
	if !info.Superseded {
		d.operation(info, &input, method, d.Actions+"/"+info.Name, info.Name)
	}
	if info.Version > 0 {
		d.operation(info, &input, method, d.Actions+"/"+info.VersionedName(), id)
	}
	for i, text := range info.Routes {
		if d.belongsToNewer(info, text) {
			continue
		}
		method, path, _ := strings.Cut(text, " ")
		id := id + "-route"
		if i > 0 {
			id += strconv.Itoa(i + 1)
		}
		d.operation(info, &input, method, path, id)
	}
	return nil
}

// markDeprecated marks the operation of a deprecated action.
func (*document) markDeprecated(op object, d *actionhero.Deprecation) {
	if d == nil {
		return
	}
	text, _ := op["description"].(string)
	op["deprecated"], op["x-deprecated-since"] = true, d.Since
	op["description"] = strings.TrimSpace(text + "\n\nDeprecated " + d.String())
	if d.Sunset != "" {
		op["x-sunset"] = d.Sunset
	}
	if d.Replacement != "" {
		op["x-replacement"] = d.Replacement
	}
}

// operationID returns the name of the operation that runs exactly this version of an action. No action has a name with ~.
func operationID(info *actionhero.ActionInfo) string {
	if info.Version == 0 {
		return info.Name
	}
	return info.Name + "~v" + strconv.Itoa(info.Version)
}

// belongsToNewer reports whether a route of an action runs a newer version of it, unless a param or a header asks for this
// one, which no document of OpenAPI can say.
func (d *document) belongsToNewer(info *actionhero.ActionInfo, text string) bool {
	mine, err := route.Parse(text)
	return err == nil && slices.ContainsFunc(d.all, func(other actionhero.ActionInfo) bool {
		return other.Name == info.Name && other.Version > info.Version && slices.ContainsFunc(other.Routes, func(text string) bool {
			theirs, err := route.Parse(text)
			return err == nil && theirs.Equal(mine)
		})
	})
}

// onlyChanges reports whether an action has routes, but none for GET or HEAD: its name then does not answer to GET.
func onlyChanges(routes []string) bool {
	return len(routes) > 0 && !slices.ContainsFunc(routes, func(r string) bool { return strings.HasPrefix(r, "GET ") || strings.HasPrefix(r, "HEAD ") })
}

// operation adds one operation.
func (d *document) operation(info *actionhero.ActionInfo, in *input, method, path, id string) {
	path, names := d.path(path)
	op := object{
		"operationId": id, "summary": summary(info), "responses": d.responses(info, len(in.infos) > len(names)),
		"security": d.security(info), "x-kind": info.Kind.String(), "x-access": info.Access.String(),
	}
	if info.Description != "" {
		op["description"] = info.Description
	}
	d.markDeprecated(op, info.Deprecated)
	if info.Version > 0 {
		op["x-version"] = info.Version
	}
	if info.Idempotent {
		op["x-idempotent"] = true
	}
	if info.Transports != nil {
		op["x-transports"] = info.Transports
	}
	if info.Timeout > 0 {
		op["x-timeout-seconds"] = info.Timeout.Seconds()
	}
	params := []object{}
	var rest []string
	for _, i := range in.infos {
		if at := slices.IndexFunc(names, func(n pathName) bool { return n.input == i.Name }); at >= 0 {
			params = append(params, in.pathParam(i, names[at]))
		} else {
			rest = append(rest, i.Name)
		}
	}
	if slices.Contains([]string{"GET", "HEAD", "DELETE"}, method) {
		for _, name := range rest {
			if !in.isFile(name) {
				params = append(params, in.queryParam(name))
			}
		}
	} else if body := d.body(info, in, rest); body != nil {
		op["requestBody"] = body
		op["x-max-body-bytes"] = info.MaxBody
		if info.MaxBody == 0 {
			op["x-max-body-bytes"] = d.MaxBody
		}
	}
	if info.IdempotencyKey != actionhero.KeyIgnored {
		params = append(params, object{
			"name": "Idempotency-Key", "in": "header", "required": info.IdempotencyKey == actionhero.KeyRequired,
			"description": "A text in quotes that the client makes anew for each operation and sends again with each retry of it.",
			"schema":      object{"type": "string", "minLength": 3}, "example": `"8e03978e-40d5-43dd-bc93-6894a57f9324"`,
		})
	}
	if info.EventData() != nil {
		params = append(params, object{"name": "Last-Event-ID", "in": "header", "description": "the ID of the last event that the client has received", "schema": object{"type": "string"}})
	}
	if method == "GET" && info.ReturnsContent() && d.ErrorCodes {
		params = append(params, object{"name": "Range", "in": "header", "description": "the part of the bytes that the client needs; a stream answers with all of them", "schema": object{"type": "string"}, "example": "bytes=0-1023"})
		responses := op["responses"].(object)
		responses["206"], responses["304"] = d.bytes(), object{"description": "The client has these bytes already."}
		responses["416"] = object{"description": "The bytes do not have this part."}
	}
	if len(params) > 0 {
		op["parameters"] = params
	}
	if d.paths[path] == nil {
		d.paths[path] = object{}
	}
	d.paths[path][strings.ToLower(method)] = op
}

func summary(info *actionhero.ActionInfo) string {
	if first, _, _ := strings.Cut(info.Description, ". "); first != "" {
		return strings.TrimSuffix(first, ".")
	}
	return info.Name
}

// pathName is a param in a path: the input that it gives, and its name in the document.
type pathName struct{ input, shown string }

// path returns the path of a route as the document has it. Two paths that differ only in the names of their params are one
// path of the document, so the names of the first one count.
func (d *document) path(route string) (path string, names []pathName) {
	form := make([]string, 0, 4)
	for segment := range strings.SplitSeq(route, "/") {
		if name, ok := strings.CutPrefix(segment, "{"); ok {
			name = strings.TrimSuffix(strings.TrimSuffix(name, "}"), "...")
			names = append(names, pathName{name, name})
			segment = "{" + strconv.FormatBool(strings.HasSuffix(segment, "...}")) + "}"
		}
		form = append(form, segment)
	}
	key := strings.Join(form, "/")
	path, known := d.forms[key]
	if !known {
		path = strings.ReplaceAll(route, "...}", "}")
		d.forms[key] = path
	}
	i := 0
	for segment := range strings.SplitSeq(path, "/") {
		if strings.HasPrefix(segment, "{") {
			names[i].shown = strings.Trim(segment, "{}")
			i++
		}
	}
	return path, names
}

// security returns what a caller must send: one of the schemes, unless each caller may run the action.
func (d *document) security(info *actionhero.ActionInfo) []object {
	list := []object{}
	if info.Access.Allows(actionhero.Identity{}) {
		return list
	}
	for _, scheme := range d.auth {
		list = append(list, object{scheme.Name: []string{}})
	}
	return list
}

// components returns the types, the answers with errors and the security schemes to which the document refers.
func (d *document) components() object {
	schemas := object{}
	for name, text := range d.types.Definitions() {
		schemas[name] = json.RawMessage(text)
	}
	c := object{"schemas": schemas, "responses": d.errorResponses()}
	d.addEnvelope(schemas)
	schemes := object{}
	for _, s := range d.auth {
		one := object{"type": s.Type}
		for key, value := range map[string]string{"scheme": s.Scheme, "in": s.In, "name": s.Key, "description": s.Description} {
			if value != "" {
				one[key] = value
			}
		}
		schemes[s.Name] = one
	}
	if len(schemes) > 0 {
		c["securitySchemes"] = schemes
	}
	return c
}
