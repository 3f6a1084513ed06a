package logging

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// readAll returns the lines of all files of a folder and checks the files' sizes.
func readAll(t *testing.T, dir string, maxSize int64) (lines []string, files int) {
	t.Helper()
	paths, err := filepath.Glob(dir + "/api*.log")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if int64(len(data)) > maxSize && bytes.Count(data, []byte("\n")) > 1 {
			t.Errorf("%s has %d bytes, the limit is %d", path, len(data), maxSize)
		}
		for line := range strings.Lines(string(data)) {
			lines = append(lines, line)
		}
	}
	return lines, len(paths)
}

func TestRotationKeepsEveryLine(t *testing.T) {
	t.Parallel()
	const writers, each, maxSize = 8, 500, 2000
	dir := t.TempDir()
	logger, closer := build(t, Config{Folder: dir, MaxSize: maxSize, MaxBackups: -1})
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				logger.Info("line", "id", fmt.Sprintf("%d-%d", w, i), "pad", strings.Repeat("x", i%100))
				if i%50 == 0 {
					logger.Warn("urgent", "id", fmt.Sprintf("%d-w%d", w, i))
				}
			}
		})
	}
	wg.Wait()
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	lines, files := readAll(t, dir, maxSize)
	seen := map[string]bool{}
	for _, line := range lines {
		var record struct{ ID string }
		if err := json.Unmarshal([]byte(line), &record); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		seen[record.ID] = true
	}
	if want := writers * (each + each/50); len(lines) != want || len(seen) != want {
		t.Errorf("%d lines, %d different, want %d", len(lines), len(seen), want)
	}
	if files < 100 {
		t.Errorf("%d files, there should be many rotations", files)
	}
}

func TestOldFilesAreRemoved(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logger, closer := build(t, Config{Folder: dir, MaxSize: 200, MaxBackups: 2})
	for range 50 {
		logger.Warn("a line that is long enough to fill a file together with a second one", "pad", strings.Repeat("x", 100))
	}
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	// Files that were rotated in the same millisecond count as one.
	stamps := map[string]bool{}
	paths, _ := filepath.Glob(dir + "/api-*.log")
	for _, path := range paths {
		stamps[strings.SplitN(filepath.Base(path), "-size", 2)[0]] = true
	}
	if len(stamps) != 2 {
		t.Errorf("%d rotated files are kept, want 2: %v", len(stamps), paths)
	}
}

func TestAppendToExistingFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := strings.Repeat("old line\n", 10)
	if err := os.WriteFile(dir+"/api.log", []byte(old), 0o600); err != nil {
		t.Fatal(err)
	}
	logger, closer := build(t, Config{Folder: dir, MaxSize: 200})
	logger.Info("first")
	logger.Info("second " + strings.Repeat("x", 60))
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	lines, files := readAll(t, dir, 200)
	if len(lines) != 12 || files != 2 {
		t.Errorf("%d lines in %d files, want 12 in 2", len(lines), files)
	}
}

func TestHugeLines(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logger, closer := build(t, Config{Folder: dir, MaxSize: 1000, MaxBackups: -1})
	for i := range 5 {
		logger.Info("small")
		logger.Info(strings.Repeat("y", i*flushSize))
	}
	if err := closer.Close(); err != nil {
		t.Fatal(err)
	}
	if lines, _ := readAll(t, dir, 1000); len(lines) != 10 {
		t.Errorf("%d lines, want 10", len(lines))
	}
}

// exclusiveWriter records each write, and fails if two writes overlap.
type exclusiveWriter struct {
	mu     sync.Mutex
	writes []string
}

func (w *exclusiveWriter) Write(p []byte) (int, error) {
	if !w.mu.TryLock() {
		return 0, errors.New("two writes at once")
	}
	defer w.mu.Unlock()
	w.writes = append(w.writes, string(p))
	return len(p), nil
}

func TestConcurrentWritersDoNotInterleave(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"human", "json"} {
		var out exclusiveWriter
		logger, closer := build(t, Config{Console: true, Output: &out, Format: format})
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				l := logger.With("writer", w)
				for i := range 200 {
					l.Info("m", "i", i)
				}
			})
		}
		wg.Wait()
		if err := closer.Close(); err != nil {
			t.Error(err)
		}
		lines := slices.Collect(strings.Lines(strings.Join(out.writes, "")))
		if len(lines) != 1600 || len(out.writes) > 800 {
			t.Errorf("%s: %d lines in %d writes, want one for each record in far fewer writes", format, len(lines), len(out.writes))
		}
		for _, line := range lines {
			if err := harmless(line); err != nil {
				t.Fatalf("%s: %q: %v", format, line, err)
			}
		}
	}
}

func TestUnwritableFileIsReportedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var out bytes.Buffer
	logger, closer := build(t, Config{Folder: dir + "/log", Console: true, Output: &out})
	if err := os.RemoveAll(dir + "/log"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir+"/log", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		logger.Warn("lost")
	}
	if err := closer.Close(); err != nil {
		t.Error(err)
	}
	want := "ERROR | the log file " + dir + "/log/api.log cannot be written as it should"
	if n := strings.Count(out.String(), want); n != 1 {
		t.Errorf("reported %d times, want once:\n%s", n, out.String())
	}
	if err := os.Remove(dir + "/log"); err != nil {
		t.Fatal(err)
	}
	logger.Warn("found again")
	if err := closer.Close(); err != nil {
		t.Error(err)
	}
	if data, err := os.ReadFile(dir + "/log/api.log"); err != nil || bytes.Count(data, []byte("\n")) != 1 {
		t.Errorf("after the folder can be created again: %q, %v", data, err)
	}
}

func TestLoggingWhileClosing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logger, closer := build(t, Config{Folder: dir, MaxSize: 5000, MaxBackups: -1})
	var wg sync.WaitGroup
	started := make(chan struct{}, 4)
	for range 4 {
		wg.Go(func() {
			for i := range 2000 {
				logger.Info("m", "i", i)
				if i == 100 {
					started <- struct{}{}
				}
			}
		})
	}
	for range 4 {
		<-started
	}
	if err := closer.Close(); err != nil {
		t.Error(err)
	}
	wg.Wait()
	lines, _ := readAll(t, dir, 5000)
	if len(lines) < 404 {
		t.Errorf("%d lines, at least 404 were logged before Close", len(lines))
	}
	if i := slices.IndexFunc(lines, func(l string) bool { return !json.Valid([]byte(l)) }); i >= 0 {
		t.Errorf("%q is cut", lines[i])
	}
}

// Close is bounded while other goroutines log and the disk is slow, and no line is lost.
func TestCloseWhileLoggingToASlowDisk(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	logger, file := build(t, Config{Folder: dir, MaxSize: 1 << 20})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	var logged atomic.Int64
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					logger.Info("line")
					logged.Add(1)
					runtime.Gosched()
				}
			}
		})
	}
	for range 50 {
		file.Open()
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
	if lines, _ := readAll(t, dir, 1<<20); int64(len(lines)) != logged.Load() {
		t.Errorf("%d of %d lines are in the file", len(lines), logged.Load())
	}
}
