package supervise

import (
	"bytes"
	"fmt"
	"io"
	"sync"
)

// Console is a writer for the lines of several processes. Each Write is written as a whole. After an error, for example
// because the reader of a pipe has gone, Write drops the text and returns no error: a node must not block or die because
// its output is not read.
type Console struct {
	mu  sync.Mutex
	out io.Writer
}

// NewConsole returns a Console that writes to out.
func NewConsole(out io.Writer) *Console { return &Console{out: out} }

// Write implements io.Writer.
func (c *Console) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.out.Write(p)
	return len(p), nil
}

// maxLine is the length at which a line is broken, in bytes.
const maxLine = 64 << 10

// lineWriter writes the lines of a node to out, with the name of the node. A line that is a JSON object remains one, and
// gets the member "node" instead.
type lineWriter struct {
	out    io.Writer
	number int

	mu   sync.Mutex
	rest []byte // the beginning of a line
	line []byte // scratch
}

// Write implements io.Writer. It keeps a line that is not complete.
func (w *lineWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	written := len(p)
	for len(p) > 0 {
		line, rest, complete := bytes.Cut(p, []byte("\n"))
		if room := maxLine - len(w.rest); len(line) > room {
			line, rest, complete = p[:room], p[room:], true
		}
		w.rest = append(w.rest, line...)
		if p = rest; complete {
			w.flush()
		}
	}
	return written, nil
}

// end writes the last line, if no line end came.
func (w *lineWriter) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.rest) > 0 {
		w.flush()
	}
}

func (w *lineWriter) flush() {
	text := bytes.TrimSuffix(w.rest, []byte("\r"))
	if inner, ok := bytes.CutPrefix(text, []byte("{")); ok && bytes.HasSuffix(inner, []byte("}")) {
		comma := ","
		if len(bytes.TrimSpace(inner)) == 1 {
			comma = ""
		}
		w.line = append(fmt.Appendf(w.line[:0], `{"node":%d%s`, w.number, comma), inner...)
	} else {
		w.line = append(fmt.Appendf(w.line[:0], "%s | ", nameOf(w.number)), text...)
	}
	_, _ = w.out.Write(append(w.line, '\n'))
	w.rest = w.rest[:0]
}
