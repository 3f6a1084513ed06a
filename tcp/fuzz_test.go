package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

// chunked is a connection whose Read returns data in chunks of the given sizes, which repeat.
type chunked struct {
	net.Conn
	data  []byte
	sizes []byte
	i     int
}

func (c *chunked) Read(p []byte) (int, error) {
	if len(c.data) == 0 {
		return 0, io.EOF
	}
	size := 1
	if len(c.sizes) > 0 {
		size += int(c.sizes[c.i%len(c.sizes)])
		c.i++
	}
	n := copy(p, c.data[:min(size, len(c.data))])
	c.data = c.data[n:]
	return n, nil
}

// FuzzLines reads any bytes in chunks of any sizes. The lines are the bytes between the line ends, up to a line that is too
// long.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nlong line without an end"), []byte{0, 3}, 64)
	f.Add(bytes.Repeat([]byte("x"), 300), []byte{200}, 100)
	f.Add([]byte("{\"action\":\"a\"}\n{}\n"), []byte{}, 16)
	f.Fuzz(func(t *testing.T, data, sizes []byte, maxLine int) {
		maxLine = max(maxLine%4096, 1)
		in := newInput(&chunked{data: data, sizes: sizes}, maxLine)
		defer in.release()
		rest := data
		for err := error(nil); err == nil; {
			for {
				line, ok := in.line()
				if !ok {
					break
				}
				want, after, found := bytes.Cut(rest, []byte("\n"))
				if !found || !bytes.Equal(line, want) {
					t.Fatalf("got the line %q, want %q", line, want)
				}
				if rest = after; len(data)%3 == 0 {
					in.detach()
				}
			}
			err = in.fill()
			if errors.Is(err, errLineTooLong) {
				if line, _, _ := bytes.Cut(rest, []byte("\n")); len(line) < maxLine {
					t.Fatalf("a line of %d bytes is too long, but %d are allowed", len(line), maxLine)
				}
				return
			}
		}
		if bytes.Contains(rest, []byte("\n")) {
			t.Fatalf("%q was not returned", rest)
		}
	})
}
