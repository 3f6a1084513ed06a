package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/actionhero-go/actionhero/internal/setting"
)

// DefaultPrefix is the first part of the name of every environment variable unless [Options] has another one.
const DefaultPrefix = "ACTIONHERO"

// Options are the sources that [Load] reads. The zero value reads a file in the working directory, if there is one, and no
// environment.
type Options struct {
	// Dir is the folder in which config.json, config.yaml, config.yml or config.toml may be. Default: the working directory.
	Dir string
	// File is the path of a file to read instead of searching Dir; it must exist. Its extension names its format. Default: none.
	File string
	// Env holds the environment in the form of [os.Environ]; of two entries with the same name the last counts. Default: empty.
	Env []string
	// Prefix is the first part of the names of the program's variables; Load refuses an unknown variable with this prefix.
	// Default: [DefaultPrefix].
	Prefix string
}

// Origins holds the source of each setting that was given, by its path: a file with its line ("config.json:3"; the format TOML
// has no lines), or an environment variable.
type Origins map[string]string

// Load fills dst, a pointer to a struct of settings, with its defaults and then with the settings of the file and of the
// environment. See [setting.Fill] for the defaults: a field of dst that is not zero keeps its value.
//
// The error joins one sentence per problem, each with the file (with line and column, except in TOML) or the variable, the
// setting, and the expected value. After an error, dst is unchanged.
func Load(dst any, o Options) (Origins, error) {
	return load(dst, o, func(l *loader) *node { return l.readFile(o) })
}

// load is Load with a function that returns the tree of the file.
func load(dst any, o Options, read func(*loader) *node) (Origins, error) {
	target := reflect.ValueOf(dst)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("config.Load needs a pointer to a struct of settings, not %T", dst)
	}
	if o.Prefix == "" {
		o.Prefix = DefaultPrefix
	}
	work := reflect.New(target.Elem().Type()).Elem()
	work.Set(target.Elem())
	setting.Fill(work.Addr().Interface())
	known, err := collect(work, o.Prefix)
	if err != nil {
		return nil, err
	}
	l := &loader{known: known, origins: Origins{}}
	if tree := read(l); tree != nil {
		l.set(work, tree, "", setting.Tags{})
	}
	l.applyEnv(work, o)
	if err := l.err(); err != nil {
		return nil, err
	}
	target.Elem().Set(work)
	return l.origins, nil
}

// maxProblems is how many problems an error lists. More of them mean that the file is the wrong one.
const maxProblems = 50

// loader collects the problems while a tree is applied, so that one run shows all of them.
type loader struct {
	known    []leaf
	origins  Origins
	problems []error
	unlisted int
}

// full reports whether a further problem is only counted.
func (l *loader) full() bool { return len(l.problems) >= maxProblems }

func (l *loader) count() int { return len(l.problems) + l.unlisted }

// fail records a problem; its sentence begins with the position.
func (l *loader) fail(at position, format string, args ...any) {
	if l.full() {
		l.unlisted++
		return
	}
	l.problems = append(l.problems, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

// err joins all problems; it is nil if there are none.
func (l *loader) err() error {
	if l.unlisted > 0 {
		return errors.Join(append(l.problems, fmt.Errorf("there are %d more problems of this kind", l.unlisted))...)
	}
	return errors.Join(l.problems...)
}

// unknown records a name that no field has, with the nearest known name.
func (l *loader) unknown(at position, path string, siblings []setting.Field, parent string) {
	var names []string
	for _, f := range siblings {
		names = append(names, join(parent, f.Name))
	}
	for _, s := range l.known {
		names = append(names, s.path)
	}
	l.fail(at, "%s is not a known setting%s", printable(path), l.didYouMean(path, names))
}

// unknownVariable records a variable that has the prefix of the program and belongs to no setting.
func (l *loader) unknownVariable(at position) {
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

// applyEnv turns each variable into the tree of a file with this one setting, and applies it.
func (l *loader) applyEnv(work reflect.Value, o Options) {
	byEnv := make(map[string]leaf, len(l.known))
	for _, s := range l.known {
		byEnv[s.env] = s
	}
	for _, entry := range lastOfEach(o.Env) {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, o.Prefix+"_") {
			continue
		}
		at := position{name: printable(name)}
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
		l.set(work, wrap(s.keys, value), "", setting.Tags{})
	}
}

// lastOfEach returns the last entry of each name, in the order of the first entries.
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
