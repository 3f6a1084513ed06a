package queue

import (
	"bytes"
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/actionhero-go/actionhero/backend"
	"github.com/actionhero-go/actionhero/backend/local/internal/faultfs"
	"github.com/actionhero-go/actionhero/backend/local/internal/journal"
)

// usedFolder returns a folder after steps calls of a queue, the content of the queue, and the number of written bytes of
// each file. There are several files, and the first ones have been dropped.
func usedFolder(t *testing.T, steps int) (fs *faultfs.FS, want []string, used map[string]int64) {
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
	want = contents(t, q)
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

// openDamaged opens a queue in a damaged folder and returns the error, or nil if Open succeeds.
func openDamaged(t *testing.T, fs *faultfs.FS) *journal.DamageError {
	t.Helper()
	q := New()
	err := q.Open(config(fs))
	if err == nil {
		closeQueue(t, q)
		return nil
	}
	var damage *journal.DamageError
	if !errors.As(err, &damage) || !errors.Is(err, backend.ErrDamaged) || !strings.Contains(err.Error(), damage.File) || !strings.Contains(err.Error(), "actionhero tasks repair") {
		t.Fatalf("the error does not name the damaged file or the remedy: %v", err)
	}
	return damage
}

// depth multiplies the random damages of the tests, which repair a folder for each of them.
var depth = flag.Int("queue.depth", 1, "multiply the random damages that the tests of repairs try")

// TestFlippedBit flips single bits of written bytes. Open must report each.
func TestFlippedBit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs, want, used := usedFolder(t, 700)
		random := rand.New(rand.NewPCG(1, 1))
		stride := max(149 / *depth, 1)
		flips := 0
		for name, n := range used {
			for at := random.IntN(stride); at < int(n); at += stride {
				bit := byte(1) << random.IntN(8)
				fs.Bytes(name)[at] ^= bit
				damage := openDamaged(t, fs)
				if damage == nil {
					t.Fatalf("bit %08b of byte %d of %s was flipped, but Open succeeds", bit, at, name)
				}
				if damage.File == name && damage.Offset > int64(at) {
					t.Fatalf("bit %08b of byte %d of %s was flipped, but the damage is reported at %d", bit, at, name, damage.Offset)
				}
				fs.Bytes(name)[at] ^= bit
				flips++
			}
		}
		if flips < 100 {
			t.Errorf("only %d bits were flipped", flips)
		}
		q := open(t, config(fs)) // with all bits restored
		if d := diff(want, contents(t, q)); d != "" {
			t.Errorf("the jobs changed (-want +got):\n%s", d)
		}
		closeQueue(t, q)
	})
}

// TestFlippedUnwrittenBit flips bits of bytes that were never written. Open may report them; otherwise no job may be lost.
func TestFlippedUnwrittenBit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fs, want, used := usedFolder(t, 200)
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
				if d := diff(want, contents(t, q)); d != "" {
					t.Fatalf("byte %d of %s was changed (-want +got):\n%s", at, name, d)
				}
				closeQueue(t, q)
			}
		}
	})
}

// TestDamagedFiles removes, truncates, replaces and clears files. Open must report each.
func TestDamagedFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		whole, _, used := usedFolder(t, 700)
		var names []string
		all, _ := whole.List()
		for _, name := range all {
			if used[name] > 0 {
				names = append(names, name)
			}
		}
		first, last := names[0], names[len(names)-1]
		for name, damage := range map[string]func(fs *faultfs.FS) error{
			"the first file is missing":             func(fs *faultfs.FS) error { return fs.Remove(first) },
			"a file is missing":                     func(fs *faultfs.FS) error { return fs.Remove(names[1]) },
			"the last file is truncated":            func(fs *faultfs.FS) error { fs.Truncate(last, int(used[last])-1); return nil },
			"a file is empty":                       func(fs *faultfs.FS) error { fs.Truncate(first, 0); return nil },
			"a file has only a header":              func(fs *faultfs.FS) error { fs.Truncate(names[1], 512); return nil },
			"a file has the content of another one": func(fs *faultfs.FS) error { copy(fs.Bytes(names[1]), fs.Bytes(first)); return nil },
			"a sector is zero":                      func(fs *faultfs.FS) error { clear(fs.Bytes(first)[1024:1536]); return nil },
			"a file is zero":                        func(fs *faultfs.FS) error { clear(fs.Bytes(last)); return nil },
			"all files after the first are missing": func(fs *faultfs.FS) error {
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
			if openDamaged(t, fs) == nil {
				t.Errorf("%s, but Open succeeds", name)
			}
		}
	})
}

