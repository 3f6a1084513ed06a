package logging

import (
	"bytes"
	"cmp"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// withFile names a log file if c has a folder for one.
func (c Config) withFile() Config {
	if c.Folder != "" {
		c.File = cmp.Or(c.File, "api.log")
		c.MaxSize = cmp.Or(c.MaxSize, 10<<20)
		c.MaxBackups = cmp.Or(c.MaxBackups, 5)
	}
	return c
}

// build returns a logger that is closed at the end of the test.
func build(t testing.TB, c Config) (*slog.Logger, File) {
	t.Helper()
	logger, file, err := New(c.withFile())
	if err != nil {
		t.Fatal(err)
	}
	file.Open()
	t.Cleanup(func() {
		if err := file.Close(); err != nil {
			t.Error(err)
		}
	})
	return logger, file
}

func TestConsoleAndFile(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	dir := t.TempDir() + "/new/log"
	logger, closer := build(t, Config{Console: true, Output: &out, Folder: dir})
	if _, err := os.Stat(dir + "/api.log"); err == nil {
		t.Error("the file exists before the first line")
	}
	logger.Debug("hidden")
	logger.Info("[x]", "a", 1)
	if err := closer.Close(); err != nil {
		t.Error(err)
	}
	if got := out.String(); !strings.HasSuffix(got, " | [x] a: 1\n") || strings.Contains(got, "\x1b") {
		t.Errorf("console: %q", got)
	}
	data, err := os.ReadFile(dir + "/api.log")
	if err != nil || !strings.HasSuffix(string(data), `,"level":"INFO","msg":"[x]","a":1}`+"\n") {
		t.Errorf("file: %q, %v", data, err)
	}
	for path, want := range map[string]os.FileMode{dir: 0o750, dir + "/api.log": 0o640} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: mode %v, %v, want %v", path, info.Mode().Perm(), err, want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("the folder holds more than the log: %v", entries)
	}
	if err := closer.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	logger.Info("after close") // it is in the file when Info returns
	if after, _ := os.ReadFile(dir + "/api.log"); !bytes.HasPrefix(after, data) || !bytes.Contains(after[len(data):], []byte(`"msg":"after close"`)) {
		t.Errorf("a line after Close: %s", after[len(data):])
	}
}

func TestFormatsAndLevels(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ level, format, want string }{
		{"", "", "info|warn|error|"},
		{"debug", "human", "debug|info|warn|error|"},
		{"warn", "auto", "warn|error|"},
		{"error", "json", "error|"},
	} {
		var out bytes.Buffer
		logger, closer := build(t, Config{Console: true, Output: &out, Level: tt.level, Format: tt.format})
		if err := closer.Close(); err != nil { // from now on, each line is written at once
			t.Fatal(err)
		}
		for l, name := range map[slog.Level]string{-4: "debug", 0: "info", 4: "warn", 8: "error"} {
			out.Reset()
			logger.Log(t.Context(), l, name)
			if isJSON := strings.HasPrefix(out.String(), "{"); out.Len() > 0 && isJSON != (tt.format == "json") {
				t.Errorf("%+v: %s", tt, out.String())
			}
			if logged := strings.Contains(out.String(), name); logged != strings.Contains(tt.want, name) {
				t.Errorf("%+v: %s is logged: %v", tt, name, logged)
			}
		}
	}
}

func TestNoOutput(t *testing.T) {
	t.Parallel()
	logger, closer := build(t, Config{})
	logger.Info("dropped")
	if logger.Enabled(t.Context(), slog.LevelError) {
		t.Error("a logger without outputs is enabled")
	}
	if err := closer.Close(); err != nil {
		t.Error(err)
	}
}

func TestWrongConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/file", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(dir+"/folder", 0o700); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Config{
		`the log level "loud" is not known`:        {Level: "loud"},
		`the log format "xml" is not known`:        {Format: "xml"},
		`the log colour "red" is not known`:        {Color: "red"},
		"must be a name without a folder":          {File: "a/b.log"},
		"largest size of the log file":             {Folder: dir, MaxSize: -1},
		"/file/log is not writable, because it c":  {Folder: dir + "/file/log"},
		"the log file " + dir + "/folder is not w": {Folder: dir, File: "folder"},
	} {
		if _, _, err := New(c.withFile()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	// No user can create files in this folder, root included.
	if _, err := os.Stat("/proc/self"); err == nil {
		if _, _, err := New(Config{Folder: "/proc/self"}.withFile()); err == nil || !strings.Contains(err.Error(), "is not writable") {
			t.Errorf("got %v", err)
		}
	}
}

func TestColorChoice(t *testing.T) {
	t.Parallel()
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close() //nolint:errcheck // nothing was written
	terminal := openTerminal(t)
	for _, tt := range []struct {
		mode    string
		out     io.Writer
		noColor string
		term    string
		want    bool
	}{
		{"auto", &bytes.Buffer{}, "", "xterm", false},
		{"auto", null, "", "xterm", false},
		{"always", &bytes.Buffer{}, "1", "dumb", true},
		{"auto", terminal, "", "xterm", true},
		{"", terminal, "", "", true},
		{"", terminal, "1", "xterm", false},
		{"", terminal, "", "dumb", false},
		{"never", terminal, "", "xterm", false},
	} {
		env := map[string]string{"NO_COLOR": tt.noColor, "TERM": tt.term}
		got, err := useColor(tt.mode, tt.out, func(name string) string { return env[name] })
		if err != nil || got != tt.want {
			t.Errorf("%+v: %v, %v", tt, got, err)
		}
	}
}

// openTerminal opens the master side of a terminal, or another character device if there is none.
func openTerminal(t *testing.T) *os.File {
	t.Helper()
	for _, path := range []string{"/dev/ptmx", "/dev/zero"} {
		if f, err := os.OpenFile(path, os.O_RDWR, 0); err == nil {
			t.Cleanup(func() { _ = f.Close() })
			return f
		}
	}
	t.Fatal("this system has no character device that can stand for a terminal")
	return nil
}

func TestLinesReachTheFileInTime(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		logger, closer, err := New(Config{Folder: dir}.withFile())
		if err != nil {
			t.Fatal(err)
		}
		lines := func() int {
			data, _ := os.ReadFile(dir + "/api.log")
			return bytes.Count(data, []byte("\n"))
		}
		logger.Info("one")
		if n := lines(); n != 1 {
			t.Errorf("%d lines before Open, want 1", n)
		}
		closer.Open()
		<-time.After(flushAfter)
		logger.Info("two")
		<-time.After(time.Nanosecond)
		synctest.Wait()
		if n := lines(); n != 2 {
			t.Errorf("%d lines after a pause and one line, want 2", n)
		}
		logger.Info("three")
		<-time.After(flushAfter - 2*time.Nanosecond)
		synctest.Wait()
		if n := lines(); n != 2 {
			t.Errorf("%d lines were written before the timer, want 2", n)
		}
		logger.Info("four")
		<-time.After(time.Nanosecond)
		synctest.Wait()
		if n := lines(); n != 4 {
			t.Errorf("%d lines after %v, want 4", n, flushAfter)
		}
		logger.Info("five")
		logger.Warn("six")
		if n := lines(); n != 6 {
			t.Errorf("%d lines right after a warning, want 6", n)
		}
		logger.Info("seven")
		if err := closer.Close(); err != nil {
			t.Error(err)
		}
		if n := lines(); n != 7 {
			t.Errorf("%d lines after Close, want 7", n)
		}
	})
}
