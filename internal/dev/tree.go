package dev

import (
	"bytes"
	"hash/maphash"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// kind is what a change asks for. A larger kind includes the smaller ones.
type kind int

const (
	nothing kind = iota
	reload       // pages are loaded again
	restart      // the program starts again
	build        // the program is built again
)

// tree is what is known about the files of an app. A scan finds what has changed since the last one. Files are compared
// by their content, because editors write files that have not changed, and Sync writes files that were seen already.
type tree struct {
	dir   string   // absolute
	roots []string // absolute: dir, and the folders of other modules that are built from their source
	seed  maphash.Seed

	mu     sync.Mutex
	public string // absolute: the folder of static files
	config string // absolute: the file of the configuration; empty: one of configNames in dir
	files  map[string]file
	embeds []string // the patterns of all files
}

// file is what is known about a file, by its absolute path.
type file struct {
	kind   kind
	size   int64
	time   time.Time
	sum    uint64
	embeds []string // absolute patterns of the files that are compiled into the program with this one
}

// change is a set of files that have changed.
type change struct {
	kind  kind
	paths []string // relative to the folder of the app
	at    time.Time
}

// join returns one change for both. The later one counts for the time.
func (c change) join(later change) change {
	paths := slices.Concat(c.paths, later.paths)
	slices.Sort(paths)
	return change{max(c.kind, later.kind), slices.Compact(paths), later.at}
}

// newTree returns the tree of the app in dir, which has seen no file.
func newTree(dir, config string, roots []string) *tree {
	return &tree{
		dir: dir, roots: append([]string{dir}, roots...), seed: maphash.MakeSeed(), public: resolved(filepath.Join(dir, "public")), config: config,
		files: map[string]file{},
	}
}

// resolved returns the path of a folder without symbolic links, which a walk would not follow and the system would not
// watch. A folder that does not exist keeps its path.
func resolved(folder string) string {
	if real, err := filepath.EvalSymlinks(folder); err == nil {
		return real
	}
	return filepath.Clean(folder)
}

// setPublic sets the folder of static files, which the running app knows.
func (t *tree) setPublic(folder string) {
	if !filepath.IsAbs(folder) {
		folder = filepath.Join(t.dir, folder)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if folder = resolved(folder); folder != t.public && folder != t.dir {
		t.public = folder
		t.scanLocked() // its files have not changed
	}
}

// folders returns the folders to watch.
func (t *tree) folders() (list []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.walk(func(dir string, isDir bool, _ fs.DirEntry) {
		if isDir {
			list = append(list, dir)
		}
	})
	return list
}

// scan returns what has changed since the last scan.
func (t *tree) scan() change {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.scanLocked()
}

func (t *tree) scanLocked() (c change) {
	before := t.files
	t.files = make(map[string]file, len(before))
	var rest []string // files that matter only if they are embedded
	t.walk(func(name string, isDir bool, entry fs.DirEntry) {
		if isDir {
			return
		}
		if k := t.kindOf(name); k != nothing {
			t.add(name, k, entry, before)
		} else {
			rest = append(rest, name)
		}
	})
	t.embeds = t.embedded()
	for _, name := range rest {
		if embeds(t.embeds, name) {
			t.add(name, build, nil, before)
		}
	}
	for name, old := range before {
		if now, ok := t.files[name]; !ok || now.sum != old.sum || now.kind != old.kind {
			c = c.join(t.changed(name, max(old.kind, now.kind)))
		}
	}
	for name, now := range t.files {
		if _, ok := before[name]; !ok {
			c = c.join(t.changed(name, now.kind))
		}
	}
	return c
}

func (t *tree) changed(name string, k kind) change {
	if short, err := filepath.Rel(t.dir, name); err == nil && len(short) < len(name) {
		name = filepath.ToSlash(short)
	}
	return change{k, []string{name}, time.Now()}
}

// write calls write, which returns the paths of the source files that it has written. They are no changes.
func (t *tree) write(write func() (names []string)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, name := range write() {
		t.add(name, build, nil, nil)
	}
}

// add records a file. If its size and its time are those of before, it is not read again.
func (t *tree) add(name string, k kind, entry fs.DirEntry, before map[string]file) {
	var info fs.FileInfo
	var err error
	if entry != nil && entry.Type()&fs.ModeSymlink == 0 {
		info, err = entry.Info()
	} else {
		info, err = os.Stat(name)
	}
	if err != nil || !info.Mode().IsRegular() {
		delete(t.files, name)
		return
	}
	f := file{kind: k, size: info.Size(), time: info.ModTime()}
	if old, ok := before[name]; ok && old.size == f.size && old.time.Equal(f.time) {
		f.sum, f.embeds = old.sum, old.embeds
		t.files[name] = f
		return
	}
	if f.sum = uint64(f.time.UnixNano()) ^ uint64(f.size)<<40; f.size <= maxRead {
		text, err := os.ReadFile(name)
		if err != nil {
			return // it is gone again
		}
		f.sum = maphash.Bytes(t.seed, text)
		if strings.HasSuffix(name, ".go") {
			f.embeds = embedPatterns(filepath.Dir(name), text)
		}
	}
	t.files[name] = f
}

// maxRead is the size of the largest file whose content is compared, in bytes. Larger ones are compared by their time.
const maxRead = 4 << 20

// walk calls visit for each folder and each file that may matter.
func (t *tree) walk(visit func(name string, isDir bool, entry fs.DirEntry)) {
	for _, root := range append(t.roots, t.public) {
		_ = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil: // it is gone again, or not readable
				return nil
			case !entry.IsDir():
				visit(name, false, entry)
			case name != root && t.skips(root, name):
				return filepath.SkipDir
			default:
				visit(name, true, entry)
			}
			return nil
		})
	}
}

