// Package faultfs implements journal.FS in memory, with the faults of real disks, for tests. Begin reading at [FS]. A
// test can cut the power, which loses writes that were not synced. It can make the disk full or read-only, and it can
// flip bits in files.
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

// ErrPowerOff is the error of all writes after the power was cut.
var ErrPowerOff = errors.New("the power is off")

const sector = 512

// FS is a folder in memory that implements journal.FS. The zero value is an empty folder. The methods of FS can be
// called concurrently.
type FS struct {
	mu           sync.Mutex
	files        map[string]*content // the files by name, as programs see the files before a power cut
	durableFiles map[string]*content // the files by name, as a power cut leaves the folder
	writes       int
	cutAt        int   // the number of the write at which the power is cut; 0: none
	capacity     int64 // the maximum size of all files together, in bytes; 0: unlimited
	writeErr     error // the error of all writes, or nil
	powerOff     bool
	locked       bool
}

// content is the content of a file, with the bytes that a power cut would leave.
type content struct {
	visible []byte       // the bytes that programs read before a power cut
	durable []byte       // the bytes that are synced, so that a power cut does not lose them
	dirty   map[int]bool // the numbers of the sectors that were written and not synced
}

// newContent returns a file content with the bytes b, all of them synced.
func newContent(b []byte) *content {
	return &content{visible: b, durable: slices.Clone(b), dirty: map[int]bool{}}
}

var _ journal.FS = (*FS)(nil)

// CutPowerAfter cuts the power at the nth write from now on. The nth write is not synced, so any part of its bytes may
// be lost.
func (f *FS) CutPowerAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cutAt = f.writes + n
}

// Writes returns the number of writes to files of the folder since the folder was created.
func (f *FS) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// SetCapacity sets the size of the disk to n bytes. If n is 0, the size is unlimited. A write for which the disk has no
// room fails with ENOSPC.
func (f *FS) SetCapacity(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = n
}

// FailWrites makes Lock and all writes, renames and syncs fail with err, until FailWrites is called with nil. If err is
// ENOSPC, Remove still works. A failing write stores the first half of its bytes, unless this half makes the file
// longer.
func (f *FS) FailWrites(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writeErr = err
}

// Used returns the total size of all files in bytes.
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

// AfterCrash returns a copy of the folder as a power cut could leave it. Each change that was not synced is durable
// with the probability p, from 0 to 1. A change is one written sector, the growth of one file, or all created, renamed
// and removed files together.
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

// Clone returns a copy of the folder in which all files are synced. The copy has no faults.
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

// Bytes returns the bytes of the file with this name. The caller may change the bytes in place, for example to damage
// the file.
func (f *FS) Bytes(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.files[name].visible
}

// Truncate shortens the file with this name to n bytes.
func (f *FS) Truncate(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.files[name].visible = f.files[name].visible[:n]
}

// Path implements [journal.FS.Path]. It returns a name for error messages.
func (f *FS) Path() string { return "/faulty" }

// Lock implements [journal.FS.Lock]. It fails with the error that FailWrites has set, or with backend.ErrInUse if the
// folder is locked.
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

// List implements [journal.FS.List]. It returns the sorted names of all files.
func (f *FS) List() ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.files)), nil
}

// beginWrite returns the error with which a write, rename or sync must fail now, or nil. The caller holds f.mu.
func (f *FS) beginWrite() error {
	if f.powerOff {
		return ErrPowerOff
	}
	if f.files == nil {
		f.files, f.durableFiles = map[string]*content{}, map[string]*content{}
	}
	return f.writeErr
}

// Create implements [journal.FS.Create]. It fails after the power was cut, or with the error that FailWrites has set.
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

// Open implements [journal.FS.Open]. It fails with fs.ErrNotExist if there is no file with this name.
func (f *FS) Open(name string) (journal.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.files[name]
	if d == nil {
		return nil, fs.ErrNotExist
	}
	return &file{fs: f, content: d}, nil
}

// Rename implements [journal.FS.Rename]. It fails after the power was cut, or with the error that FailWrites has set.
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

// Remove implements [journal.FS.Remove]. It fails after the power was cut, or with the error that FailWrites has set,
// unless that error is ENOSPC.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.beginWrite(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	delete(f.files, name)
	return nil
}

// Sync implements [journal.FS.Sync]. After Sync, a power cut does not undo earlier calls of Create, Rename and Remove.
// It fails after the power was cut, or with the error that FailWrites has set.
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
