package logging

import (
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/DeRuina/timberjack"
)

// disk is a writer to out that accepts room more bytes, and then fails.
type disk struct {
	io.WriteCloser
	room *atomic.Int64
}

func (d disk) Write(p []byte) (int, error) {
	n := min(int64(len(p)), max(d.room.Load(), 0))
	d.room.Add(-n)
	written, err := d.WriteCloser.Write(p[:n])
	if err == nil && written < len(p) {
		err = errors.New("no space left on device")
	}
	return written, err
}

func (d disk) RotateWithReason(string) error { return nil }

// A disk that becomes full and free again leaves whole lines: each line is in the log once, or not at all.
func TestAFullDiskTearsNoLine(t *testing.T) {
	t.Parallel()
	var room atomic.Int64
	dir := t.TempDir()
	path := filepath.Join(dir, "api.log")
	logger, file := build(t, Config{Folder: dir, MaxSize: 1 << 20})
	sink := file.(*outputs).file
	sink.report = func(error) {}
	create := sink.create
	sink.create = func() rotated { return disk{create(), &room} }
	for i := range 200 {
		room.Store(int64(i % 150)) // often in the middle of a line
		logger.Warn("line", "i", i)
	}
	room.Store(1 << 20)
	logger.Warn("line", "i", 200)
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]bool{}
	for line := range strings.Lines(string(data)) {
		var record struct{ I int }
		if err := json.Unmarshal([]byte(line), &record); err != nil || seen[record.I] {
			t.Errorf("%q: %v", line, err)
		}
		seen[record.I] = true
	}
	if !seen[200] || len(seen) < 10 || len(seen) > 190 {
		t.Errorf("%d lines were written", len(seen))
	}
}

// tornWriter takes only the first bytes of every other line.
type tornWriter struct {
	strings.Builder
	odd bool
}

func (w *tornWriter) Write(p []byte) (int, error) {
	if string(p) == "\n" {
		return w.Builder.Write(p)
	}
	if w.odd = !w.odd; w.odd {
		n, _ := w.Builder.Write(p[:5])
		return n, io.ErrShortWrite
	}
	return w.Builder.Write(p)
}

// A console that takes only a part of a line gets the next line on a line of its own, in both formats.
func TestATornLineOfTheConsoleEnds(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"human", "json"} {
		out := &tornWriter{}
		logger, _, err := New(Config{Console: true, Format: format, Output: out})
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			logger.Info("first")
			logger.Info("second")
		}
		lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
		if len(lines) != 6 {
			t.Fatalf("%s: the console has %q", format, lines)
		}
		for i := 1; i < 6; i += 2 {
			if len(lines[i-1]) != 5 || !strings.Contains(lines[i], "second") {
				t.Errorf("%s: the console has %q", format, lines)
			}
		}
	}
}

// Rotated files are compressed, also those of a process that was killed. The current file and the files of others are not.
// Every line is there once.
func TestRotatedFilesAreCompressed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	others := []string{"api-2026-11-23T17-04-05.678-size.log.gz.tmp", "api-other.log", "api-2026-11-23T17-04-05.678-size.txt", "xapi-2026-11-23T17-04-05.678-size.log"}
	left := "api-2026-11-23T17-04-05.678-size.log"
	for _, name := range append(others, left) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("n=left\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	logger, file := build(t, Config{Folder: dir, MaxSize: 500, MaxBackups: -1, Compress: true})
	for n := range 30 {
		logger.Warn("a line of the log that is rotated soon", "n", n)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	if plain, _ := filepath.Glob(dir + "/api*.log"); len(plain) != 2 {
		t.Errorf("the folder has the uncompressed files %q", plain)
	}
	for _, name := range others[1:] {
		if text, err := os.ReadFile(filepath.Join(dir, name)); err != nil || string(text) != "n=left\n" {
			t.Errorf("%s has %q, %v", name, text, err)
		}
	}
	packed, _ := filepath.Glob(dir + "/api-*.log.gz")
	var all string
	for _, path := range packed {
		all += unpacked(t, path)
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 && filepath.Base(path) != left+".gz" {
			t.Errorf("%s: %v, %v", path, info, err)
		}
	}
	current, err := os.ReadFile(filepath.Join(dir, "api.log"))
	if all += string(current); err != nil || strings.Count(all, "n=left\n") != 1 {
		t.Errorf("the log has\n%s%v", all, err)
	}
	for n := range 30 {
		if strings.Count(all, fmt.Sprintf(`"n":%d}`, n)) != 1 {
			t.Errorf("line %d is not in the log once:\n%s", n, all)
		}
	}
}

func unpacked(t *testing.T, path string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	zip, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// A rotated file that cannot be compressed stays, and the error is reported.
func TestAFileThatDoesNotCompressStays(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "api-2026-11-23T17-04-05.678-size.log")
	if err := errors.Join(os.WriteFile(path, []byte("line\n"), 0o600), os.MkdirAll(path+".gz.tmp/x", 0o700)); err != nil {
		t.Fatal(err)
	}
	var reported []error
	c := newCompressing(&timberjack.Logger{Filename: filepath.Join(dir, "api.log")}, func(err error) { reported = append(reported, err) })
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || string(text) != "line\n" || len(reported) != 1 {
		t.Errorf("the file has %q, %v; reported: %v", text, err, reported)
	}
}

// No message, key or value looks like several fields.
func TestNoTextForgesAField(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	logger, _, err := New(Config{Console: true, Format: "human", Output: &out})
	if err != nil {
		t.Fatal(err)
	}
	logger.Info("hello | remote: 10.0.0.1", "action", `x | remote: "10.0.0.1"\`, "params", `{"a":"b"}`, "quoted", `"x" is no y`, "error", errors.New("a | b"), "plain", "a: b", "empty", "", "k | x", 1)
	_, line, _ := strings.Cut(out.String(), " | ")
	want := `"hello | remote: 10.0.0.1" | action: "x | remote: \"10.0.0.1\"\\" | params: {"a":"b"} | quoted: "\"x\" is no y" | error: "a | b" | plain: a: b | empty:  | "k | x": 1` + "\n"
	if line != want {
		t.Errorf("the line is\n%s, want\n%s", line, want)
	}
}
