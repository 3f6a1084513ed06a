package generate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/envelope"
	"github.com/actionhero-go/actionhero/internal/near"
)

// input is one input of a new action or task.
type input struct {
	Name     string // as clients send it
	Field    string // the field in Go
	Type     string // the type in Go
	Required bool
	Format   string // the tag format
	Example  string // a valid value, as a literal of Go
	Want     string // the same value as the field has it, as an expression of Go; empty: a test does not compare it
	IsFile   bool
}

// inputType is what "key:type" may name.
type inputType struct{ goType, format, example, want string }

var inputTypes = map[string]inputType{
	"string":   {"string", "", `"text"`, `"text"`},
	"int":      {"int", "", "7", "7"},
	"float":    {"float64", "", "1.5", "1.5"},
	"bool":     {"bool", "", "true", "true"},
	"email":    {"string", "email", `"ann@example.com"`, `"ann@example.com"`},
	"uri":      {"string", "uri", `"https://example.com"`, `"https://example.com"`},
	"uuid":     {"string", "uuid", `"01a209bd-1fcd-70f3-bb9a-2f53f4b47f26"`, `"01a209bd-1fcd-70f3-bb9a-2f53f4b47f26"`},
	"time":     {"time.Time", "", `"2026-11-26T17:00:00Z"`, ""},
	"date":     {"actionhero.Date", "", `"2026-11-26"`, ""},
	"duration": {"time.Duration", "", `"90s"`, "90 * time.Second"},
	"file":     {"*actionhero.File", "", `&actionhero.File{Name: "file.txt", ReadSeeker: strings.NewReader("text")}`, ""},
}

// typeNames are the types in the order in which errors list them.
var typeNames = []string{"string", "int", "float", "bool", "email", "uri", "uuid", "time", "date", "duration", "file"}

var inputName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// parseInputs parses a list such as "name:string!,age:int,tags:[]string". A "!" marks a required input. An input without
// a type is a string.
func parseInputs(list, kind string) (inputs []input, err error) {
	for text := range strings.SplitSeq(list, ",") {
		text = strings.TrimSpace(text)
		if text == "" {
			continue
		}
		in, err := parseInput(text)
		if err != nil {
			return nil, err
		}
		for _, other := range inputs {
			if other.Field == in.Field {
				return nil, fmt.Errorf("the inputs %s and %s have the same field %s: rename one", other.Name, in.Name, in.Field)
			}
		}
		if kind == "task" && in.IsFile {
			return nil, fmt.Errorf("the input %s is a file, which is gone when the task runs: keep the file in an action, and pass its name to the task", in.Name)
		}
		if use, taken := envelope.Inputs[in.Name]; taken && kind == "action" {
			return nil, fmt.Errorf("the input %s is not allowed, because the param of that name %s: use another name", in.Name, use)
		}
		inputs = append(inputs, in)
	}
	return inputs, nil
}

func parseInput(text string) (input, error) {
	name, kind, hasType := strings.Cut(text, ":")
	if !hasType {
		name, kind = strings.TrimSuffix(name, "!"), "string"+strings.Repeat("!", strings.Count(name, "!"))
	}
	if !inputName.MatchString(name) || len(name) > maxName {
		return input{}, fmt.Errorf("the input %q is not allowed: write name:type, with a letter and then letters, digits and _ in the name, such as name:string! or age:int", text)
	}
	kind, required := strings.CutSuffix(kind, "!")
	element, isList := strings.CutPrefix(kind, "[]")
	t, known := inputTypes[element]
	if !known {
		hint := ""
		if like := near.Name(element, typeNames); like != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", like)
		}
		return input{}, fmt.Errorf("the input %s has the unknown type %q%s: use %s, or [] and one of these; ! at the end marks a required input", name, kind, hint, strings.Join(typeNames, ", "))
	}
	in := input{Name: name, Field: identOf(wordsOf(name)), Type: t.goType, Required: required, Format: t.format, Example: t.example, Want: t.want, IsFile: element == "file"}
	if isList {
		in.Type = "[]" + in.Type
		in.Example = "[]any{" + t.example + "}"
		if in.IsFile {
			in.Example = in.Type + "{" + t.example + "}"
		}
		if t.want != "" {
			in.Want = in.Type + "{" + t.want + "}"
		}
	}
	return in, nil
}

// Tag returns the tags of the field, as a literal of Go.
func (in input) Tag() string {
	tag := "json:" + strconv.Quote(in.Name)
	if in.Required {
		tag += ` required:"true"`
	}
	if in.Format != "" {
		tag += " format:" + strconv.Quote(in.Format)
	}
	return "`" + tag + "`"
}

// Echo reports whether the new action repeats the input in its output.
func (in input) Echo() bool { return !in.IsFile && !envelope.Reserved(in.Name) }

// needsTime reports whether the declaration of the inputs uses the package time.
func needsTime(inputs []input) bool {
	return slices.ContainsFunc(inputs, func(in input) bool { return strings.Contains(in.Type, "time.") })
}

// required returns the names of the inputs that must be given.
func required(inputs []input) (names []string) {
	for _, in := range inputs {
		if in.Required {
			names = append(names, in.Name)
		}
	}
	return names
}