// skips reports whether nothing below a folder matters.
func (t *tree) skips(root, name string) bool {
	base := filepath.Base(name)
	if root == t.public {
		return base != ".well-known" && strings.HasPrefix(base, ".")
	}
	if name == t.public || base == "node_modules" || base == "vendor" || base == "testdata" || base[0] == '.' || base[0] == '_' {
		return true // the folder of static files is walked on its own
	}
	_, err := os.Lstat(filepath.Join(name, "go.mod"))
	return err == nil // another module
}

var configNames = []string{"config.json", "config.yaml", "config.yml", "config.toml"}

// kindOf returns what a change of a file asks for, if it is not embedded.
func (t *tree) kindOf(name string) kind {
	base := filepath.Base(name)
	if isOfEditor(base) {
		return nothing
	}
	switch ext := filepath.Ext(base); {
	case name == t.config, t.config == "" && filepath.Dir(name) == t.dir && slices.Contains(configNames, base):
		return restart
	case within(t.public, name):
		return reload
	case ext == ".go" && !strings.HasSuffix(base, "_test.go") && base[0] != '_', base == "go.mod", base == "go.sum", base == "go.work", ext == ".s", ext == ".c", ext == ".h":
		return build
	case !within(t.dir, name):
		return nothing
	case slices.Contains([]string{".tmpl", ".gotmpl", ".gohtml", ".tpl", ".html", ".htm"}, ext):
		return restart
	}
	return nothing
}

// isOfEditor reports whether a file is one that editors and other tools write next to the files of the user.
func isOfEditor(base string) bool {
	return base == "4913" || strings.HasPrefix(base, ".") || strings.HasPrefix(base, "#") || strings.HasSuffix(base, "~") ||
		slices.Contains([]string{".swp", ".swx", ".tmp", ".bak", ".orig", ".part", ".crdownload"}, filepath.Ext(base))
}

func within(folder, name string) bool {
	return strings.HasPrefix(name, folder+string(filepath.Separator))
}

var embedLine = []byte("\n//go:embed ")

// embedPatterns returns the patterns of the lines go:embed of a Go file in dir, as absolute paths.
func embedPatterns(dir string, text []byte) (patterns []string) {
	for {
		_, rest, ok := bytes.Cut(text, embedLine)
		if !ok {
			return patterns
		}
		line, _, _ := bytes.Cut(rest, []byte("\n"))
		for pattern := range strings.FieldsSeq(string(line)) {
			pattern = strings.TrimPrefix(strings.Trim(pattern, "\"`"), "all:")
			patterns = append(patterns, path.Join(filepath.ToSlash(dir), pattern))
		}
		text = rest
	}
}

// embedded returns the patterns of all files.
func (t *tree) embedded() []string {
	all := map[string]bool{}
	for _, f := range t.files {
		for _, pattern := range f.embeds {
			all[pattern] = true
		}
	}
	return slices.Collect(maps.Keys(all))
}

// embeds reports whether a pattern matches the file or a folder that it is in.
func embeds(patterns []string, name string) bool {
	if len(patterns) == 0 || isOfEditor(filepath.Base(name)) {
		return false
	}
	for at := filepath.ToSlash(name); len(at) > 1 && at != path.Dir(at); at = path.Dir(at) {
		for _, pattern := range patterns {
			if ok, _ := path.Match(pattern, at); ok {
				return true
			}
		}
	}
	return false
}
