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

// The bits and the opcodes of the first byte of a WebSocket frame (RFC 6455 section 5.2).
const (
	Fin, RSV1                                     = 0x80, 0x40
	ContinuationFrame, TextFrame, CloseFrame      = 0, 1, 8
	PingFrame                                byte = 9
)

// Frame returns the bytes of a WebSocket frame with a mask, as clients send frames. first is the first byte of the
// frame.
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

// Text returns the bytes of a frame that contains a whole text message.
func Text(payload string) string { return Frame(Fin|TextFrame, payload) }

// Upgrade returns an HTTP request to open a WebSocket at path. The request lacks the empty line at the end, so that the
// caller can add headers.
func Upgrade(path string) string {
	return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
}

// The URL paths of plain WebSocket and of Socket.IO over WebSocket.
const (
	WSPath  = "/ws"
	SIOPath = "/socket.io/?EIO=4&transport=websocket"
)

// Frames is a WebSocket client that uses no library. It can therefore break every rule of the protocol, and many
// clients cost little. It answers no pings. Its methods return errors instead of ending the test, so that any goroutine
// can call them.
type Frames struct {
	net.Conn
	In    *bufio.Reader
	Limit time.Duration // time limit for reading a frame and for a call of Send
}

// OpenFrames opens a WebSocket at path over the connection nc. headers are whole header lines of the upgrade request.
// It returns an error if the server does not accept the upgrade within limit.
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

// Send sends frames. Each frame must have the form that Frame or Text returns.
func (c *Frames) Send(frames ...string) error {
	_ = c.SetWriteDeadline(time.Now().Add(c.Limit))
	_, err := io.WriteString(c.Conn, strings.Join(frames, ""))
	return err
}

// Next reads the next frame. It returns the first byte and the payload of the frame.
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

// Message reads the next text message and skips pings. It returns an error if any other frame comes.
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

// Await reads text messages up to the first message that contains the text part.
func (c *Frames) Await(part string) error {
	for {
		got, err := c.Message()
		if err != nil || strings.Contains(got, part) {
			return err
		}
	}
}

// CloseCode reads frames up to the close frame and returns the code in the close frame.
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

// OpenWS opens a plain WebSocket over nc and reads the welcome message. If an error occurs, OpenWS closes nc.
func OpenWS(nc net.Conn, headers string, limit time.Duration) (*Frames, error) {
	c, err := OpenFrames(nc, WSPath, headers, limit)
	if err == nil {
		err = c.Await(`"welcome"`)
	}
	return c.orClosed(nc, err)
}

// OpenSIO opens a Socket.IO session over WebSocket on the connection nc, connects to the default namespace and reads
// the welcome message. If an error occurs, OpenSIO closes nc.
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
