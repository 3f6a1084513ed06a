package logging

import (
	"log/slog"
	"strings"
)

// cutStack splits a text that ends with the stack of a goroutine, in the form of [runtime/debug.Stack].
func cutStack(text string) (before, stack string, ok bool) {
	const begin, running = "goroutine ", " [running]:\n"
	at := 0
	if !strings.HasPrefix(text, begin) {
		at = strings.Index(text, "\n"+begin) + 1
		if at == 0 {
			return text, "", false
		}
	}
	if line, _, _ := strings.Cut(text[at:], "\n"); !strings.HasSuffix(line+"\n", running) {
		return text, "", false
	}
	return strings.TrimSuffix(text[:at], "\n"), text[at:], true
}

// ownFrames returns the frames of a stack, without its first line and without those of the code that handles a panic. So
// the first frame is the one that has panicked.
func ownFrames(stack string) string {
	_, frames, _ := strings.Cut(stack, "\n")
	if i := strings.LastIndex("\n"+frames, "\npanic("); i >= 0 && strings.HasPrefix(frames, "runtime/debug.Stack(") {
		_, rest, _ := strings.Cut(frames[i:], "\n") // the function panic
		_, frames, _ = strings.Cut(rest, "\n")      // and its file
	}
	return frames
}

// cut moves a stack at the end of a text value to the lines that follow the line of the record. It returns what remains.
func (buf *buffer) cut(v slog.Value) slog.Value {
	if v.Kind() != slog.KindString {
		return v
	}
	before, stack, ok := cutStack(v.String())
	if !ok {
		return v
	}
	for line := range strings.Lines(ownFrames(stack)) {
		line = strings.TrimRight(line, "\n")
		file, isFile := strings.CutPrefix(line, "\t")
		if line == "" {
			continue
		}
		buf.stack = append(buf.stack, "    "...) // no line of a value begins like a line of the log
		if isFile {
			line = file
			buf.stack = append(buf.stack, "    "...)
		}
		buf.stack = append(appendEscaped(buf.stack, line), '\n')
	}
	if before == "" {
		before = "below"
	}
	return slog.StringValue(before)
}
