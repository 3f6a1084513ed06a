package tcp

import (
	"bytes"
	"errors"
	"io"
	"net"
	"testing"
)

// chunked is a connection that gives its bytes in pieces of the given sizes, over and over.
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

// However the bytes come, the lines are those between the line ends, up to one that is too long.
func FuzzLines(f *testing.F) {
	f.Add([]byte("a\r\nb\n\nlong line without an end"), []byte{0, 3}, 64)
	f.Add(bytes.Repeat([]byte("x"), 300), []byte{200}, 100)
	f.Add([]byte("{\"action\":\"a\"}\n{}\n"), []byte{}, 16)
	f.Fuzz(func(t *testing.T, data, sizes []byte, most int) {
		most = max(most%4096, 1)
		in := newInput(&chunked{data: data, sizes: sizes}, most)
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
			if errors.Is(err, errLong) {
				if line, _, _ := bytes.Cut(rest, []byte("\n")); len(line) < most {
					t.Fatalf("a line of %d bytes is too long, of %d allowed", len(line), most)
				}
				return
			}
		}
		if bytes.Contains(rest, []byte("\n")) {
			t.Fatalf("%q was not returned", rest)
		}
	})
}
