package schema

import (
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/layout"
	"github.com/actionhero-go/actionhero/internal/near"
)

// tagNames are the names of all tags of an input.
var tagNames = []string{
	"json", "required", "default", "enum", "minimum", "maximum", "minLength", "maxLength", "pattern", "format", "minItems", "maxItems",
	"doc", "example", "secret",
}

// otherNames are names that other frameworks use for the tags of an input.
var otherNames = map[string]string{
	"min": "minimum", "max": "maximum", "minlen": "minLength", "maxlen": "maxLength", "regex": "pattern", "regexp": "pattern", "oneof": "enum",
	"options": "enum", "description": "doc", "desc": "doc", "examples": "example", "optional": "required", "sensitive": "secret",
	"password": "secret", "minsize": "minItems", "maxsize": "maxItems",
}

// checkTagNames returns an error if a tag of the field is not written as Go wants it, or if its name looks like a misspelt
// name of a tag of inputs. Tags for other packages, such as db, are not examined.
func checkTagNames(m *layout.Member) error {
	var seen []string
	for rest := strings.TrimSpace(string(m.Field.Tag)); rest != ""; rest = strings.TrimLeft(rest, " ") {
		name, value, ok := strings.Cut(rest, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \"\t\n") {
			return errTagForm(m)
		}
		quoted, err := strconv.QuotedPrefix(value)
		if err != nil || quoted[0] != '"' {
			return errTagForm(m)
		}
		if slices.Contains(seen, name) {
			return layout.Problem("has the tag %s twice: remove one", name)
		}
		seen = append(seen, name)
		if meant := meantTag(name); meant != "" {
			return layout.Problem("has the tag %s, which has no meaning: did you mean %s?", name, meant)
		}
		if rest = value[len(quoted):]; rest != "" && rest[0] != ' ' {
			return errTagForm(m)
		}
	}
	return nil
}

func errTagForm(m *layout.Member) error {
	return layout.Problem("has the tag %q, which is not of the form name:\"value\" with spaces in between: correct it", string(m.Field.Tag))
}

// meantTag returns the name of the tag that the author probably meant by name. It returns "" if name is one of tagNames,
// or resembles none of them. A name of fewer than five bytes must differ in upper and lower case only, because many short
// words are similar: bson is not json.
func meantTag(name string) string {
	if slices.Contains(tagNames, name) {
		return ""
	}
	if i := slices.IndexFunc(tagNames, func(known string) bool { return strings.EqualFold(known, name) }); i >= 0 {
		return tagNames[i]
	}
	if meant := otherNames[strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(name))]; meant != "" || len(name) < 5 {
		return meant
	}
	return near.Name(name, tagNames)
}
