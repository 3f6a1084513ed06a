package generate

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/actionhero-go/actionhero/internal/near"
)

// App describes a new app. Only Dir, Source and Config are required.
type App struct {
	Dir    string   // the folder of the app; made if it does not exist
	Module string   // the path of its module; default: the one of an existing go.mod, or example.com/ and the name of Dir
	With   []string // the extras that it begins with: see [Extras]
	Source Source   // see [FindSource]
	Config []byte   // the content of config.yaml
	DryRun bool     // write nothing
}

// Created is the outcome of [App.Create].
type Created struct {
	Dir       string // as given, or the current folder
	Name      string // of the program
	Module    string
	HadModule bool // go.mod existed: it may lack the framework
	Files     []File
	Notes     []string // see [Synced]
}

// extras are the options of an app, each with the folder of its templates.
var extras = []string{"auth", "cluster", "mcp", "sqlite"}

// needed are the extras that another one needs.
var needed = map[string][]string{"auth": {"sqlite"}}

// withNeeded returns With, with the extras that these need, sorted.
func (a App) withNeeded() []string {
	with := slices.Clone(a.With)
	for _, extra := range a.With {
		with = append(with, needed[extra]...)
	}
	slices.Sort(with)
	return slices.Compact(with)
}

// Has reports whether the app begins with the extra, also because another extra needs it.
func (a App) Has(extra string) bool { return slices.Contains(a.withNeeded(), extra) }

// Modules returns the folders in the framework of the further modules that the app needs. They end the paths of these modules.
func (a App) Modules() []string { return modulesOf(a.withNeeded()) }

func modulesOf(extras []string) (folders []string) {
	for _, extra := range extras {
		if folder := modules[extra]; folder != "" {
			folders = append(folders, folder)
		}
	}
	return folders
}

// Extras returns the names that [App.With] takes.
func Extras() []string { return slices.Clone(extras) }

// Create writes the files of the app. Files that exist are skipped.
func (a App) Create() (Created, error) {
	data, out, err := a.prepare()
	if err != nil {
		return out, err
	}
	w, err := openWriter(out.Dir, a.DryRun)
	if err != nil {
		return out, fmt.Errorf("the folder of the app cannot be made: %w", err)
	}
	defer w.close()
	out.HadModule = w.exists("go.mod")
	files, err := data.files()
	if err != nil {
		return out, err
	}
	for _, f := range files {
		if err = w.create(f.name, f.content); err != nil {
			break
		}
	}
	out.Files = w.files
	if err != nil {
		return out, err
	}
	return out, a.lists(w, &out)
}

// lists makes the folders of the parts, and writes their lists.
func (a App) lists(w *writer, out *Created) error {
	if a.DryRun {
		for _, k := range kinds {
			if err := w.create(path.Join(k.folder, listFile), nil); err != nil {
				return err
			}
		}
		out.Files = w.files
		return nil
	}
	for _, k := range kinds {
		if err := w.root.MkdirAll(k.folder, 0o777); err != nil {
			return fmt.Errorf("the folder %s cannot be made: %w", k.folder, err)
		}
	}
	dir, err := filepath.Abs(out.Dir)
	if err != nil {
		return err
	}
	synced, err := syncApp(root{dir: dir, module: out.Module}, false)
	out.Files = append(out.Files, synced.Files...)
	out.Notes = synced.Notes
	return err
}

// appData is what the templates of an app read.
type appData struct {
	Name, Module string
	Source       Source
	with         []string
	config       []byte
}

// Replace returns a folder of Source for go.mod.
func (d appData) Replace(below string) string {
	return quoted(filepath.Join(d.Source.Dir, filepath.FromSlash(below)))
}

// Modules returns the folders in the framework of the further modules that the app needs.
func (d appData) Modules() []string { return modulesOf(d.with) }

// Has reports whether the app has the extra.
func (d appData) Has(extra string) bool { return slices.Contains(d.with, extra) }

