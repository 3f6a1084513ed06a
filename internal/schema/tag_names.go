package schema

import (
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero/internal/layout"
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
	seen := map[string]bool{}
	for rest := strings.TrimSpace(string(m.Field.Tag)); rest != ""; rest = strings.TrimLeft(rest, " ") {
		name, value, ok := strings.Cut(rest, ":")
		if !ok || name == "" || strings.ContainsAny(name, " \"\t\n") {
			return errTagForm(m)
		}
		quoted, err := strconv.QuotedPrefix(value)
		if err != nil || quoted[0] != '"' {
			return errTagForm(m)
		}
		if seen[name] {
			return layout.Problem("has the tag %s twice: remove one", name)
		}
		seen[name] = true
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
// or resembles none of them.
func meantTag(name string) string {
	lower := strings.ToLower(name)
	for _, known := range tagNames {
		if name == known {
			return ""
		}
	}
	if known := Nearest(name, tagNames); known != "" {
		return known
	}
	return otherNames[strings.NewReplacer("_", "", "-", "").Replace(lower)]
}

// Resembles reports whether a and b differ by one or two typing errors. Texts of fewer than five bytes never resemble each
// other, because too many words are similar to a short one.
func Resembles(a, b string) bool {
	if min(len(a), len(b)) < 5 || max(len(a), len(b)) > 64 {
		return false
	}
	most := 1
	if min(len(a), len(b)) >= 7 {
		most = 2
	}
	return distance(a, b) <= most
}

// distance returns the number of insertions, deletions, replacements and swaps of neighbours that turn a into b.
func distance(a, b string) int {
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(b)]
}

// Nearest returns the name in names that resembles name, or "".
func Nearest(name string, names []string) string {
	for _, known := range names {
		if strings.EqualFold(name, known) {
			return known
		}
	}
	for _, known := range names {
		if Resembles(strings.ToLower(name), strings.ToLower(known)) {
			return known
		}
	}
	return ""
}
