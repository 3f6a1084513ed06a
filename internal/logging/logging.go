package logging

import (
	"bytes"
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

// File controls the outputs of a logger: the console and the log file. Until Open and after Close, the logger writes each
// line at once. Between them, lines wait in memory for up to 50 ms and are written in batches. An output that is slow or
// blocks then holds up no code that logs: its lines wait, up to 8 MiB, and further ones are lost. When the output takes
// lines again, a line says how many are lost. A warning or an error is written before the code that logs it goes on, unless
// that takes longer than 100 ms. Open and Close can be called again.
//
// Reopen writes the lines that wait and closes the log file; the next line opens or creates the file again. If another program moves,
// deletes or truncates the file, the logger notices that before its next write, also without Reopen.
//
// Close writes the lines that wait. If an output blocks, Close returns an error after a second.
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
	console, batches, err := newConsole(c, level)
	if err != nil {
		return nil, nil, err
	}
	var all handlers
	outputs := &outputs{console: batches}
	if c.Console {
		all = append(all, console)
	}
	if c.File != "" {
		if outputs.file, err = newFileSink(c, reporter(c, console)); err != nil {
			return nil, nil, err
		}
		all = append(all, newJSONHandler(level, outputs.file))
	}
	switch len(all) {
	case 0:
		return slog.New(slog.DiscardHandler), outputs, nil
	case 1:
		return slog.New(all[0]), outputs, nil
	}
	return slog.New(all), outputs, nil
}

// outputs is the File of a logger.
type outputs struct {
	file    *fileSink // nil: none
	console *batcher
}

func (o *outputs) Open() {
	o.console.Open()
	if o.file != nil {
		o.file.Open()
	}
}

func (o *outputs) Reopen() error {
	if o.file == nil {
		return nil
	}
	return o.file.Reopen()
}

// Close closes the file first, because the file reports its failures on the console.
func (o *outputs) Close() (err error) {
	if o.file != nil {
		err = o.file.Close()
	}
	if !o.console.close() {
		err = errors.Join(err, fmt.Errorf("the console took no lines for %v: the last lines may be lost", closeWait))
	}
	return err
}

// settle comes after a line of this level that was written to out, see batcher.settle.
func settle(out io.Writer, level slog.Level) {
	if level < slog.LevelWarn {
		return
	}
	if b, ok := out.(interface{ settle(level slog.Level) }); ok {
		b.settle(level)
	}
}

// noticeOf returns a function that appends a line about lost lines of an output, in its format.
func noticeOf(format func(io.Writer) slog.Handler, output string) func(batch []byte, lines int) []byte {
	return func(batch []byte, lines int) []byte {
		var line bytes.Buffer
		record := slog.NewRecord(time.Now(), slog.LevelWarn, output+" did not take lines in time, so some are lost", 0)
		record.AddAttrs(slog.Int("lines", lines))
		_ = format(&line).Handle(context.Background(), record) // a buffer takes all
		return append(batch, line.Bytes()...)
	}
}

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

// newConsole returns the slog.Handler that writes to the console, and its batcher. It returns an error for an invalid
// Format or Color, even if the console is turned off.
func newConsole(c Config, level slog.Level) (lineHandler, *batcher, error) {
	color, err := useColor(c.Color, c.Output, os.Getenv)
	if err != nil {
		return nil, nil, err
	}
	var format func(io.Writer) lineHandler
	switch c.Format {
	case "", "auto", "human":
		format = func(out io.Writer) lineHandler { return &humanHandler{level: level, out: out, color: color} }
	case "json":
		format = func(out io.Writer) lineHandler { return newJSONHandler(level, out) }
	default:
		return nil, nil, fmt.Errorf("the log format %q is not known; use auto, human or json", c.Format)
	}
	lines := &lineWriter{w: c.Output}
	b := &batcher{most: maxWaiting}
	b.write = func(batch []byte) { _, _ = lines.Write(batch) } // there is no output for an error of the console
	b.notice = noticeOf(func(out io.Writer) slog.Handler { return format(out) }, "the console")
	return format(b), b, nil
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
