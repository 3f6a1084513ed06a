package queue

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/faultfs"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// worked returns a folder that a queue has worked in for some time, what the queue had then, and the parts of each file
// that were written to. There are several files, and the first ones are gone.
func worked(t *testing.T, steps int) (fs *faultfs.FS, want []string, used map[string]int64) {
	fs = new(faultfs.FS)
	q := open(t, config(fs))
	s := newScript(3)
	for range steps {
		time.Sleep(10 * time.Second)
		if _, err := s.step(q); err != nil {
			t.Fatal(err)
		}
	}
	finishAll(t, q)
	synctest.Wait()
	want = contentsOf(t, q)
	closeQueue(t, q)
	used = map[string]int64{}
	names, _ := fs.List()
	for _, name := range names {
		// The spare file has a header and nothing else.
		if b := bytes.TrimRight(fs.Bytes(name), "\x00"); len(b) > 512 {
			used[name] = int64(len(b))
		}
	}
	if len(used) < 2 {
		t.Fatalf("the journal has %d files", len(used))
	}
	return fs, want, used
}

// refuses tries to open a queue in a damaged folder, and returns the error.
func refuses(t *testing.T, fs *faultfs.FS) *journal.Damage {
	t.Helper()
	q := New()
	err := q.Open(config(fs))
	if err == nil {
		closeQueue(t, q)
		return nil
	}
	var damage *journal.Damage
	if !errors.As(err, &damage) || !errors.Is(err, backend.ErrDamaged) || !strings.Contains(err.Error(), damage.File) || !strings.Contains(err.Error(), "actionhero tasks repair") {
		t.Fatalf("the error does not say which file is damaged, or what to do: %v", err)
	}
	return damage
}

// TestFlippedBit flips one bit at a time of what was written. Each time, opening must say so.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs, want, used := worked(t, 700)
		random := rand.New(rand.NewPCG(1, 1))
		const stride = 37
		flips := 0
		for name, n := range used {
			for at := random.IntN(stride); at < int(n); at += stride {
				bit := byte(1) << random.IntN(8)
				fs.Bytes(name)[at] ^= bit
				damage := refuses(t, fs)
				if damage == nil {
					t.Fatalf("bit %08b of byte %d of %s was flipped, and nobody noticed", bit, at, name)
				}
				if damage.File == name && damage.Offset > int64(at) {
					t.Fatalf("bit %08b of byte %d of %s was flipped, and damage is reported only at %d", bit, at, name, damage.Offset)
				}
				fs.Bytes(name)[at] ^= bit
				flips++
			}
		}
		if flips < 300 {
			t.Errorf("there were only %d bits to flip", flips)
		}
		q := open(t, config(fs)) // with all bits as they were
		if d := diff(want, contentsOf(t, q)); d != "" {
			t.Errorf("the jobs changed (-want +got):\n%s", d)
		}
		closeQueue(t, q)
	})
}

// TestFlippedBitWhereNothingIs flips bits of what was never written. Whether that is noticed or not, nothing is lost.
func TestFlippedBitWhereNothingIs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs, want, used := worked(t, 200)
		for name, n := range used {
			size := len(fs.Bytes(name))
			for at := int(n); at < size; at += 1 + (size-int(n))/20 {
				copied := fs.Clone()
				copied.Bytes(name)[at] ^= 4
				q := New()
				if err := q.Open(config(copied)); errors.Is(err, backend.ErrDamaged) {
					continue
				} else if err != nil {
					t.Fatal(err)
				}
				if d := diff(want, contentsOf(t, q)); d != "" {
					t.Fatalf("byte %d of %s was changed (-want +got):\n%s", at, name, d)
				}
				closeQueue(t, q)
			}
		}
	})
}

// TestDamagedFiles does to files what people and disks do.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		whole, _, used := worked(t, 700)
		var names []string
		all, _ := whole.List()
		for _, name := range all {
			if used[name] > 0 {
				names = append(names, name)
			}
		}
		first, last := names[0], names[len(names)-1]
		for what, damage := range map[string]func(fs *faultfs.FS) error{
			"the first file is gone":     func(fs *faultfs.FS) error { return fs.Remove(first) },
			"a file is gone":             func(fs *faultfs.FS) error { return fs.Remove(names[1]) },
			"the last file is cut short": func(fs *faultfs.FS) error { fs.Cut(last, int(used[last])-1); return nil },
			"a file is empty":            func(fs *faultfs.FS) error { fs.Cut(first, 0); return nil },
			"a file has only a header":   func(fs *faultfs.FS) error { fs.Cut(names[1], 512); return nil },
			"a file is another":          func(fs *faultfs.FS) error { copy(fs.Bytes(names[1]), fs.Bytes(first)); return nil },
			"a sector is zero":           func(fs *faultfs.FS) error { clear(fs.Bytes(first)[1024:1536]); return nil },
			"all is zero":                func(fs *faultfs.FS) error { clear(fs.Bytes(last)); return nil },
			"the files after the first are gone": func(fs *faultfs.FS) error {
				for _, name := range all {
					if name != first && name != "tasks.lock" {
						if err := fs.Remove(name); err != nil {
							return err
						}
					}
				}
				return nil
			},
		} {
			fs := whole.Clone()
			if err := damage(fs); err != nil {
				t.Fatal(err)
			}
			if refuses(t, fs) == nil {
				t.Errorf("%s, and nobody noticed", what)
			}
		}
	})
}
