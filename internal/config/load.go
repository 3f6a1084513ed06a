package config

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"github.com/actionhero-go/actionhero/internal/near"
	"github.com/actionhero-go/actionhero/internal/setting"
)

// DefaultPrefix is the first part of the name of every environment variable if [Options] has no other prefix.
const DefaultPrefix = "ACTIONHERO"

// Options selects the sources that [Load] reads. With the zero value, Load reads a file in the working directory, if
// there is one, and no environment variables.
type Options struct {
	// Dir is the folder that may contain config.json, config.yaml, config.yml or config.toml. Default: the working
	// directory.
	Dir string
	// File is the path of the file to read; if File is set, Load does not search Dir. The file must exist. Its
	// extension determines the format. Default: none.
	File string
	// Env holds the environment variables in the form of [os.Environ]. If two entries have the same name, the last
	// entry counts. An empty variable counts as not set. Variables that Kubernetes or Docker set for a service with the
	// name of the program are ignored. Default: empty.
	Env []string
	// Prefix is the first part of the names of the program's environment variables. Load returns an error for an
	// unknown variable with this prefix. Default: [DefaultPrefix].
	Prefix string
	// SkipUnknown makes Load skip settings and variables that dst does not have, for a program that reads a few settings of
	// another program. Default: false.
	SkipUnknown bool
	// SkipFile makes Load read no file. Default: false.
	SkipFile bool
}

// Origins maps the path of each setting that a file or the environment contains to the origin of its value.
type Origins map[string]Origin

// Origin is the source of a value: a file with its line ("config.json:3"; a TOML file has no line), or the name of an
// environment variable.
type Origin struct {
	Source string
	value  string // in the form of an environment variable; a setting with another value was changed by the program
}

// Load sets the fields of dst, a pointer to a struct of settings. It sets the defaults first, then the settings of the
// file, then the settings of the environment. [setting.Fill] sets the defaults: a field of dst that is not zero keeps
// its value. Load returns the origin of each setting that the file or the environment contains.
//
// The error joins one sentence per problem. Each sentence names the setting, the expected value, and the variable or
// the file with line and column (except in TOML). After an error, dst is unchanged.
func Load(dst any, o Options) (Origins, error) {
	return load(dst, o, func(l *loader) *node {
		if o.SkipFile {
			return nil
		}
		return l.readFile(o)
	})
}

// load does the work of [Load]. The parameter read returns the parsed content of the file, or nil if there is no file.
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
	l := &loader{known: known, origins: Origins{}, skipUnknown: o.SkipUnknown}
	if tree := read(l); tree != nil {
		l.set(work, tree, "", setting.Tags{})
	}
	l.applyEnv(work, o)
	if err := l.err(); err != nil {
		return nil, err
	}
	target.Elem().Set(work)
	return l.origins, l.keepValues(work, o.Prefix)
}

// keepValues adds the values in work to the origins.
func (l *loader) keepValues(work reflect.Value, prefix string) error {
	known, err := collect(work, prefix) // again, because the values of pointers are new
	for _, s := range known {
		if origin, ok := l.origins[s.path]; ok {
			l.origins[s.path] = Origin{origin.Source, s.show()}
		}
	}
	return err
}

// maxProblems is the maximum number of problems that an error lists. A larger number of problems means that the program
// reads the wrong file.
const maxProblems = 50

// loader sets the settings and collects all problems, so that one error lists all of them.
type loader struct {
	known    []leaf
	origins  Origins
	problems []error
	unlisted int

	skipUnknown bool
}

// full reports whether the list of problems is full. If the list is full, fail only counts further problems.
func (l *loader) full() bool { return len(l.problems) >= maxProblems }

// count returns the number of problems found so far, including those that the list does not contain.
func (l *loader) count() int { return len(l.problems) + l.unlisted }

// fail records a problem. The error message of the problem begins with the position.
func (l *loader) fail(at position, format string, args ...any) {
	if l.full() {
		l.unlisted++
		return
	}
	l.problems = append(l.problems, fmt.Errorf("%s: %s", at, fmt.Sprintf(format, args...)))
}

// err returns one error that joins all problems, or nil if there are none.
func (l *loader) err() error {
	if l.unlisted > 0 {
		return errors.Join(append(l.problems, fmt.Errorf("there are %d more problems of this kind", l.unlisted))...)
	}
	return errors.Join(l.problems...)
}

// unknown records a problem: no setting has the given path. The message suggests the most similar known name. siblings
// are the known fields of the object with the path parent.
func (l *loader) unknown(at position, path string, siblings []setting.Field, parent string) {
	if l.skipUnknown {
		return
	}
	var names []string
	for _, f := range siblings {
		names = append(names, join(parent, f.Name))
	}
	for _, s := range l.known {
		names = append(names, s.path)
	}
	hint := l.didYouMean(path, names)
	if hint == "" && parent == "" && !l.full() {
		hint = "; an app declares a section of its own with actionhero.Section"
	}
	l.fail(at, "%s is not a known setting%s", printable(path), hint)
}

// unknownVariable records a problem: an environment variable has the prefix of the program but belongs to no setting.
func (l *loader) unknownVariable(at position) {
	if l.skipUnknown {
		return
	}
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
	if similar := near.Name(name, known); similar != "" {
		return "; did you mean " + similar + "?"
	}
	return ""
}

// applyEnv sets the settings whose environment variables are in o.Env. An empty variable counts as not set, because
// process managers and Compose files set empty variables for values that they do not have. It converts each variable to the tree of a file
// with this one setting, so that files and variables follow the same rules.
func (l *loader) applyEnv(work reflect.Value, o Options) {
	byEnv := make(map[string]leaf, len(l.known))
	for _, s := range l.known {
		byEnv[s.env] = s
	}
	for _, entry := range lastOfEach(o.Env) {
		name, text, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, o.Prefix+"_") || text == "" || fromOrchestrator(name[len(o.Prefix):], text) {
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

// orchestrated matches the end of the names of the variables that Kubernetes and Docker set in each container for each
// service that the container can reach: ACTIONHERO_SERVICE_HOST for a service named actionhero, and
// ACTIONHERO_WEB_PORT_80_TCP_ADDR for a service named actionhero-web.
var orchestrated = regexp.MustCompile(`_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$`)

// serviceURL matches the values of the variables NAME_PORT that Kubernetes and Docker set. The name alone does not
// decide, because a setting may be named port.
var serviceURL = regexp.MustCompile(`^(tcp|udp|sctp)://`)

// fromOrchestrator reports whether an orchestrator set the variable. name is the name of the variable after the prefix.
// The variable has the prefix of the program only because a service has the name of the program.
func fromOrchestrator(name, value string) bool {
	return orchestrated.MatchString(name) || strings.HasSuffix(name, "_PORT") && serviceURL.MatchString(value)
}

// lastOfEach returns one entry for each variable name in env: the last entry with the name. The names are in the order
// of their first entries.
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
