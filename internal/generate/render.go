package generate

import (
	"bytes"
	"embed"
	"fmt"
	"go/format"
	"path"
	"strconv"
	"strings"
	"text/template"
)

//go:embed all:templates
var templateFiles embed.FS

// render executes a template with the given name below templates/. Go files are formatted.
func render(name string, data any) ([]byte, error) {
	text, err := templateFiles.ReadFile("templates/" + name)
	if err != nil {
		return nil, err
	}
	parsed, err := template.New(name).Option("missingkey=error").Parse(string(text))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := parsed.Execute(&out, data); err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, ".go.tmpl") {
		return out.Bytes(), nil
	}
	source, err := format.Source(out.Bytes())
	if err != nil {
		return nil, fmt.Errorf("the template %s makes no Go file: %w", name, err)
	}
	return source, nil
}

// The methods below are for the templates of parts.

// InType returns the type of the input.
func (c *compiled) InType() string {
	if len(c.InputList) == 0 {
		return "actionhero.None"
	}
	return c.Ident + "Input"
}

// ImportLine returns the import of the package of the part.
func (c *compiled) ImportLine() string {
	if path.Base(c.ImportPath) == c.Package {
		return strconv.Quote(c.ImportPath)
	}
	return c.Package + " " + strconv.Quote(c.ImportPath)
}

// OnlyOne reports whether a middleware is only for the actions that list it.
func (c *compiled) OnlyOne() bool { return c.Scope == "one" }

// Params returns valid params for a test, as an expression of Go.
func (c *compiled) Params() string {
	if len(c.InputList) == 0 {
		return "nil"
	}
	pairs := make([]string, len(c.InputList))
	for i, in := range c.InputList {
		pairs[i] = strconv.Quote(in.Name) + ": " + in.Example
	}
	if len(pairs) == 1 {
		return "map[string]any{" + pairs[0] + "}"
	}
	return "map[string]any{\n" + strings.Join(pairs, ",\n") + ",\n}"
}

// Asserts returns the condition under which the test of an action fails, or "" if it compares nothing.
func (c *compiled) Asserts() string {
	if len(c.Echoed()) == 0 {
		return "!out.Done"
	}
	var faults []string
	for _, in := range c.Compared() {
		switch {
		case in.Type == "bool":
			faults = append(faults, "!out."+in.Field)
		case strings.HasPrefix(in.Type, "[]"):
			faults = append(faults, "!slices.Equal(out."+in.Field+", "+in.Want+")")
		default:
			faults = append(faults, "out."+in.Field+" != "+in.Want)
		}
	}
	return strings.Join(faults, " ||\n")
}

// Slices reports whether the test compares lists.
func (c *compiled) Slices() bool { return strings.Contains(c.Asserts(), "slices.") }
