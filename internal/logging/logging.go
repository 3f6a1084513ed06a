package logging

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Config says what is logged where. The zero value logs to ./log/api.log alone.
type Config struct {
	// Level is the least level that is logged: "debug", "info", "warn" or "error". Default: "info".
	Level string
	// Format is that of the console: "human" for lines that people read, "json" for JSON lines. "auto" is "human" with colours
	// where Color finds a terminal. Default: "auto".
	Format string
	// Folder is where the log file is; it is made (mode 0750) if it is missing. Default: "log" in the working directory.
	Folder string
	// File is the name of the log file, without a folder; it is made (mode 0640) with the first line. Default: "api.log".
	File string
	// NoFile turns the log file off. Default: false.
	NoFile bool
	// MaxSize is the size in bytes at which the file is moved aside and a new one begun; only a longer single line exceeds it. Default: 10 MiB.
	MaxSize int64
	// MaxBackups is how many moved files are kept; below zero keeps all. Default: 5.
	MaxBackups int
	// Console turns the console on. Default: false.
	Console bool
	// Output is the console. It is never closed. Default: os.Stdout.
	Output io.Writer
	// Color is "always", "never", or "auto": on a terminal, unless NO_COLOR is set or TERM is dumb. Default: "auto".
	Color string
}

// Complete returns c with the defaults of the log file filled in.
func (c Config) Complete() Config {
	c.Folder = cmp.Or(c.Folder, "log")
	c.File = cmp.Or(c.File, "api.log")
	c.MaxSize = cmp.Or(c.MaxSize, defaultMaxSize)
	c.MaxBackups = cmp.Or(c.MaxBackups, defaultBackups)
	return c
}

// New makes the logger. The closer writes out what is still buffered and closes the file; closing it twice does nothing, and the logger may
// still be used afterwards, with what goes to the file being dropped. The error names the setting that is wrong, or the folder or
// file that cannot be written.
func New(c Config) (*slog.Logger, io.Closer, error) {
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
	closer := io.Closer(nothing{})
	if !c.NoFile {
		file, err := newFileSink(c, reporter(c, console))
		if err != nil {
			return nil, nil, err
		}
		closer = file
		handlers = append(handlers, &jsonHandler{level: level, out: file})
	}
	switch len(handlers) {
	case 0:
		return slog.New(slog.DiscardHandler), closer, nil
	case 1:
		return slog.New(handlers[0]), closer, nil
	}
	return slog.New(slog.NewMultiHandler(handlers...)), closer, nil
}

type nothing struct{}

func (nothing) Close() error { return nil }

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

// newConsole makes the handler of the console; its settings are checked even while it is off.
func newConsole(c Config, level slog.Level) (slog.Handler, error) {
	color, err := useColor(c.Color, c.Output, os.Getenv)
	if err != nil {
		return nil, err
	}
	out := &writerSink{w: c.Output}
	switch c.Format {
	case "", "auto", "human":
		return &humanHandler{level: level, out: out, color: color}, nil
	case "json":
		return &jsonHandler{level: level, out: out}, nil
	}
	return nil, fmt.Errorf("the log format %q is not known; use auto, human or json", c.Format)
}

// reporter tells people that the log file cannot be written: on the console, or on standard error when that is off.
func reporter(c Config, console slog.Handler) func(error) {
	h := console
	if !c.Console {
		h = &humanHandler{out: &writerSink{w: os.Stderr}}
	}
	return func(err error) {
		// There is nobody left to tell when this fails, too.
		_ = h.Handle(context.Background(), slog.NewRecord(time.Now(), slog.LevelError, err.Error(), 0))
	}
}

// useColor decides about colours.
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

// isTerminal takes every character device but the null device for a terminal, which the standard library can tell on all systems.
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

// prepareFolder makes the folder and proves that files in it can be written, so that a wrong folder is known at the start and not
// with the first line.
func prepareFolder(folder, path string) error {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return fmt.Errorf("the log folder %s cannot be made: %w; name another folder or allow writing there", folder, err)
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
