package journal

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/actionhero-go/actionhero/backend"
)

// FS is the folder in which a journal stores its files. Tests implement FS with a folder that loses all writes that
// were not synced.
type FS interface {
	Path() string // returns the name of the folder for error messages
	// Lock creates the folder if it does not exist, and locks it until the returned value is closed. If the folder is
	// locked already, Lock fails with backend.ErrInUse.
	Lock() (io.Closer, error)
	List() ([]string, error)
	Create(name string) (File, error) // truncates an existing file; all later writes use the returned File
	Open(name string) (File, error)   // opens an existing file for reading and writing
	Rename(from, to string) error     // replaces an existing file
	Remove(name string) error
	Sync() error // makes Create, Rename and Remove durable
}

// File is an open file in the folder of an [FS].
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Sync() error // makes writes durable
	Size() (int64, error)
}

// Dir returns the folder at path in the file system of the operating system.
func Dir(path string) FS { return dir(path) }

type dir string

type osFile struct{ *os.File }

func (d dir) Path() string { return string(d) }

func (d dir) join(name string) string { return filepath.Join(string(d), name) }

func (d dir) Lock() (io.Closer, error) {
	if err := makeDirs(string(d)); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.join(lockName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lockFile(f); err != nil {
		holder, _ := io.ReadAll(io.LimitReader(f, 20))
		return nil, errors.Join(fmt.Errorf("the folder (tasks.path) belongs to process %s: %w", holder, backend.ErrInUse), f.Close())
	}
	if err := f.Truncate(0); err == nil {
		_, _ = fmt.Fprint(f, os.Getpid())
	}
	return folderLock{f}, nil
}

// folderLock is the locked file of a folder.
type folderLock struct{ file *os.File }

// Close unlocks the folder. A process that this process is starting has a copy of the open file until its program runs,
// and the copy keeps the lock. So Close first unlocks the file, which ends the lock for all copies.
func (l folderLock) Close() error { return errors.Join(unlockFile(l.file), l.file.Close()) }

// makeDirs creates the folder path and its parents, and syncs the parent of each new folder, so that the new folders
// survive a power cut.
func makeDirs(path string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(filepath.Clean(path))
	if err := makeDirs(parent); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return dir(parent).Sync()
}

func (d dir) List() ([]string, error) {
	entries, err := os.ReadDir(string(d))
	names := make([]string, len(entries))
	for i := range entries {
		names[i] = entries[i].Name()
	}
	return names, err
}

func (d dir) Create(name string) (File, error) {
	f, err := os.OpenFile(d.join(name), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	return osFile{f}, err
}

func (d dir) Open(name string) (File, error) {
	f, err := os.OpenFile(d.join(name), os.O_RDWR, 0)
	return osFile{f}, err
}

func (d dir) Rename(from, to string) error { return os.Rename(d.join(from), d.join(to)) }

func (d dir) Remove(name string) error { return os.Remove(d.join(name)) }

func (f osFile) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// wrapOSError adds backend.ErrDiskFull or backend.ErrReadOnly, whose texts name the remedy, to an error of the
// operating system that a user can fix. The result wraps both errors. Other errors are returned unchanged.
func wrapOSError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC) || errors.Is(err, errQuota):
		return fmt.Errorf("%w: %w", err, backend.ErrDiskFull)
	case errors.Is(err, syscall.EROFS) || errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: %w", err, backend.ErrReadOnly)
	}
	return err
}
