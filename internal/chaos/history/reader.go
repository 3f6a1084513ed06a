package history

import (
	"bufio"
	"bytes"
	"container/heap"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
	"unsafe"
)

// Source is a merged history that can be read many times. Events of equal time come in the order of the processes.
type Source interface {
	// Processes returns the processes. Event.Proc is an index of this list.
	Processes() []Process
	// Each calls f with each event in the order of time. The event and its slices belong to f only during the call.
	// Each stops at the first error of f and returns it.
	Each(f func(*Event) error) error
}

// Files is the history in a folder.
type Files struct {
	paths     []string
	processes []Process
	torn      []bool
}

// Open reads the first line of each file in the folder.
func Open(dir string) (*Files, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*"+extension))
	if err != nil || len(paths) == 0 {
		return nil, errors.Join(fmt.Errorf("%s has no file *%s", dir, extension), err)
	}
	f := &Files{}
	for _, path := range paths {
		lines, err := openLines(path, int32(len(f.paths)), newParser())
		if err != nil {
			return nil, err
		}
		more, err := lines.next()
		lines.file.Close()
		if err != nil {
			return nil, err
		}
		if !more { // the process was killed within its first line
			continue
		}
		e := &lines.event
		if e.Kind != KindProcess {
			return nil, fmt.Errorf("%s does not begin with a process", path)
		}
		f.paths = append(f.paths, path)
		f.processes = append(f.processes, Process{Name: e.Subject, App: uint8(e.Number), Index: uint16(e.Seq), PID: int(e.ID)})
	}
	f.torn = make([]bool, len(f.paths))
	return f, nil
}

// Processes implements [Source].
func (f *Files) Processes() []Process { return f.processes }

// Torn reports for each process whether its last line is unfinished. It is known after a complete Each.
func (f *Files) Torn() []bool { return f.torn }

// Each implements [Source]. It fails for a line that it cannot read and for a file whose times fall.
func (f *Files) Each(see func(*Event) error) (err error) {
	var open merge
	defer func() {
		for _, l := range open {
			l.file.Close()
		}
	}()
	p := newParser()
	for i, path := range f.paths {
		l, err := openLines(path, int32(i), p)
		if err != nil {
			return err
		}
		open = append(open, l)
		if more, err := l.next(); err != nil {
			return err
		} else if !more {
			f.torn[i] = l.torn
			l.file.Close()
			open = open[:len(open)-1]
		}
	}
	heap.Init(&open)
	for len(open) > 0 {
		l := open[0]
		if err := see(&l.event); err != nil {
			return err
		}
		more, err := l.next()
		if err != nil {
			return err
		}
		if more {
			heap.Fix(&open, 0)
		} else {
			f.torn[l.event.Proc] = l.torn
			heap.Pop(&open)
			l.file.Close()
		}
	}
	return nil
}

// lines reads the events of one file.
type lines struct {
	path   string
	file   *os.File
	reader *bufio.Reader
	parser *parser
	long   []byte
	event  Event
	last   time.Duration
	torn   bool
}

func openLines(path string, proc int32, p *parser) (*lines, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return &lines{path: path, file: file, reader: bufio.NewReaderSize(file, 64<<10), parser: p, event: Event{Proc: proc}}, nil
}

// next reads the next event. It returns false at the end of the file, before an unfinished last line too.
func (l *lines) next() (bool, error) {
	line, err := l.readLine()
	if err == io.EOF {
		l.torn = len(line) > 0
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", l.path, err)
	}
	l.event.Line++
	line = bytes.TrimSuffix(line, []byte("\n"))
	// The parser copies each text that it keeps, so the line may lie in the read buffer.
	if err := l.parser.parse(unsafe.String(unsafe.SliceData(line), len(line)), &l.event); err != nil {
		return false, fmt.Errorf("%s:%d: %w", l.path, l.event.Line, err)
	}
	if l.event.At < l.last {
		return false, fmt.Errorf("%s:%d: the time is before the time of the line before", l.path, l.event.Line)
	}
	l.last = l.event.At
	return true, nil
}

func (l *lines) readLine() ([]byte, error) {
	line, err := l.reader.ReadSlice('\n')
	if err != bufio.ErrBufferFull {
		return line, err
	}
	l.long = append(l.long[:0], line...)
	for err == bufio.ErrBufferFull {
		line, err = l.reader.ReadSlice('\n')
		l.long = append(l.long, line...)
	}
	return l.long, err
}

// merge is a heap of files, the one with the earliest event first.
type merge []*lines

func (m merge) Len() int { return len(m) }
func (m merge) Less(i, j int) bool {
	a, b := &m[i].event, &m[j].event
	return a.At < b.At || a.At == b.At && a.Proc < b.Proc
}
func (m merge) Swap(i, j int) { m[i], m[j] = m[j], m[i] }
func (m *merge) Push(x any)   { *m = append(*m, x.(*lines)) }
func (m *merge) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}
