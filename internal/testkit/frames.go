package testkit

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// The first bytes of frames of WebSocket (RFC 6455 section 5.2).
const (
	Fin, RSV1                                     = 0x80, 0x40
	ContinuationFrame, TextFrame, CloseFrame      = 0, 1, 8
	PingFrame                                byte = 9
)

// Frame is a frame as a client sends it, with a mask.
func Frame(first byte, payload string) string {
	b := []byte{first}
	switch n := len(payload); {
	case n < 126:
		b = append(b, 0x80|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x80|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, 0x80|127), uint64(n))
	}
	mask := [4]byte{0xa1, 0x5b, 0, 0xff}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return string(b)
}

// Text is a frame with a whole text message.
func Text(payload string) string { return Frame(Fin|TextFrame, payload) }

// Upgrade is a request to open a WebSocket, without the empty line at its end, so that headers can be added.
func Upgrade(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
}

// Paths of the two transports over WebSocket.
const (
	WSPath  = "/ws"
	SIOPath = "/socket.io/?EIO=4&transport=websocket"
)

// Frames is a WebSocket client without a library, so that it can break every rule, and costs little. It answers no
// pings, and returns errors, so that other goroutines can use it.
type Frames struct {
	net.Conn
	In    *bufio.Reader
	Limit time.Duration // for each frame read and each text sent
}

// OpenFrames opens a WebSocket on a connection. Headers are whole lines.
func OpenFrames(nc net.Conn, path, headers string, limit time.Duration) (*Frames, error) {
	c := &Frames{nc, bufio.NewReaderSize(nc, 2<<10), limit}
	_ = nc.SetDeadline(time.Now().Add(limit))
	if _, err := io.WriteString(nc, Upgrade(path)+headers+"\r\n"); err != nil {
		return nil, err
	}
	return c, c.upgraded()
}

func (c *Frames) upgraded() error {
	answer, err := http.ReadResponse(c.In, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = errors.New(answer.Status)
	}
	return err
}

// Send sends frames.
func (c *Frames) Send(frames ...string) error {
	_ = c.SetWriteDeadline(time.Now().Add(c.Limit))
	_, err := io.WriteString(c.Conn, strings.Join(frames, ""))
	return err
}

// Next reads the next frame.
func (c *Frames) Next() (first byte, payload string, err error) {
	_ = c.SetReadDeadline(time.Now().Add(c.Limit))
	var head [10]byte
	if _, err := io.ReadFull(c.In, head[:2]); err != nil {
		return 0, "", err
	}
	n := uint64(head[1])
	switch head[1] {
	case 126:
		_, err = io.ReadFull(c.In, head[2:4])
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, err = io.ReadFull(c.In, head[2:10])
		n = binary.BigEndian.Uint64(head[2:])
	}
	if err == nil && n > 1<<20 {
		err = fmt.Errorf("a frame of the server has %d bytes", n)
	}
	if err != nil {
		return 0, "", err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(c.In, b)
	return head[0], string(b), err
}

// Message reads the next text message. It skips pings.
func (c *Frames) Message() (string, error) {
	for {
		first, payload, err := c.Next()
		switch {
		case err != nil:
			return "", err
		case first == Fin|TextFrame:
			return payload, nil
		case first == Fin|CloseFrame && len(payload) >= 2:
			return "", fmt.Errorf("closed with code %d: %s", binary.BigEndian.Uint16([]byte(payload)), payload[2:])
		case first != Fin|PingFrame:
			return "", fmt.Errorf("a frame begins with %#x", first)
		}
	}
}

// Await reads up to a message that contains part.
func (c *Frames) Await(part string) error {
	for {
		got, err := c.Message()
		if err != nil || strings.Contains(got, part) {
			return err
		}
	}
}

// CloseCode reads up to the close frame, and returns its code.
func (c *Frames) CloseCode() (code int, err error) {
	for {
		first, payload, err := c.Next()
		if err != nil {
			return 0, err
		}
		if first == Fin|CloseFrame && len(payload) >= 2 {
			return int(binary.BigEndian.Uint16([]byte(payload))), nil
		}
	}
}

// OpenWS opens a plain WebSocket and reads the welcome. If that fails it closes the connection.
func OpenWS(nc net.Conn, headers string, limit time.Duration) (*Frames, error) {
	c, err := OpenFrames(nc, WSPath, headers, limit)
	if err == nil {
		err = c.Await(`"welcome"`)
	}
	return c.orClosed(nc, err)
}

// OpenSIO opens a session of Socket.IO over WebSocket, connects to its namespace and reads the welcome. If that fails it
// closes the connection.
func OpenSIO(nc net.Conn, limit time.Duration) (*Frames, error) {
	c, err := OpenFrames(nc, SIOPath, "", limit)
	if err == nil {
		err = c.Send(Text("40"))
	}
	if err == nil {
		err = c.Await(`42["welcome"`)
	}
	return c.orClosed(nc, err)
}

func (c *Frames) orClosed(nc net.Conn, err error) (*Frames, error) {
	if err != nil {
		_ = nc.Close()
		return nil, fmt.Errorf("a client cannot connect: %w", err)
	}
	return c, nil
}
