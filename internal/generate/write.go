package generate

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
)

// Outcome is what happened to one file.
type Outcome int

// The outcomes. In a dry run, they are what would happen.
const (
	Wrote   Outcome = iota // the file is new
	Renewed                // the file is generated, and its content has changed
	Skipped                // the file exists and belongs to the user
	Kept                   // the file is generated, and is right already
)

// File is a file that was written or skipped. Path is relative to the folder of the app, with slashes.
type File struct {
	Path    string
	Outcome Outcome
}

// writer writes files below one folder. It never overwrites a file of the user, and leads through no symbolic link out of
// the folder.
type writer struct {
	root  *os.Root // nil in a dry run of a folder that does not exist
	dry   bool
	files []File
}

// openWriter opens the folder dir. If it does not exist, openWriter creates it, except in a dry run.
func openWriter(dir string, dry bool) (*writer, error) {
	if !dry {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(dir)
	if dry && errors.Is(err, fs.ErrNotExist) {
		return &writer{dry: true}, nil
	}
	return &writer{root: root, dry: dry}, err
}

func (w *writer) close() {
	if w.root != nil {
		_ = w.root.Close() // nothing was written through the folder itself
	}
}

// exists reports whether there is anything with this name, a broken symbolic link included.
func (w *writer) exists(name string) bool {
	if w.root == nil {
		return false
	}
	_, err := w.root.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

// create writes a new file. If the file exists, create skips it.
func (w *writer) create(name string, content []byte) error {
	if w.exists(name) {
		w.files = append(w.files, File{name, Skipped})
		return nil
	}
	if !w.dry {
		if err := w.write(name, content); err != nil {
			return err
		}
	}
	w.files = append(w.files, File{name, Wrote})
	return nil
}

// write creates a file with its folders. A file that cannot be written to its end is removed.
func (w *writer) write(name string, content []byte) error {
	if err := w.root.MkdirAll(path.Dir(name), 0o777); err != nil {
		return fmt.Errorf("the folder of %s cannot be made: %w", name, err)
	}
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", name, err)
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("%s cannot be written: %w", name, err), w.root.Remove(name))
	}
	return nil
}

// replace writes a generated file in one step, so that a compiler never reads half of it.
func (w *writer) replace(name string, content []byte) error {
	before, err := w.read(name)
	outcome := Renewed
	switch isNew := errors.Is(err, fs.ErrNotExist); {
	case isNew && w.exists(name): // a broken symbolic link
		return w.create(name, content)
	case isNew:
		outcome = Wrote
	case err != nil:
		return err
	case string(before) == string(content):
		outcome = Kept
	}
	w.files = append(w.files, File{name, outcome})
	if outcome == Kept {
		return nil
	}
	if w.dry {
		return nil
	}
	temporary := name + ".tmp"
	_ = w.root.Remove(temporary) // of a process that was killed
	if err := w.write(temporary, content); err != nil {
		return err
	}
	if err := w.root.Rename(temporary, name); err != nil {
		return errors.Join(fmt.Errorf("%s cannot be written: %w", name, err), w.root.Remove(temporary))
	}
	return nil
}

func (w *writer) read(name string) ([]byte, error) {
	if w.root == nil {
		return nil, fs.ErrNotExist
	}
	return w.root.ReadFile(name)
}

// Report writes a line for each file. Files that were right already are not mentioned.
func Report(out io.Writer, files []File, dry bool) {
	words := map[Outcome]string{Wrote: "wrote", Renewed: "renewed", Skipped: "skipped"}
	if dry {
		words = map[Outcome]string{Wrote: "would write", Renewed: "would renew", Skipped: "would skip"}
	}
	for _, f := range files {
		word, known := words[f.Outcome]
		if !known {
			continue
		}
		why := ""
		if f.Outcome == Skipped {
			why = " (it exists)"
		}
		fmt.Fprintf(out, "  %-11s %s%s\n", word, f.Path, why)
	}
}
