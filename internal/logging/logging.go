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

// Config holds what is logged where. Its defaults are those of server.LogConfig; here a zero is a zero. The zero value logs nothing.
type Config struct {
	Level      string // the lowest level that is logged: "debug", "info", "warn" or "error"; empty is "info"
	Format     string // of the console: "human", "json", or "auto" (also empty), which is "human" with colours if Color finds a terminal
	Folder     string // of the log file; New creates it (mode 0750) if it is missing; empty is the working directory
	File       string // name of the log file, without a folder; the first line creates it (mode 0640); empty is no log file
	MaxSize    int64  // size in bytes at which the file is rotated; only a longer single line exceeds it
	MaxBackups int    // rotated files to keep; below 1 keeps all
	Console    bool
	Output     io.Writer // the console, which is never closed; nil is os.Stdout
	Color      string    // "always", "never", or "auto" (also empty): on a terminal, unless NO_COLOR is set or TERM is dumb
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
	if c.File != "" {
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

// Colored reports whether a program may write colours to w: on a terminal, unless NO_COLOR is set or TERM is dumb.
func Colored(w io.Writer) bool {
	color, _ := useColor("auto", w, os.Getenv)
	return color
}

// useColor reports whether a console with the setting mode has colours.
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
