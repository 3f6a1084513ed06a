// Package faultfs is a folder in memory that fails as disks do, for tests: it forgets what was not synced when the power
// is cut, it can be full or read-only, and its bits can be flipped.
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

// ErrOff is the error of everything that happens after the power was cut.
var ErrOff = errors.New("the power is off")

const sector = 512

// FS is the folder. The zero value is empty and works.
type FS struct {
	mu     sync.Mutex
	names  map[string]*data // as programs see them
	kept   map[string]*data // as they are after a loss of power
	writes int
	cut    int   // after as many writes the power is cut; 0: never
	limit  int64 // of the bytes in all files; 0: none
	fail   error // of everything that writes
	off    bool
	locked bool
}

// data is what is in a file.
type data struct {
	now   []byte // as programs see it
	kept  []byte // as it is after a loss of power
	dirty map[int]bool
}

var _ journal.FS = (*FS)(nil)

// CutAfter cuts the power with the nth write from now on. That write may be done in part.
func (f *FS) CutAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cut = f.writes + n
}

// Writes returns how many writes there were.
func (f *FS) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// Limit lets the disk have room for n bytes; 0 is no limit.
func (f *FS) Limit(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limit = n
}

// Fail lets everything that writes fail with err; nil ends that. A write may have been done in part when it fails.
func (f *FS) Fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

// Used returns how many bytes the files have.
func (f *FS) Used() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.used()
}

func (f *FS) used() int64 {
	n := int64(0)
	for _, d := range f.names {
		n += int64(len(d.now))
	}
	return n
}

// AfterCrash returns the folder as it is after the power came back. Each sector that was written and not synced is there
// with the probability p, and so is each change of a name.
func (f *FS) AfterCrash(random *rand.Rand, p float64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := &FS{names: map[string]*data{}, kept: map[string]*data{}}
	names := f.kept
	if random.Float64() < p {
		names = f.names
	}
	for name, d := range names {
		now := make([]byte, len(d.kept))
		if copy(now, d.kept); len(d.now) > len(d.kept) && random.Float64() < p {
			now = append(now, make([]byte, len(d.now)-len(d.kept))...)
		}
		for at := range d.dirty {
			if from := at * sector; from < len(now) && random.Float64() < p {
				copy(now[from:min(from+sector, len(now))], d.now[from:])
			}
		}
		after.names[name] = &data{now: now, kept: slices.Clone(now)}
	}
	after.kept = maps.Clone(after.names)
	return after
}

// Clone returns a folder with the same files, all synced.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &FS{names: map[string]*data{}}
	for name, d := range f.names {
		c.names[name] = &data{now: slices.Clone(d.now), kept: slices.Clone(d.now)}
	}
	c.kept = maps.Clone(c.names)
	return c
}

// Bytes returns the bytes of a file, to be changed in place.
func (f *FS) Bytes(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.names[name].now
}

// Cut shortens a file to n bytes.
func (f *FS) Cut(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names[name].now = f.names[name].now[:n]
}

// Path implements journal.FS.
func (f *FS) Path() string { return "/faulty" }

// Lock implements journal.FS.
func (f *FS) Lock() (io.Closer, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return nil, f.fail
	}
	if f.locked {
		return nil, fmt.Errorf("the folder is locked: %w", backend.ErrInUse)
	}
	f.locked = true
	return closer(func() { f.locked = false }), nil
}

type closer func()

func (c closer) Close() error {
	c()
	return nil
}

// List implements journal.FS.
func (f *FS) List() ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.names)), nil
}

// change is what everything that writes begins with.
func (f *FS) change() error {
	if f.off {
		return ErrOff
	}
	if f.names == nil {
		f.names, f.kept = map[string]*data{}, map[string]*data{}
	}
	return f.fail
}

// Create implements journal.FS.
func (f *FS) Create(name string) (journal.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.change(); err != nil {
		return nil, err
	}
	d := &data{dirty: map[int]bool{}}
	f.names[name] = d
	return &file{fs: f, data: d}, nil
}

// Open implements journal.FS.
func (f *FS) Open(name string) (journal.File, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	d := f.names[name]
	if d == nil {
		return nil, fs.ErrNotExist
	}
	if d.dirty == nil {
		d.dirty = map[int]bool{}
	}
	return &file{fs: f, data: d}, nil
}

// Rename implements journal.FS.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.change(); err != nil {
		return err
	}
	f.names[to] = f.names[from]
	delete(f.names, from)
	return nil
}

// Remove implements journal.FS.
func (f *FS) Remove(name string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.change(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	delete(f.names, name)
	return nil
}

// Sync implements journal.FS.
func (f *FS) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.change(); err != nil {
		return err
	}
	f.kept = maps.Clone(f.names)
	return nil
}

type file struct {
	fs     *FS
	data   *data
	closed bool
}

func (o *file) ReadAt(b []byte, off int64) (int, error) {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	if o.closed {
		return 0, fs.ErrClosed
	}
	if off >= int64(len(o.data.now)) {
		return 0, io.EOF
	}
	n := copy(b, o.data.now[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (o *file) WriteAt(b []byte, off int64) (int, error) {
	f, d := o.fs, o.data
	f.mu.Lock()
	defer f.mu.Unlock()
	if o.closed {
		return 0, fs.ErrClosed
	}
	err := f.change()
	if err != nil {
		b = b[:len(b)/2]
	}
	if errors.Is(err, ErrOff) || err != nil && off+int64(len(b)) > int64(len(d.now)) {
		return 0, err
	}
	f.writes++
	if f.cut > 0 && f.writes >= f.cut {
		f.off = true
	}
	end := off + int64(len(b))
	if more := end - int64(len(d.now)); more > 0 {
		if f.limit > 0 && f.used()+more > f.limit {
			return 0, syscall.ENOSPC
		}
		d.now = append(d.now, make([]byte, more)...)
	}
	copy(d.now[off:], b)
	for at := int(off / sector); int64(at)*sector < end; at++ {
		d.dirty[at] = true
	}
	if f.off {
		return 0, ErrOff
	}
	return len(b), err
}

func (o *file) Sync() error {
	f, d := o.fs, o.data
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.change(); err != nil {
		return err
	}
	if grown := len(d.now) - len(d.kept); grown > 0 {
		d.kept = append(d.kept, make([]byte, grown)...)
	}
	for at := range d.dirty {
		from := at * sector
		copy(d.kept[from:min(from+sector, len(d.kept))], d.now[from:])
	}
	clear(d.dirty)
	return nil
}

func (o *file) Size() (int64, error) {
	o.fs.mu.Lock()
	defer o.fs.mu.Unlock()
	return int64(len(o.data.now)), nil
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
