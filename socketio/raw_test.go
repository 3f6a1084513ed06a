package socketio_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// raw is a connection after a request of HTTP.
type raw struct {
	net.Conn
	in *bufio.Reader
}

func (s *server) dial() (net.Conn, error) { return net.Dial("tcp", s.addr) }

// open connects and sends a request, whose answer must have the given status.
func (s *server) open(status int, request string) (*raw, string, error) {
	nc, err := s.dial()
	if err != nil {
		return nil, "", err
	}
	c := &raw{nc, bufio.NewReader(nc)}
	if _, err := io.WriteString(c, request); err != nil {
		return nil, "", err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return nil, "", err
	}
	if resp.StatusCode != status {
		return nil, "", fmt.Errorf("%.100q is answered with %s", request, resp.Status)
	}
	if status == http.StatusSwitchingProtocols {
		return c, "", nil
	}
	text, err := io.ReadAll(resp.Body)
	return c, string(text), err
}

// socket opens a WebSocket; query is added to its address.
func (s *server) socket(query string) (*raw, error) {
	c, _, err := s.open(101, "GET /socket.io/?EIO=4&transport=websocket"+query+" HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\n"+
		"Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
	return c, err
}

// frame is a text of a client as a frame, with a mask that changes nothing.
func frame(text string) string {
	head := []byte{0x81, 0x80 | byte(min(len(text), 126))}
	if len(text) >= 126 {
		head = binary.BigEndian.AppendUint16(head, uint16(len(text)))
	}
	return string(append(head, 0, 0, 0, 0)) + text
}

// next reads the next text that the server sends.
func (c *raw) next() (string, error) {
	_ = c.SetReadDeadline(time.Now().Add(5 * time.Second))
	var head [2]byte
	if _, err := io.ReadFull(c.in, head[:]); err != nil {
		return "", err
	}
	n := int(head[1])
	if n >= 126 {
		var size [2]byte
		if _, err := io.ReadFull(c.in, size[:]); n > 126 || err != nil {
			return "", errors.Join(err, errors.New("a long frame"))
		}
		n = int(binary.BigEndian.Uint16(size[:]))
	}
	text := make([]byte, n)
	_, err := io.ReadFull(c.in, text)
	if head[0] != 0x81 {
		return "", fmt.Errorf("a frame of another kind: %x %q", head, text)
	}
	return string(text), err
}

// joined is a client over WebSocket that has connected to the namespace.
func (s *server) joined() (*raw, error) {
	c, err := s.socket("")
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(c, frame("40")); err != nil {
		return nil, err
	}
	for range 3 {
		if _, err := c.next(); err != nil {
			return nil, err
		}
	}
	return c, nil
}
