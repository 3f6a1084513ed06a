package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
)

// DefaultPrefix begins the name of every environment variable unless [Options] says otherwise.
const DefaultPrefix = "ACTIONHERO"

// Options says where [Load] looks. The zero value reads a file in the working directory, if there is one, and no environment.
type Options struct {
	// Dir is the folder in which config.json, config.yaml, config.yml or config.toml may be. Default: the working directory.
	Dir string
	// File is the path of the file to read instead of looking in Dir; it must exist. Its extension names its format. Default: none.
	File string
	// Env holds the environment in the form of [os.Environ]; of two entries with the same name the last counts. Default: empty.
	Env []string
	// Prefix begins the variables that belong to the program; an unknown variable with this prefix is an error. Default: [DefaultPrefix].
	Prefix string
}

// Load reads the file and the environment into dst, a pointer to a struct that holds the defaults.
//
// The error joins one sentence per problem, each naming the file (with line and column, where the format's library gives them)
// or the variable, the setting, and what was expected. When there is an error, dst is as it was before.
func Load(dst any, o Options) error {
	return load(dst, o, func(l *loader) *node { return l.readFile(o) })
}

// load is Load with the file's tree from anywhere.
func load(dst any, o Options, read func(*loader) *node) error {
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return fmt.Errorf("config.Load needs a pointer to a struct of settings, not %T", dst)
	}
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	known, err := collect(target.Elem(), o.Prefix)
	if err != nil {
		return err
	}
	l := &loader{known: known}
	work := reflect.New(target.Elem().Type()).Elem()
	work.Set(target.Elem())
	if tree := read(l); tree != nil {
		l.set(work, tree, "", tags{})
	}
	l.applyEnv(work, o)
	if err := l.err(); err != nil {
		return err
	}
	target.Elem().Set(work)
	return nil
}

// maxProblems is how many problems are told in full: who has more is reading the wrong file.
const maxProblems = 50

// loader gathers what is wrong while a tree is applied, so that one run shows everything.
type loader struct {
	known    []setting
	problems []error
	untold   int
}

// full reports whether a further problem would only be counted.
func (l *loader) full() bool { return len(l.problems) >= maxProblems }

// fail notes a problem; the sentence begins with the place.
func (l *loader) fail(at place, format string, args ...any) {
	if l.full() {
		l.untold++
		return
	}
	l.problems = append(l.problems, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

// err joins all problems, nil when there is none.
func (l *loader) err() error {
	if l.untold > 0 {
		return errors.Join(append(l.problems, fmt.Errorf("there are %d more problems of this kind", l.untold))...)
	}
	return errors.Join(l.problems...)
}

// unknown notes a name that no field has, with the nearest one that exists.
func (l *loader) unknown(at place, path string, siblings []field, parent string) {
	var names []string
	for _, f := range siblings {
		names = append(names, join(parent, f.name))
	}
	for _, s := range l.known {
		names = append(names, s.path)
	}
	l.fail(at, "%s is not a known setting%s", printable(path), l.didYouMean(path, names))
}

// unknownVariable notes a variable with our prefix that no setting has.
func (l *loader) unknownVariable(at place) {
	var names []string
	for _, s := range l.known {
		if !s.fileOnly {
			names = append(names, s.env)
		}
	}
	l.fail(at, "this environment variable belongs to no known setting%s", l.didYouMean(at.name, names))
}

func (l *loader) didYouMean(name string, known []string) string {
	if l.full() {
		return ""
	}
	if near := nearest(name, known); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// applyEnv turns each variable into the tree that a file with this one setting would give, and applies it.
func (l *loader) applyEnv(work reflect.Value, o Options) {
	byEnv := make(map[string]setting, len(l.known))
	for _, s := range l.known {
		byEnv[s.env] = s
	}
	for _, entry := range lastOfEach(o.Env) {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, o.Prefix+"_") {
			continue
		}
		at := place{name: printable(name)}
		s, ok := byEnv[name]
		if !ok {
			l.unknownVariable(at)
			continue
		}
		value, err := envNode(s, text, at)
		if err != nil {
			l.fail(at, "%s %s", s.path, err)
			continue
		}
		l.set(work, wrap(s.keys, value), "", tags{})
	}
}

// lastOfEach keeps the last entry of each name, in the order in which the names first appear.
func lastOfEach(env []string) []string {
	at := map[string]int{}
	var out []string
	for _, entry := range env {
		name, _, ok := strings.Cut(entry, "=")
		if !ok {
			continue
		}
		if i, seen := at[name]; seen {
			out[i] = entry
			continue
		}
		at[name] = len(out)
		out = append(out, entry)
	}
	return out
}