// prepare checks the fields of the app.
func (a App) prepare() (appData, Created, error) {
	out := Created{Dir: cmp.Or(a.Dir, ".")}
	fail := func(err error) (appData, Created, error) { return appData{}, out, err }
	if strings.ContainsFunc(out.Dir, func(r rune) bool { return unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		return fail(fmt.Errorf("the folder %q has a control character in its name: use another name", out.Dir))
	}
	for _, extra := range a.With {
		if slices.Contains(extras, extra) {
			continue
		}
		hint := ""
		if like := near.Name(extra, extras); like != "" {
			hint = fmt.Sprintf(" (did you mean %s?)", like)
		}
		return fail(fmt.Errorf("there is no extra %q%s: --with takes %s", extra, hint, strings.Join(extras, ", ")))
	}
	module, err := a.module(out.Dir)
	if err != nil {
		return fail(err)
	}
	out.Module, out.Name = module, nameOf(module)
	return appData{Name: out.Name, Module: module, Source: a.Source, with: a.withNeeded(), config: a.Config}, out, nil
}

// module returns the path of the module of the app.
func (a App) module(dir string) (string, error) {
	gomod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) && !isNotFolder(err) {
		return "", err
	}
	if found := moduleOf(gomod); found != "" {
		if a.Module != "" && a.Module != found {
			return "", fmt.Errorf("the folder %s has the module %s already: leave --module out", dir, found)
		}
		if found == Module {
			return "", fmt.Errorf("%s is the framework itself: name another folder", dir)
		}
		return found, nil
	}
	module := a.Module
	if module == "" {
		abs, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		base := filepath.Base(abs)
		if !programName.MatchString(base) || len(base) > maxName {
			return "", fmt.Errorf("the folder name %q cannot name a program: use letters, digits and . - _, or name the module with --module example.com/hello", base)
		}
		module = "example.com/" + base
	}
	if err := checkModule(module); err != nil {
		return "", err
	}
	if name := nameOf(module); !programName.MatchString(name) || len(name) > maxName {
		return "", fmt.Errorf("the end of the module path %q cannot name a program: use letters, digits and . - _, such as example.com/hello", module)
	}
	return module, nil
}

type content struct {
	name    string
	content []byte
}

// fileName returns the name of the file that a template makes.
func (d appData) fileName(template string) string {
	name := strings.TrimSuffix(template, ".tmpl")
	dir, base := path.Split(name)
	switch base {
	case "gitignore", "dockerignore", "gitkeep":
		base = "." + base
	case "service":
		base = d.Name + ".service"
	}
	return dir + base
}

// defaultPrefix is the line of config.yaml with the default of redis.prefix, without the indent.
const defaultPrefix = `#prefix: "actionHero"`

// prefixed returns the configuration with the name of the app as redis.prefix: two apps with one prefix on one server of
// Redis would be one cluster. Each name of a program is a prefix.
func (d appData) prefixed() []byte {
	return bytes.Replace(d.config, []byte(defaultPrefix), fmt.Appendf(nil, "prefix: %q", d.Name), 1)
}

// files returns the files of the app, in the order of their names.
func (d appData) files() ([]content, error) {
	config := d.prefixed()
	if d.Has("mcp") {
		config = append(slices.Clip(config), mcpConfig...)
	}
	if d.Has("sqlite") {
		config = append(slices.Clip(config), sqliteConfig...)
	}
	if d.Has("auth") {
		config = append(slices.Clip(config), accountConfig...)
	}
	files := []content{{"config.yaml", config}}
	for _, set := range append([]string{"app"}, d.with...) {
		top := "templates/" + set
		err := fs.WalkDir(templateFiles, top, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			text, err := render(strings.TrimPrefix(name, "templates/"), d)
			files = append(files, content{d.fileName(strings.TrimPrefix(name, top+"/")), text})
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	slices.SortFunc(files, func(x, y content) int { return cmp.Compare(x.name, y.name) })
	return files, nil
}