// TestRepair flips single bits and repairs the folder. All jobs outside the damaged commits must exist afterwards.
func TestRepair(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		whole, want, used := usedFolder(t, 700)
		random := rand.New(rand.NewPCG(2, 2))
		for name, n := range used {
			for range 8 * *depth {
				fs, at := whole.Clone(), random.IntN(int(n))
				fs.Bytes(name)[at] ^= 1 << random.IntN(8)
				r := repair(t, fs)
				got := contentsAfterRepair(t, fs)
				if len(r.Loss.Places) == 0 || len(r.SetAside) < len(used) {
					t.Fatalf("byte %d of %s was changed: %+v", at, name, r)
				}
				// A commit of the script changes at most 8 jobs, a commit of a compaction more.
				if lost := countMissing(want, got); at < 512 && lost > 0 || lost > 16 {
					t.Fatalf("byte %d of %s was changed, and %d jobs are missing (-want +got):\n%s", at, name, lost, diff(want, got))
				}
			}
		}
	})
}

func TestRepairOfFiles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		whole, want, used := usedFolder(t, 700)
		names := slices.Sorted(maps.Keys(used))
		for name, damage := range map[string]func(fs *faultfs.FS){
			"the header is cleared":                 func(fs *faultfs.FS) { clear(fs.Bytes(names[0])[:512]) },
			"a file is missing":                     func(fs *faultfs.FS) { _ = fs.Remove(names[1]) },
			"a file is truncated":                   func(fs *faultfs.FS) { fs.Truncate(names[1], 700) },
			"a file is empty":                       func(fs *faultfs.FS) { fs.Truncate(names[0], 0) },
			"a file has the content of another one": func(fs *faultfs.FS) { copy(fs.Bytes(names[1]), fs.Bytes(names[0])) },
			"a file has random content":             func(fs *faultfs.FS) { randomize(fs.Bytes(names[0])) },
			"two files are cleared":                 func(fs *faultfs.FS) { clear(fs.Bytes(names[0])); clear(fs.Bytes(names[1])) },
			"no damage":                             func(*faultfs.FS) {},
		} {
			fs := whole.Clone()
			damage(fs)
			r := repair(t, fs)
			got := contentsAfterRepair(t, fs)
			if undamaged := name == "no damage"; undamaged != (len(r.Loss.Places) == 0) || undamaged && diff(want, got) != "" {
				t.Errorf("%s: %+v", name, r)
			}
			if r.Jobs != len(got)-2 {
				t.Errorf("%s: there are %d jobs, the report says %d", name, len(got)-2, r.Jobs)
			}
		}
	})
}

func randomize(b []byte) {
	random := rand.New(rand.NewPCG(3, 3))
	for i := range b {
		b[i] = byte(random.Uint32())
	}
}

func repair(t *testing.T, fs *faultfs.FS) Repaired {
	t.Helper()
	r, err := Repair(config(fs))
	if err != nil {
		t.Fatalf("Repair: %v", err)
	}
	return r
}

// contentsAfterRepair returns the content of a repaired folder. It must be usable, also after another Open.
func contentsAfterRepair(t *testing.T, fs *faultfs.FS) []string {
	t.Helper()
	q := open(t, config(fs))
	got := contents(t, q)
	checkInvariants(t, q)
	if _, err := q.Enqueue(t.Context(), backend.NewJob{Task: "new"}); err != nil {
		t.Fatal(err)
	}
	reopen(t, q)
	if again := contents(t, q); len(again) != len(got)+1 {
		t.Errorf("there are %d jobs after one more than %d", len(again)-2, len(got)-2)
	}
	closeQueue(t, q)
	return got
}

// countMissing returns the number of jobs of want that are not in got.
func countMissing(want, got []string) int {
	n := 0
	for _, line := range want[2:] {
		if !slices.Contains(got, line) {
			n++
		}
	}
	return n
}
