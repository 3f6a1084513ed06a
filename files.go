package actionhero

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

var contentType = reflect.TypeFor[*Content]()

// These errors are the causes of an error of [Files.Open]. The error itself is an [Error] of [CodeNotFound]; errors.Is
// finds the cause.
var (
	ErrFileNotFound  = errors.New("there is no such file")
	ErrIndexNotFound = errors.New("the folder has no index page")
)

// defaultFolder is the default of the setting flatFileDirectory. Many apps have no static files and no folder for them.
const defaultFolder = "./public"

// Content is a stream of bytes that an action returns instead of an object. Declare the action as Action[In, *Content].
// The transport sends the bytes in the form of its protocol. If Body is an [io.Closer], the transport then closes Body.
// It also does so while a method of Body blocks, if the client has left or the setting writeTimeout of the transport has
// passed: Close must make the blocked method return.
type Content struct {
	Body    io.Reader // an [io.ReadSeeker] allows ranges and conditional requests over HTTP
	Name    string    // the media type follows from its extension if Type is empty
	Type    string    // media type; default: by the extension of Name, else application/octet-stream
	Size    int64     // bytes of a Body that is no [io.Seeker]; 0 or less if unknown
	ModTime time.Time // zero if unknown

	// Download makes a browser save the bytes as a file with the name Name instead of showing them.
	Download bool

	static bool   // opened by Files.Open, so every client may read and cache it
	hasSum bool   // the file is in the program
	sum    uint32 // checksum of the file
}

// Close closes c.Body if Body is an [io.Closer]. Otherwise Close does nothing and returns nil.
func (c *Content) Close() error {
	if closer, ok := c.Body.(io.Closer); ok {
		return closer.Close()
	}
	return nil
}

// Files opens the static files below one folder. Each call of [Files.Open] reads from disk. A name or a symbolic link
// that leads outside of the folder does not open.
type Files struct {
	dir      string
	dotNames []string
	log      *slog.Logger

	mu       sync.RWMutex
	root     *os.Root
	files    fs.FS // the files below root, or the embedded files
	embedded fs.FS
}

func newFiles(cfg *Config) *Files {
	names := cfg.FlatFileDotNames
	if names == nil {
		names = []string{".well-known"} // RFC 8615
	}
	return &Files{dir: cfg.FlatFileDirectory, dotNames: names, log: cfg.Log}
}

// Embed sets the files that [Files.Open] opens if the folder does not exist. A call takes effect at the next start of
// the API.
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
		if f.embedded != nil {
			f.files = &embeddedFiles{FS: f.embedded}
		}
		if f.dir != defaultFolder {
			f.log.Warn("there is no folder of static files: create it, or change general.flatFileDirectory", "folder", f.dir)
		}
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

// Open opens the static file that a client requests by name. The name is a path below the folder, with slashes between
// its elements; a leading slash is allowed. The name of a subfolder opens its index.html. If the name does not lead to
// a regular file within the folder, the error is a [CodeNotFound] that wraps [ErrFileNotFound] or [ErrIndexNotFound].
func (f *Files) Open(name string) (*Content, error) {
	files, clean, ok := f.path(name)
	if !ok {
		return nil, fileError(name, ErrFileNotFound)
	}
	content, err := f.openFile(files, clean)
	switch {
	case errors.Is(err, errIsFolder):
		if content, err = f.openFile(files, path.Join(clean, "index.html")); err != nil {
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

// path returns the file system, and the name in it, of the file that a client requests by name. It returns ok false if no
// client may have a file of that name.
func (f *Files) path(name string) (files fs.FS, clean string, ok bool) {
	f.mu.RLock()
	files = f.files
	f.mu.RUnlock()
	if clean = strings.TrimSuffix(strings.TrimPrefix(name, "/"), "/"); clean == "" {
		clean = "."
	}
	ok = files != nil && fs.ValidPath(clean) && !strings.ContainsAny(clean, "\x00\\") && !f.hidden(clean)
	return files, clean, ok
}

// stat describes the file that Open would open by this name. It returns ok false if there is none, or if only openFile finds
// it, by the target of a symbolic link.
func (f *Files) stat(name string) (info fs.FileInfo, ok bool) {
	files, clean, ok := f.path(name)
	if !ok {
		return nil, false
	}
	info, err := fs.Stat(files, clean)
	if err == nil && info.IsDir() {
		info, err = fs.Stat(files, path.Join(clean, "index.html"))
	} else if strings.HasSuffix(name, "/") {
		return nil, false
	}
	return info, err == nil && info.Mode().IsRegular()
}

func fileError(name string, cause error) error {
	return &Error{Code: CodeNotFound, Message: "The file, " + name + ", is not found.", Err: cause}
}

// hidden reports whether an element of the path name begins with a dot, such as .git or .env. The dot names of the
// configuration are not hidden.
func (f *Files) hidden(name string) bool {
	for element := range strings.SplitSeq(name, "/") {
		if element[0] == '.' && name != "." && !slices.Contains(f.dotNames, element) {
			return true
		}
	}
	return false
}

// openFile opens the file with this name. The folder's root follows no symbolic link with an absolute target. If that
// target is within the folder, openFile opens it by its relative name.
func (f *Files) openFile(files fs.FS, name string) (*Content, error) {
	content, err := openFile(files, name)
	if embedded, ok := files.(*embeddedFiles); ok && err == nil {
		embedded.addSum(content, name)
	}
	if err == nil || errors.Is(err, errIsFolder) || errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return content, err
	}
	target, linkErr := filepath.EvalSymlinks(filepath.Join(f.dir, filepath.FromSlash(name)))
	dir, dirErr := filepath.EvalSymlinks(f.dir)
	if linkErr != nil || dirErr != nil {
		return nil, err
	}
	if dir, dirErr = filepath.Abs(dir); dirErr != nil {
		return nil, err
	}
	if target, linkErr = filepath.Abs(target); linkErr != nil {
		return nil, err
	}
	inside, relErr := filepath.Rel(dir, target)
	if inside = filepath.ToSlash(inside); relErr != nil || !fs.ValidPath(inside) || f.hidden(inside) {
		return nil, err
	}
	return openFile(files, inside)
}

// embeddedFiles are the files that stand in for a folder.
type embeddedFiles struct {
	fs.FS
	sums sync.Map // name → uint32, the checksum of a file in the program
}

// addSum sets the checksum of content, the file with this name, if it is in the program (package embed): its bytes never
// change, so they are read once.
func (f *embeddedFiles) addSum(content *Content, name string) {
	body, ok := content.Body.(io.ReadSeeker)
	if t := reflect.TypeOf(content.Body); !ok || t.Kind() != reflect.Pointer || t.Elem().PkgPath() != "embed" {
		return
	}
	sum, ok := f.sums.Load(name)
	if !ok {
		hash := crc32.New(crc32.MakeTable(crc32.Castagnoli))
		_, err := io.Copy(hash, body)
		if _, seekErr := body.Seek(0, io.SeekStart); err != nil || seekErr != nil {
			return
		}
		sum = hash.Sum32()
		f.sums.Store(name, sum)
	}
	content.sum, content.hasSum = sum.(uint32), true
}

var errIsFolder = errors.New("is a folder")

// openFile opens the regular file with this name. openFile checks the file's type before the file is opened, because
// opening a named pipe would block. If the name is a folder, the error is errIsFolder.
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
	return &Content{Body: file, Name: path.Base(name), Size: info.Size(), ModTime: info.ModTime(), static: true}, nil
}
