package faultproxy

import (
	"bufio"
	"errors"
	"io"
	"strconv"
)

// frame is one command or one answer.
type frame struct {
	bytes []byte
	words []string // the bulk strings of the frame, without those over maxWord bytes
	push  bool     // the server sent the frame without a command
}

// maxWord is the length of the longest words in frame.words, in bytes. Longer ones are cut.
const maxWord = 4 << 10

var errFrame = errors.New("this is no frame of the protocol")

// readFrame reads a frame of version 2 or 3 of the protocol.
func readFrame(r *bufio.Reader) (f frame, err error) {
	err = f.read(r, true)
	return f, err
}

// read appends one value, with the values inside of it, to f.
func (f *frame) read(r *bufio.Reader, outer bool) error {
	line, err := r.ReadBytes('\n')
	if err != nil {
		return err
	}
	f.bytes = append(f.bytes, line...)
	if len(line) < 3 || line[len(line)-2] != '\r' {
		return errFrame
	}
	inner := 0
	switch line[0] {
	case '+', '-', ':', '_', ',', '#', '(':
		return nil
	case '$', '=', '!':
		return f.readBulk(r, line)
	case '*', '~', '>':
		inner = 1
	case '%':
		inner = 2
	case '|': // attributes, and then the value that they belong to
		inner = 2
	default:
		return errFrame
	}
	f.push = f.push || outer && line[0] == '>'
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil {
		return errFrame
	}
	for range n * inner {
		if err := f.read(r, false); err != nil {
			return err
		}
	}
	if line[0] == '|' {
		return f.read(r, outer)
	}
	return nil
}

func (f *frame) readBulk(r *bufio.Reader, line []byte) error {
	n, err := strconv.Atoi(string(line[1 : len(line)-2]))
	if err != nil {
		return errFrame
	}
	if n < 0 {
		return nil
	}
	start := len(f.bytes)
	f.bytes = append(f.bytes, make([]byte, n+2)...)
	if _, err := io.ReadFull(r, f.bytes[start:]); err != nil {
		return err
	}
	f.words = append(f.words, string(f.bytes[start:start+min(n, maxWord)]))
	return nil
}
