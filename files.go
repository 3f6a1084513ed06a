package actionhero

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"reflect"
	"strings"
	"sync"
	"time"
)

var contentType = reflect.TypeFor[*Content]()

// Causes of an error of [Files.Open], which is an [Error] of code [CodeNotFound].
var (
	ErrFileNotFound  = errors.New("there is no such file")
	ErrIndexNotFound = errors.New("the folder has no index page")
)

// Content is a stream of bytes that an action returns instead of an object: declare the action as Action[In, *Content].
// The transport sends it in its own form and closes Body if Body is an [io.Closer].
type Content struct {
	Body    io.Reader // an [io.ReadSeeker] allows ranges and conditional requests over HTTP
	Name    string    // the media type follows from its extension if Type is empty
	Type    string    // media type; default: by the extension of Name, else application/octet-stream
	Size    int64     // bytes; -1 if unknown
	ModTime time.Time // zero if unknown
}

// Close closes the body if it can be closed.
func (c *Content) Close() error {
	if closer, ok := c.Body.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Files are the static files below one folder. Each request reads them from disk. A name or a symbolic link that leads
// outside of the folder opens nothing.
type Files struct {
	dir string

	mu       sync.RWMutex
	root     *os.Root
	files    fs.FS // the root's files, or the embedded ones
	embedded fs.FS
}

func newFiles(dir string) *Files { return &Files{dir: dir} }

// Embed sets the files to serve if the folder does not exist. It takes effect at the next start.
func (f *Files) Embed(files fs.FS) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.embedded = files
}

func (f *Files) open() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	root, err := os.OpenRoot(f.dir)
	switch {
	case err == nil:
		f.root, f.files = root, root.FS()
	case errors.Is(err, fs.ErrNotExist):
		f.files = f.embedded
	default:
		return fmt.Errorf("general.flatFileDirectory %q does not open: %w", f.dir, err)
	}
	return nil
}

func (f *Files) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	root := f.root
	f.root, f.files = nil, nil
	if root == nil {
		return nil
	}
	return root.Close()
}

// Open opens a file by the name that a client sends. Slashes separate; a leading slash is allowed; a folder stands for
// its index.html. If the name is not a regular file within the folder, the error is a [CodeNotFound] that wraps
// [ErrFileNotFound] or [ErrIndexNotFound].
func (f *Files) Open(name string) (*Content, error) {
	f.mu.RLock()
	files := f.files
	f.mu.RUnlock()
	clean := strings.TrimSuffix(strings.TrimPrefix(name, "/"), "/")
	if clean == "" {
		clean = "."
	}
	if files == nil || !fs.ValidPath(clean) || strings.ContainsAny(clean, "\x00\\") {
		return nil, fileError(name, ErrFileNotFound)
	}
	content, err := openFile(files, clean)
	switch {
	case errors.Is(err, errIsFolder):
		if content, err = openFile(files, path.Join(clean, "index.html")); err != nil {
			return nil, fileError(name, ErrIndexNotFound)
		}
	case err == nil && strings.HasSuffix(name, "/"):
		_ = content.Close()
		return nil, fileError(name, ErrFileNotFound)
	case err != nil:
		return nil, fileError(name, ErrFileNotFound)
	}
	return content, nil
}

func fileError(name string, cause error) error {
	return &Error{Code: CodeNotFound, Message: "The file, " + name + ", is not found.", Err: cause}
}

var errIsFolder = errors.New("is a folder")

// openFile opens a regular file. It checks the type before it opens, because opening a pipe would block.
func openFile(files fs.FS, name string) (*Content, error) {
	info, err := fs.Stat(files, name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return nil, errIsFolder
	}
	if !info.Mode().IsRegular() {
		return nil, fs.ErrNotExist
	}
	file, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	if info, err = file.Stat(); err != nil || !info.Mode().IsRegular() {
		_ = file.Close()
		return nil, fs.ErrNotExist
	}
	return &Content{Body: file, Name: path.Base(name), Size: info.Size(), ModTime: info.ModTime()}, nil
}
