// Package faultfs implements journal.FS in memory, with the faults of real disks, for tests. A power cut loses writes
// that were not synced; the disk can be full or read-only; bits can be flipped.
package faultfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// ErrPowerOff is the error of all writes after the power cut.
var ErrPowerOff = errors.New("the power is off")

const sector = 512

// FS is a folder. The zero value is an empty folder. Its methods can be called concurrently.
type FS struct {
	mu           sync.Mutex
	files        map[string]*content // the files by name, as programs see them
	durableFiles map[string]*content // the files by name, as a power cut leaves them
	writes       int
	cutAt        int   // the number of the write at which the power is cut; 0: none
	capacity     int64 // of all files together, in bytes; 0: unlimited
	writeErr     error // the error of all writes, or nil
	powerOff     bool
	locked       bool
}

// content is the content of a file.
type content struct {
	visible []byte       // the bytes as programs see them
	durable []byte       // the bytes as a power cut leaves them
	dirty   map[int]bool // the sectors that were written and not synced
}

// newContent returns content that is synced.
func newContent(b []byte) *content {
	return &content{visible: b, durable: slices.Clone(b), dirty: map[int]bool{}}
}

var _ journal.FS = (*FS)(nil)

// CutPowerAfter cuts the power at the nth write from now on. That write is not synced, so any part of it may be lost.
func (f *FS) CutPowerAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cutAt = f.writes + n
}

// Writes returns the number of writes.
func (f *FS) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// SetCapacity sets the size of the disk to n bytes; 0 is unlimited.
func (f *FS) SetCapacity(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = n
}

// FailWrites makes Lock and all writes, renames and syncs fail with err; nil ends that. Remove still works if err is
// ENOSPC. A failing write stores the first half of its bytes, unless these make the file longer.
func (f *FS) FailWrites(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writeErr = err
}

// Used returns the size of all files in bytes.
func (f *FS) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used()
}

func (f *FS) used() int64 {
	n := int64(0)
	for _, d := range f.files {
		n += int64(len(d.visible))
	}
	return n
}

// AfterCrash returns the folder after a power cut. Each of these changes that was not synced is durable with the
// probability p: a written sector, the growth of a file, and all changes of names together.
func (f *FS) AfterCrash(random *rand.Rand, p float64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := &FS{files: map[string]*content{}, durableFiles: map[string]*content{}}
	names := f.durableFiles
	if random.Float64() < p {
		names = f.files
	}
	for name, d := range names {
		now := make([]byte, len(d.durable))
		if copy(now, d.durable); len(d.visible) > len(d.durable) && random.Float64() < p {
			now = append(now, make([]byte, len(d.visible)-len(d.durable))...)
		}
		for at := range d.dirty {
			if from := at * sector; from < len(now) && random.Float64() < p {
				copy(now[from:min(from+sector, len(now))], d.visible[from:])
			}
		}
		after.files[name] = newContent(now)
	}
	after.durableFiles = maps.Clone(after.files)
	return after
}

// Clone returns a copy of the folder, with all files synced.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &FS{files: map[string]*content{}}
	for name, d := range f.files {
		c.files[name] = newContent(slices.Clone(d.visible))
	}
	c.durableFiles = maps.Clone(c.files)
	return c
}

// Bytes returns the bytes of a file. The caller may change them in place.
func (f *FS) Bytes(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.files[name].visible
}

// Truncate shortens a file to n bytes.
func (f *FS) Truncate(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[name].visible = f.files[name].visible[:n]
}

// Path implements journal.FS.
func (f *FS) Path() string { return "/faulty" }

// Lock implements journal.FS.
func (f *FS) Lock() (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.writeErr != nil {
		return nil, f.writeErr
	}
	if f.locked {
		return nil, fmt.Errorf("the folder is locked: %w", backend.ErrInUse)
	}
	f.locked = true
	return folderLock{f}, nil
}

type folderLock struct{ fs *FS }

func (l folderLock) Close() error {
	l.fs.mu.Lock()
	defer l.fs.mu.Unlock()
	l.fs.locked = false
	return nil
}

// List implements journal.FS.
func (f *FS) List() ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.files)), nil
}

// beginWrite returns the error of a write, rename or sync at this time. The caller holds f.mu.
func (f *FS) beginWrite() error {
	if f.powerOff {
		return ErrPowerOff
	}
	if f.files == nil {
		f.files, f.durableFiles = map[string]*content{}, map[string]*content{}
	}
	return f.writeErr
}

// Create implements journal.FS.
func (f *FS) Create(name string) (journal.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.beginWrite(); err != nil {
		return nil, err
	}
	d := newContent(nil)
	f.files[name] = d
	return &file{fs: f, content: d}, nil
}

// Open implements journal.FS.
func (f *FS) Open(name string) (journal.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.files[name]
	if d == nil {
		return nil, fs.ErrNotExist
	}
	return &file{fs: f, content: d}, nil
}

// Rename implements journal.FS.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.beginWrite(); err != nil {
		return err
	}
	f.files[to] = f.files[from]
	delete(f.files, from)
	return nil
}

// Remove implements journal.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.beginWrite(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	delete(f.files, name)
	return nil
}

// Sync implements journal.FS.
func (f *FS) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.beginWrite(); err != nil {
		return err
	}
	f.durableFiles = maps.Clone(f.files)
	return nil
}

type file struct {
	fs      *FS
	content *content
	closed  bool
}

func (o *file) ReadAt(b []byte, off int64) (int, error) {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if o.closed {
		return 0, fs.ErrClosed
	}
	if off >= int64(len(o.content.visible)) {
		return 0, io.EOF
	}
	n := copy(b, o.content.visible[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (o *file) WriteAt(b []byte, off int64) (int, error) {
	f, d := o.fs, o.content
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.closed {
		return 0, fs.ErrClosed
	}
	err := f.beginWrite()
	if err != nil {
		b = b[:len(b)/2]
	}
	if errors.Is(err, ErrPowerOff) || err != nil && off+int64(len(b)) > int64(len(d.visible)) {
		return 0, err
	}
	f.writes++
	if f.cutAt > 0 && f.writes >= f.cutAt {
		f.powerOff = true
	}
	end := off + int64(len(b))
	if more := end - int64(len(d.visible)); more > 0 {
		if f.capacity > 0 && f.used()+more > f.capacity {
			return 0, syscall.ENOSPC
		}
		d.visible = append(d.visible, make([]byte, more)...)
	}
	copy(d.visible[off:], b)
	for at := int(off / sector); int64(at)*sector < end; at++ {
		d.dirty[at] = true
	}
	if f.powerOff {
		return 0, ErrPowerOff
	}
	return len(b), err
}

func (o *file) Sync() error {
	f, d := o.fs, o.content
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.beginWrite(); err != nil {
		return err
	}
	if grown := len(d.visible) - len(d.durable); grown > 0 {
		d.durable = append(d.durable, make([]byte, grown)...)
	}
	for at := range d.dirty {
		from := at * sector
		copy(d.durable[from:min(from+sector, len(d.durable))], d.visible[from:])
	}
	clear(d.dirty)
	return nil
}

func (o *file) Size() (int64, error) {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	return int64(len(o.content.visible)), nil
}

func (o *file) Close() error {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if o.closed {
		return fs.ErrClosed
	}
	o.closed = true
	return nil
}
