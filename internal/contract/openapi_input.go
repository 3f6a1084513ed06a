package contract

import (
	"encoding/json"
	"slices"

	"github.com/actionhero-go/actionhero"
)

// input is the JSON Schema of the inputs of an action, in parts.
type input struct {
	Properties map[string]json.RawMessage `json:"properties"`
	Required   []string                   `json:"required"`
	Closed     *bool                      `json:"additionalProperties"`
	infos      []actionhero.Input
}

// property is what a param needs to know about the schema of an input.
type property struct {
	Type   string     `json:"type"`
	Ref    string     `json:"$ref"`
	Items  *property  `json:"items"`
	AnyOf  []property `json:"anyOf"`
	Format string     `json:"format"`
}

func (in *input) property(name string) (p property) {
	_ = json.Unmarshal(in.Properties[name], &p) // package schema has written it
	if len(p.AnyOf) > 0 {
		p = p.AnyOf[0]
	}
	return p
}

// isScalar reports whether a value can stand in a query or a path as it is.
func (p *property) isScalar() bool {
	return slices.Contains([]string{"string", "integer", "number", "boolean"}, p.Type)
}

// fitsQuery reports whether all inputs can be sent in a query, those in except apart.
func (in *input) fitsQuery(except []string) bool {
	for _, info := range in.infos {
		p := in.property(info.Name)
		list := p.Type == "array" && p.Items != nil && p.Items.isScalar()
		if !slices.Contains(except, info.Name) && (in.isFile(info.Name) || !p.isScalar() && !list) {
			return false
		}
	}
	return true
}

// isFile reports whether an input is an uploaded file, or a list of them.
func (in *input) isFile(name string) bool {
	p := in.property(name)
	return p.Format == "binary" || p.Items != nil && p.Items.Format == "binary"
}

// requiresFile reports whether an input of these is a file that each request must have.
func (in *input) requiresFile(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool { return in.isFile(name) && slices.Contains(in.Required, name) })
}

// pathParam returns an input in a path.
func (in *input) pathParam(info actionhero.Input, name pathName) object {
	p := object{"name": name.shown, "in": "path", "required": true, "schema": in.Properties[info.Name]}
	switch {
	case info.Doc != "":
		p["description"] = info.Doc
	case name.shown != name.input:
		p["description"] = "the input " + name.input
	}
	return p
}

// queryParam returns an input in a query. A list is a repeated key. Any other value that is no scalar is JSON.
func (in *input) queryParam(name string) object {
	p := object{"name": name, "in": "query"}
	if slices.Contains(in.Required, name) {
		p["required"] = true
	}
	for _, info := range in.infos {
		if info.Name == name && info.Doc != "" {
			p["description"] = info.Doc
		}
	}
	shape := in.property(name)
	if shape.isScalar() || shape.Type == "array" && shape.Items != nil && shape.Items.isScalar() {
		p["schema"] = in.Properties[name]
		return p
	}
	p["content"] = object{"application/json": object{"schema": in.Properties[name]}}
	return p
}

// body returns the body with the inputs in rest, or nil if there are none.
func (d *document) body(info *actionhero.ActionInfo, in *input, rest []string) object {
	if info.RawBody {
		return object{"content": object{"*/*": object{"schema": object{}}}}
	}
	if len(rest) == 0 {
		return nil
	}
	media := map[string]any{}
	use, _ := typesOf(info)
	whole := len(rest) == len(in.infos)
	withoutFiles := slices.DeleteFunc(slices.Clone(rest), in.isFile)
	switch {
	case len(withoutFiles) == len(rest) && whole:
		media["application/json"] = json.RawMessage(d.types.Schema(use))
	case len(withoutFiles) == len(rest):
		media["application/json"] = in.part(rest)
	case whole:
		media["multipart/form-data"] = json.RawMessage(d.types.Schema(use))
	default:
		media["multipart/form-data"] = in.part(rest)
	}
	if len(withoutFiles) < len(rest) && !in.requiresFile(rest) {
		media["application/json"] = in.part(withoutFiles)
	}
	content := object{}
	for mediaType, shape := range media {
		content[mediaType] = object{"schema": shape}
	}
	body := object{"content": content}
	if slices.ContainsFunc(rest, func(name string) bool { return slices.Contains(in.Required, name) }) {
		body["required"] = true
	}
	return body
}

// part returns the schema of an object with some of the inputs.
func (in *input) part(names []string) object {
	properties := object{}
	for _, name := range names {
		properties[name] = in.Properties[name]
	}
	part := object{"type": "object", "properties": properties}
	if required := slices.DeleteFunc(slices.Clone(in.Required), func(name string) bool { return !slices.Contains(names, name) }); len(required) > 0 {
		part["required"] = required
	}
	if in.Closed != nil {
		part["additionalProperties"] = false
	}
	return part
}
