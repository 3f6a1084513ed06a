package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"unicode"
)

// maxFile is the maximum size of a file of settings, in bytes.
const maxFile = 1 << 20

// fileNames are the names that a file of settings may have, in the order of the search.
var fileNames = []string{"config.json", "config.yaml", "config.yml", "config.toml"}

// readFile finds, reads and parses the file of settings. It returns nil if there is no file. It also returns nil if the
// file cannot be read or is malformed, and then records the problem.
func (l *loader) readFile(o Options) *node {
	path := o.File
	if path == "" {
		found, err := findFile(o.Dir)
		if err != nil {
			l.problems = append(l.problems, err)
		}
		path = found
	}
	if path == "" {
		return nil
	}
	parse := parserFor(path)
	if parse == nil {
		l.fail(position{name: path}, "the extension must be .json, .yaml, .yml or .toml, so that the format is known")
		return nil
	}
	data, err := readLimited(path)
	if err != nil {
		l.problems = append(l.problems, err)
		return nil
	}
	name := path
	if o.File == "" {
		name = filepath.Base(path)
	}
	return l.parse(parse, data, name)
}

// parser converts the content of a file in one format to a tree of nodes. It returns an error if the file as a whole is
// malformed. A problem with a single value is no error: the parser records it in the loader of the reader. For an empty
// file, the returned tree is nil.
type parser func(r *reader) (*node, error)

func parserFor(path string) parser {
	switch filepath.Ext(path) {
	case ".json":
		return parseJSON
	case ".yaml", ".yml":
		return parseYAML
	case ".toml":
		return parseTOML
	}
	return nil
}

// reader holds the name and the content of one file while a parser reads the file.
type reader struct {
	l    *loader
	name string
	data []byte
}

// parse calls the parser p for the content of a file and records its errors. The libraries of the formats are large,
// and a panic in one of them must not stop the program with a stack trace. Therefore parse recovers from a panic and
// records it as a problem of the file.
func (l *loader) parse(p parser, data []byte, name string) (tree *node) {
	r := &reader{l: l, name: name, data: bytes.TrimPrefix(data, []byte("\ufeff"))}
	defer func() {
		if v := recover(); v != nil {
			l.fail(position{name: name}, "the file cannot be read: its parser failed with: %s", withoutValues(fmt.Sprint(v)))
			tree = nil
		}
	}()
	tree, err := p(r)
	var syntax *syntaxError
	switch {
	case errors.As(err, &syntax):
		l.fail(syntax.at, "%s", withoutValues(syntax.text))
		return nil
	case err != nil:
		l.fail(position{name: name}, "%s", withoutValues(err.Error()))
		return nil
	}
	return tree
}

// quotedValue matches the parts of a parser's message that may be a value of the file, and names of keys in TOML.
var quotedValue = regexp.MustCompile(`Key '[^']*'|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\x60[^\x60]*\x60|\S+ is out of range`)

// withoutValues returns the message of a parser on one line, without the values that it quotes: a parser does not know
// which settings are secrets. Single characters and keys stay.
func withoutValues(message string) string {
	return oneLine(quotedValue.ReplaceAllStringFunc(message, func(part string) string {
		letters := 0
		for _, r := range part {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				letters++
			}
		}
		switch {
		case strings.HasSuffix(part, " is out of range"):
			return "the number is out of range"
		case letters < 2 || strings.HasPrefix(part, "Key "):
			return part
		}
		return "[FILTERED]"
	}))
}

// syntaxError reports that a file is malformed, and at which position.
type syntaxError struct {
	at   position
	text string
}

func (e *syntaxError) Error() string { return fmt.Sprintf("%s: %s", e.at, e.text) }

var errTooDeep = fmt.Errorf("the file nests lists and objects deeper than %d levels", maxDepth)

// object collects the entries of an object while a parser reads the object. If a key occurs twice, reader.add records a
// problem and keeps the first entry.
type object struct {
	node *node
	seen map[string]bool
}

func newObject(at position) *object {
	return &object{node: &node{kind: objectKind, at: at}, seen: map[string]bool{}}
}

func (r *reader) add(o *object, e entry, path string) {
	if o.seen[e.key] {
		r.l.fail(e.at, "%s is given twice; keep one of the two", printable(join(path, e.key)))
		return
	}
	o.seen[e.key] = true
	o.node.entries = append(o.node.entries, e)
}

// findFile returns the path of the file of settings in the folder dir, or "" if there is none. It returns an error if
// the folder contains several of these files.
func findFile(dir string) (string, error) {
	if dir == "" {
		dir = "."
	}
	var found []string
	for _, name := range fileNames {
		_, err := os.Lstat(filepath.Join(dir, name)) // a broken symbolic link must not count as no file
		switch {
		case err == nil:
			found = append(found, name)
		case !errors.Is(err, fs.ErrNotExist):
			return "", fmt.Errorf("%s cannot be looked at: %w", name, err)
		}
	}
	if len(found) > 1 {
		last := len(found) - 1
		list := strings.Join(found[:last], ", ") + " and " + found[last]
		return "", fmt.Errorf("the folder %s holds %s; keep one of them, so that it is clear which one counts", dir, list)
	}
	if len(found) == 0 {
		return "", nil
	}
	return filepath.Join(dir, found[0]), nil
}

func readLimited(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the file of settings cannot be opened: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, fmt.Errorf("the file of settings cannot be read: %w", err)
	}
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: the file is larger than %d bytes, which no file of settings needs to be", path, maxFile)
	}
	return slices.Clip(data), nil
}
