package websocket_test

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

// The first bytes of frames.
const (
	fin, rsv1                            = 0x80, 0x40
	cont, text, bin, closing, ping, pong = 0, 1, 2, 8, 9, 10
)

// frame is a frame as a client sends it, with a mask.
func frame(first byte, payload string) string {
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

const handshake = "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// rawClient is a client without a library, so that it can break every rule, and costs little. It answers no pings.
type rawClient struct {
	net.Conn
	in *bufio.Reader
}

// open does the handshake.
func open(nc net.Conn, headers string) (*rawClient, error) {
	c := &rawClient{nc, bufio.NewReaderSize(nc, 2<<10)}
	_ = nc.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(nc, handshake+headers+"\r\n"); err != nil {
		return nil, err
	}
	answer, err := http.ReadResponse(c.in, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = errors.New(answer.Status)
	}
	return c, err
}

func (c *rawClient) send(frames ...string) error {
	_ = c.SetWriteDeadline(time.Now().Add(patience))
	_, err := io.WriteString(c, strings.Join(frames, ""))
	return err
}

// next reads the next frame.
func (c *rawClient) next() (first byte, payload string, err error) {
	_ = c.SetReadDeadline(time.Now().Add(patience))
	var head [10]byte
	if _, err := io.ReadFull(c.in, head[:2]); err != nil {
		return 0, "", err
	}
	n := uint64(head[1])
	switch head[1] {
	case 126:
		_, err = io.ReadFull(c.in, head[2:4])
		n = uint64(binary.BigEndian.Uint16(head[2:]))
	case 127:
		_, err = io.ReadFull(c.in, head[2:10])
		n = binary.BigEndian.Uint64(head[2:])
	}
	if err == nil && n > 1<<20 {
		err = fmt.Errorf("a frame of the server has %d bytes", n)
	}
	if err != nil {
		return 0, "", err
	}
	b := make([]byte, n)
	_, err = io.ReadFull(c.in, b)
	return head[0], string(b), err
}

// message reads the next text message.
func (c *rawClient) message() (string, error) {
	for {
		first, payload, err := c.next()
		switch {
		case err != nil:
			return "", err
		case first == fin|text:
			return payload, nil
		case first == fin|closing && len(payload) >= 2:
			return "", fmt.Errorf("closed with code %d: %s", binary.BigEndian.Uint16([]byte(payload)), payload[2:])
		case first != fin|ping:
			return "", fmt.Errorf("a frame begins with %#x", first)
		}
	}
}

// await reads up to a message that contains part.
func (c *rawClient) await(part string) error {
	for {
		got, err := c.message()
		if err != nil || strings.Contains(got, part) {
			return err
		}
	}
}

// end reads up to the close frame, and returns its code.
func (c *rawClient) end() (code int, err error) {
	for {
		first, payload, err := c.next()
		if err != nil {
			return 0, err
		}
		if first == fin|closing && len(payload) >= 2 {
			return int(binary.BigEndian.Uint16([]byte(payload))), nil
		}
	}
}
