package logging

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/actionhero-go/actionhero/internal/terminal"
)

// Config selects which records are logged, and where. server.LogConfig has the defaults of these settings. New does not
// replace a zero number or false with a default, so the zero Config logs nothing.
type Config struct {
	// Level is the lowest level that is logged: "debug", "info", "warn" or "error". Empty means "info".
	Level string
	// Format is the format of the console: "human" for lines that people read, "json" for JSON lines. "auto" and empty
	// mean "human". Color decides whether "human" lines have colours.
	Format string
	// Folder is the folder of the log file. If the folder does not exist, New creates it with mode 0750.
	Folder string
	// File is the name of the log file, without a folder. The first log line creates the file with mode 0640. Empty
	// means that there is no log file.
	File string
	// MaxSize is the size, in bytes, at which the file is rotated. The file exceeds MaxSize only if a single line is
	// longer.
	MaxSize int64
	// MaxBackups is the maximum number of rotated files that are kept. A number below 1 keeps all of them.
	MaxBackups int
	// Compress compresses rotated files with gzip.
	Compress bool
	// Console turns on the output to the console.
	Console bool
	// Output is the writer of the console. New and Close do not close it. Nil means os.Stdout.
	Output io.Writer
	// Color is "always", "never" or "auto". With "auto", the console has colours if Output is a terminal, unless
	// NO_COLOR is set or TERM is "dumb". Empty means "auto".
	Color string
}

// File controls the log file of a logger. While the file is closed, the logger writes each line to the file at once. While
// the file is open, lines wait in a buffer for up to 200 ms. Close flushes the buffer; Open and Close can be called again.
//
// Reopen flushes the buffer and closes the file; the next line opens or creates the file again. If another program moves,
// deletes or truncates the file, the logger notices that before its next write, also without Reopen.
type File interface {
	Open()
	Reopen() error
	io.Closer
}

// New returns a logger and the File of the logger. The File is closed at first. The error names the invalid setting, or
// the folder or file that cannot be written.
func New(c Config) (*slog.Logger, File, error) {
	level, err := parseLevel(c.Level)
	if err != nil {
		return nil, nil, err
	}
	if c.Output == nil {
		c.Output = os.Stdout
	}
	console, err := newConsole(c, level)
	if err != nil {
		return nil, nil, err
	}
	var all handlers
	if c.Console {
		all = append(all, console)
	}
	lifetime := File(noFile{})
	if c.File != "" {
		file, err := newFileSink(c, reporter(c, console))
		if err != nil {
			return nil, nil, err
		}
		lifetime = file
		all = append(all, newJSONHandler(level, file))
	}
	switch len(all) {
	case 0:
		return slog.New(slog.DiscardHandler), lifetime, nil
	case 1:
		return slog.New(all[0]), lifetime, nil
	}
	return slog.New(all), lifetime, nil
}

// noFile is the File of a logger that writes to no file.
type noFile struct{}

func (noFile) Open()         {}
func (noFile) Reopen() error { return nil }
func (noFile) Close() error  { return nil }

func parseLevel(name string) (slog.Level, error) {
	switch name {
	case "debug":
		return slog.LevelDebug, nil
	case "", "info":
		return slog.LevelInfo, nil
	case "warn":
		return slog.LevelWarn, nil
	case "error":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("the log level %q is not known; use debug, info, warn or error", name)
}

// newConsole returns the slog.Handler that writes to the console. It returns an error for an invalid Format or Color,
// even if the console is turned off.
func newConsole(c Config, level slog.Level) (lineHandler, error) {
	color, err := useColor(c.Color, c.Output, os.Getenv)
	if err != nil {
		return nil, err
	}
	switch c.Format {
	case "", "auto", "human":
		return &humanHandler{level: level, out: &lineWriter{w: c.Output}, color: color}, nil
	case "json":
		return newJSONHandler(level, &lineWriter{w: c.Output}), nil
	}
	return nil, fmt.Errorf("the log format %q is not known; use auto, human or json", c.Format)
}

// reporter returns a function that logs an error about the log file. The function logs to the console, or to standard
// error if the console is turned off.
func reporter(c Config, console slog.Handler) func(error) {
	h := console
	if !c.Console {
		h = &humanHandler{out: &lineWriter{w: os.Stderr}}
	}
	return func(err error) {
		// If this fails too, there is no output left for the error.
		_ = h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelError, err.Error(), 0))
	}
}

// Colored reports whether a program may write colours to w. This is the case if w is a terminal, unless NO_COLOR is set
// or TERM is "dumb".
func Colored(w io.Writer) bool {
	color, _ := useColor("auto", w, os.Getenv)
	return color
}

// useColor reports whether the output w gets colours in the given mode: "always", "never" or "auto". It returns an
// error for any other mode; the empty mode means "auto".
func useColor(mode string, w io.Writer, getenv func(string) string) (bool, error) {
	switch mode {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "", "auto":
		return terminal.Is(w) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb", nil
	}
	return false, fmt.Errorf("the log colour %q is not known; use auto, always or never", mode)
}

// ErrNotWritable is in the error of [New] if the folder or the file of the log is not writable.
var ErrNotWritable = errors.New("not writable")

// prepareFolder creates the folder of the log file and checks that the folder and the file at path are writable. An
// invalid folder is therefore an error when the program starts, not when it logs the first line.
func prepareFolder(folder, path string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("the log folder %s is %w, because it cannot be created: %w", folder, ErrNotWritable, err)
	}
	probe, err := os.CreateTemp(folder, ".writable-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return fmt.Errorf("the log folder %s is %w: %w", folder, ErrNotWritable, err)
	}
	f, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the log file %s is %w: %w", path, ErrNotWritable, err)
	}
	return nil
}
