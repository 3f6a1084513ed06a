package generate

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
)

var (
	moduleLine   = regexp.MustCompile(`(?m)^\s*module\s+("[^"\n]*"|\S+)`)
	pathElement  = regexp.MustCompile(`^[A-Za-z0-9_~-][A-Za-z0-9._~-]*$`)
	programName  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*$`)
	windowsName  = regexp.MustCompile(`(?i)^(con|com[1-9]|nul|prn|aux|lpt[1-9])(\.|$)`) // of devices; no checkout on Windows could have it
	majorVersion = regexp.MustCompile(`^v[0-9]+$`)
)

// moduleOf returns the path of the module whose go.mod has this content, or "".
func moduleOf(gomod []byte) string {
	m := moduleLine.FindSubmatch(gomod)
	if m == nil {
		return ""
	}
	if text, err := strconv.Unquote(string(m[1])); err == nil {
		return text
	}
	return string(m[1])
}

// checkModule returns an error if path cannot be the path of a module.
func checkModule(modulePath string) error {
	for element := range strings.SplitSeq(modulePath, "/") {
		if element == "vendor" || windowsName.MatchString(element) {
			return fmt.Errorf("the module path %q has the element %q, which Go does not take: use another name, such as --module example.com/hello", modulePath, element)
		}
		if !pathElement.MatchString(element) || strings.HasSuffix(element, ".") {
			return fmt.Errorf("the module path %q is not allowed: use letters, digits and . - _ ~ between slashes, such as example.com/hello", modulePath)
		}
	}
	return nil
}

// nameOf returns the name of the program: the last element of the module path that is no major version.
func nameOf(modulePath string) string {
	name := path.Base(modulePath)
	if majorVersion.MatchString(name) && strings.Contains(modulePath, "/") {
		name = path.Base(path.Dir(modulePath))
	}
	return name
}

// root is the folder of an existing app.
type root struct {
	dir    string // of the folders actions, tasks and so on
	module string // the import path of dir
}

// findApp returns the app that dir belongs to. The app is the first folder, from dir upwards, that has one of the folders
// of parts, up to the folder of go.mod. If there is none, the folder of go.mod is the app.
func findApp(dir string) (root, error) {
	start, err := filepath.Abs(dir)
	if err != nil {
		return root{}, err
	}
	app := ""
	for at := start; ; at = filepath.Dir(at) {
		if app == "" && hasParts(at) {
			app = at
		}
		gomod, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil {
			return newRoot(at, app, gomod)
		}
		if !errors.Is(err, fs.ErrNotExist) && !isNotFolder(err) {
			return root{}, err
		}
		if at == filepath.Dir(at) {
			return root{}, fmt.Errorf("no go.mod is in %s or above: run this in the folder of an app, or make one with \"actionhero generate DIR\"", start)
		}
	}
}

func isNotFolder(err error) bool {
	_, isPath := errors.AsType[*fs.PathError](err)
	return isPath && !errors.Is(err, fs.ErrPermission)
}

func newRoot(folder, app string, gomod []byte) (root, error) {
	module := moduleOf(gomod)
	switch {
	case module == "":
		return root{}, fmt.Errorf("%s has no line \"module PATH\"", filepath.Join(folder, "go.mod"))
	case module == Module && app == "":
		return root{}, fmt.Errorf("%s is the framework, not an app: make an app with \"actionhero generate DIR\"", folder)
	case app == "":
		app = folder
	}
	below, err := filepath.Rel(folder, app)
	if err != nil {
		return root{}, err
	}
	return root{dir: app, module: path.Join(module, filepath.ToSlash(below))}, nil
}

func hasParts(dir string) bool {
	for _, k := range kinds {
		if info, err := os.Stat(filepath.Join(dir, k.folder)); err == nil && info.IsDir() {
			return true
		}
	}
	return false
}

// Source says where the module of the framework comes from: a released version, or a folder with its source.
type Source struct {
	Version string // such as "v0.1.0"
	Dir     string // absolute; empty: the version is published
}

var pseudoVersion = regexp.MustCompile(`-(0\.)?[0-9]{14}-[0-9a-f]{12}$`)

// Released reports whether the plugins have the same version. A version without a tag differs, because it has the commit of
// each module: "go mod tidy" finds it.
func (s Source) Released() bool { return !pseudoVersion.MatchString(s.Version) }

// FindSource returns the source for the go.mod of a new app. The rule: If dir is not empty, the source is there. If this
// program was built from a checkout that still exists, the source is that checkout. Otherwise the app requires the
// version of this program. A program without a version was built by "go run" or "go build" with -trimpath: then the source
// is the checkout that the current folder is in. version is the version of a checkout, such as "0.1.0".
func FindSource(dir, version string) (Source, error) {
	if dir != "" {
		return sourceIn(dir, version)
	}
	if checkout := compiledFrom(); checkout != "" {
		if s, err := sourceIn(checkout, version); err == nil {
			return s, nil
		}
	}
	if info, ok := debug.ReadBuildInfo(); ok {
		if s, err := sourceOf(info); err == nil {
			return s, nil
		}
	}
	return sourceAbove(".", version)
}

// sourceAbove returns the checkout that the folder is in.
func sourceAbove(folder, version string) (Source, error) {
	at, err := filepath.Abs(folder)
	if err != nil {
		return Source{}, err
	}
	for {
		if s, err := sourceIn(at, version); err == nil {
			return s, nil
		}
		if at == filepath.Dir(at) {
			return Source{}, errNoSource
		}
		at = filepath.Dir(at)
	}
}

var errNoSource = errors.New("this program has no version, and the folder that it was built from is unknown or gone: run it in a checkout of " + Module + ", or name one with --source DIR")

// sourceOf returns the version of the framework in the program with this build information.
func sourceOf(info *debug.BuildInfo) (Source, error) {
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path != Module {
			continue
		}
		if m.Replace == nil && strings.HasPrefix(m.Version, "v") && !strings.HasSuffix(m.Version, "+dirty") {
			return Source{Version: m.Version}, nil
		}
	}
	return Source{}, errNoSource
}

func sourceIn(dir, version string) (Source, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return Source{}, err
	}
	gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil || moduleOf(gomod) != Module {
		return Source{}, fmt.Errorf("%s is no checkout of %s: name the folder that has its go.mod", dir, Module)
	}
	return Source{Version: "v" + version, Dir: dir}, nil
}

// compiledFrom returns the folder of the source that this program was built from, or "". A folder of the module cache is
// no checkout: its version is published. With -trimpath the folder is unknown.
func compiledFrom() string {
	_, file, _, ok := runtime.Caller(0)
	if !ok || !filepath.IsAbs(filepath.FromSlash(file)) {
		return ""
	}
	dir := filepath.Dir(filepath.Dir(filepath.Dir(filepath.FromSlash(file))))
	if strings.Contains(filepath.Base(dir), "@") {
		return ""
	}
	return dir
}

// quoted returns a path for go.mod, in quotes if the syntax of go.mod needs them.
func quoted(text string) string {
	if strings.ContainsAny(text, " \t\"'`(),[]{}=>") || strings.Contains(text, "//") {
		return strconv.Quote(text)
	}
	return text
}
