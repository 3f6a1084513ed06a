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

// ErrPowerOff is the error of everything that happens after the power was cut.
var ErrPowerOff = errors.New("the power is off")

const sector = 512

// FS is the folder. The zero value is empty and works.
type FS struct {
	mu       sync.Mutex
	names    map[string]*content // as programs see them
	durable  map[string]*content // as they are after a loss of power
	writes   int
	cutAt    int   // after as many writes the power is cut; 0: never
	capacity int64 // of the bytes in all files; 0: none
	writeErr error // of everything that writes
	powerOff bool
	locked   bool
}

// content is what is in a file.
type content struct {
	visible []byte // as programs see it
	durable []byte // as it is after a loss of power
	dirty   map[int]bool
}

var _ journal.FS = (*FS)(nil)

// CutPowerAfter cuts the power with the nth write from now on. That write may be done in part.
func (f *FS) CutPowerAfter(n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.cutAt = f.writes + n
}

// Writes returns how many writes there were.
func (f *FS) Writes() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.writes
}

// SetCapacity lets the disk have room for n bytes; 0 is no limit.
func (f *FS) SetCapacity(n int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.capacity = n
}

// FailWrites lets everything that writes fail with err; nil ends that. A write may have been done in part when it fails.
func (f *FS) FailWrites(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.writeErr = err
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
		n += int64(len(d.visible))
	}
	return n
}

// AfterCrash returns the folder as it is after the power came back. Each sector that was written and not synced is there
// with the probability p, and so is each change of a name.
func (f *FS) AfterCrash(random *rand.Rand, p float64) *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	after := &FS{names: map[string]*content{}, durable: map[string]*content{}}
	names := f.durable
	if random.Float64() < p {
		names = f.names
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
		after.names[name] = &content{visible: now, durable: slices.Clone(now)}
	}
	after.durable = maps.Clone(after.names)
	return after
}

// Clone returns a folder with the same files, all synced.
func (f *FS) Clone() *FS {
	f.mu.Lock()
	defer f.mu.Unlock()
	c := &FS{names: map[string]*content{}}
	for name, d := range f.names {
		c.names[name] = &content{visible: slices.Clone(d.visible), durable: slices.Clone(d.visible)}
	}
	c.durable = maps.Clone(c.names)
	return c
}

// Bytes returns the bytes of a file, to be changed in place.
func (f *FS) Bytes(name string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.names[name].visible
}

// Truncate shortens a file to n bytes.
func (f *FS) Truncate(name string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.names[name].visible = f.names[name].visible[:n]
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

// beginWrite is what everything that writes begins with.
func (f *FS) beginWrite() error {
	if f.powerOff {
		return ErrPowerOff
	}
	if f.names == nil {
		f.names, f.durable = map[string]*content{}, map[string]*content{}
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
	d := &content{dirty: map[int]bool{}}
	f.names[name] = d
	return &file{fs: f, content: d}, nil
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
	return &file{fs: f, content: d}, nil
}

// Rename implements journal.FS.
func (f *FS) Rename(from, to string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.beginWrite(); err != nil {
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
	if err := f.beginWrite(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	delete(f.names, name)
	return nil
}

// Sync implements journal.FS.
func (f *FS) Sync() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.beginWrite(); err != nil {
		return err
	}
	f.durable = maps.Clone(f.names)
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
