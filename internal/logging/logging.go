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
)

// Config selects what is logged and where. Its defaults are those of server.LogConfig; here a zero is a zero, and the zero
// value logs nothing.
type Config struct {
	// Level is the lowest level that is logged: "debug", "info", "warn" or "error". Empty is "info".
	Level string
	// Format is the format of the console: "human" for lines that people read, "json" for JSON lines. "auto" and empty are
	// "human", with colours if Color finds a terminal.
	Format string
	// Folder is the folder of the log file. New creates it (mode 0750) if it does not exist.
	Folder string
	// File is the name of the log file, without a folder. The first line creates it (mode 0640). Empty turns the file off.
	File string
	// MaxSize is the size in bytes at which the file is rotated. Only a single longer line exceeds it.
	MaxSize int64
	// MaxBackups is how many rotated files are kept. A number below 1 keeps all.
	MaxBackups int
	// Console turns the console on.
	Console bool
	// Output is the console. It is not closed. Nil is os.Stdout.
	Output io.Writer
	// Color is "always", "never", or "auto": on a terminal, unless NO_COLOR is set or TERM is dumb. Empty is "auto".
	Color string
}

// File is the lifetime of the log file of a logger. Open and Close can be called again and again. While it is closed, as it
// is at first, each line is written to the file at once. While it is open, lines are written in batches. Close flushes them.
type File interface {
	Open()
	io.Closer
}

// New returns a logger and its file, which is closed. The error names the wrong setting, or the
// folder or file that cannot be written.
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
	var handlers []slog.Handler
	if c.Console {
		handlers = append(handlers, console)
	}
	lifetime := File(noFile{})
	if c.File != "" {
		file, err := newFileSink(c, reporter(c, console))
		if err != nil {
			return nil, nil, err
		}
		lifetime = file
		handlers = append(handlers, newJSONHandler(level, file))
	}
	switch len(handlers) {
	case 0:
		return slog.New(slog.DiscardHandler), lifetime, nil
	case 1:
		return slog.New(handlers[0]), lifetime, nil
	}
	return slog.New(slog.NewMultiHandler(handlers...)), lifetime, nil
}

// noFile is the File of a logger that writes to no file.
type noFile struct{}

func (noFile) Open()        {}
func (noFile) Close() error { return nil }

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

// newConsole returns the handler of the console. It checks the settings even if the console is off.
func newConsole(c Config, level slog.Level) (slog.Handler, error) {
	color, err := useColor(c.Color, c.Output, os.Getenv)
	if err != nil {
		return nil, err
	}
	switch c.Format {
	case "", "auto", "human":
		return &humanHandler{level: level, out: &lineWriter{w: c.Output}, color: color}, nil
	case "json":
		return newJSONHandler(level, c.Output), nil
	}
	return nil, fmt.Errorf("the log format %q is not known; use auto, human or json", c.Format)
}

// reporter returns a function that logs an error of the log file: to the console, or to standard error if the console is
// off.
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

// Colored reports whether a program may write colours to w: on a terminal, unless NO_COLOR is set or TERM is dumb.
func Colored(w io.Writer) bool {
	color, _ := useColor("auto", w, os.Getenv)
	return color
}

// useColor returns whether the console has colours.
func useColor(mode string, w io.Writer, getenv func(string) string) (bool, error) {
	switch mode {
	case "always":
		return true, nil
	case "never":
		return false, nil
	case "", "auto":
		return isTerminal(w) && getenv("NO_COLOR") == "" && getenv("TERM") != "dumb", nil
	}
	return false, fmt.Errorf("the log colour %q is not known; use auto, always or never", mode)
}

// isTerminal reports whether w is a character device other than the null device. The standard library has no exact test.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}

// prepareFolder creates the folder and checks that files in it can be written, so that a wrong folder is an error at the
// start and not at the first line.
func prepareFolder(folder, path string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("the log folder %s cannot be created: %w; name another folder or allow writing there", folder, err)
	}
	probe, err := os.CreateTemp(folder, ".writable-*")
	if err == nil {
		err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	}
	if err != nil {
		return fmt.Errorf("the log folder %s is not writable: %w; name another folder or allow writing there", folder, err)
	}
	f, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_APPEND, 0)
	if err == nil {
		err = f.Close()
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the log file %s is not writable: %w; name another file or allow writing to it", path, err)
	}
	return nil
}
