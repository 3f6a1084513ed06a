package logging

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"runtime/debug"
	"strings"
	"testing"
)

// explode panics, and returns the text that the server logs for the panic.
func explode(value string) (text string) {
	defer func() { text = fmt.Sprintf("panic: %v\n%s", recover(), debug.Stack()) }()
	panic(value)
}

// A terminal shows the stack of a panic a frame on each line. It begins with the function that has panicked. All other
// outputs have one line.
func TestATerminalShowsAStackBelowItsLine(t *testing.T) {
	t.Parallel()
	cause := explode("boom")
	for name, make := range map[string]func(io.Writer) slog.Handler{"pipe": human, "JSON": asJSON} {
		if line := handle(t, make, slog.LevelError, "failed", "cause", cause); strings.Count(line, "\n") != 1 {
			t.Errorf("%s has %d lines: %s", name, strings.Count(line, "\n"), line)
		}
	}
	for _, args := range [][]any{{"cause", cause, "n", 1}, {"cause", "panic: boom", "stack", cause[strings.Index(cause, "goroutine "):], "n", 1}} {
		lines := strings.Split(handle(t, coloured, slog.LevelError, "failed", args...), "\n")
		if !strings.Contains(lines[0], "panic: boom") || strings.Contains(lines[0], "goroutine") || !strings.HasSuffix(lines[0], "n\x1b[0m: 1") {
			t.Errorf("the line is %q", lines[0])
		}
		if !strings.HasPrefix(lines[1], "    ") || !strings.Contains(lines[1], "logging.explode(") || !strings.Contains(lines[2], "stack_test.go:16 ") {
			t.Errorf("the stack begins with %q", lines[1:3])
		}
	}
}

// A client whose text is logged writes no line that looks like one of the log, nor a control character.
func TestNoStackForgesALine(t *testing.T) {
	t.Parallel()
	forged := "x\ngoroutine 1 [running]:\n2026-11-30 12:00:00 | all is well\n\r\x1b[2Kall is well\n\t\x00\npanic(\n"
	out := handle(t, coloured, slog.LevelInfo, "m", "value", forged)
	_, below, _ := strings.Cut(out, "\n")
	for line := range strings.Lines(below) {
		if !strings.HasPrefix(line, "    ") || strings.ContainsAny(strings.TrimSuffix(line, "\n"), "\r\x1b\x00") {
			t.Errorf("a line is %q", line)
		}
	}
	if strings.Count(out, "\n") < 2 {
		t.Errorf("nothing is below the line: %q", out)
	}
}

// A text that only mentions a goroutine stays on its line.
func TestOtherTextsStayOnTheirLine(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"goroutine", "a\ngoroutine 7\nb", "goroutine 1 [running]", "", "a\nb"} {
		if out := handle(t, coloured, slog.LevelInfo, "m", "value", text); strings.Count(out, "\n") != 1 {
			t.Errorf("%q is %q", text, out)
		}
	}
}

// The lines of a stack do not appear again with a later record.
func TestAStackIsWrittenOnce(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(coloured(&out))
	log.Error("failed", "cause", explode("boom"))
	size := out.Len()
	for range 100 {
		log.Info("fine")
	}
	if strings.Contains(out.String()[size:], "explode") {
		t.Error("the stack is written twice")
	}
}
