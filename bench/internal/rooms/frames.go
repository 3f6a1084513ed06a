// Package rooms has clients of rooms over WebSocket, in the dialects of several servers, and a server on the centrifuge library.
//
// Begin with [Dialect].
package rooms

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
)

const handshake = " HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"

// Open does the handshake of a client and returns the reader of the connection.
func Open(conn net.Conn, path string) (*bufio.Reader, error) {
	if _, err := io.WriteString(conn, "GET "+path+handshake); err != nil {
		return nil, err
	}
	in := bufio.NewReaderSize(conn, 4<<10)
	answer, err := http.ReadResponse(in, nil)
	if err == nil && answer.StatusCode != http.StatusSwitchingProtocols {
		err = fmt.Errorf("the handshake is answered with %s", answer.Status)
	}
	return in, err
}

// Frame returns a text message in the form of a client, with a mask.
func Frame(text string) []byte {
	mask := [4]byte{0x12, 0x34, 0x56, 0x78}
	b := []byte{0x81, 0x80 | byte(len(text))}
	if len(text) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{0x81, 0x80 | 126}, uint16(len(text)))
	}
	b = append(b, mask[:]...)
	for i := range len(text) {
		b = append(b, text[i]^mask[i%4])
	}
	return b
}

// Pong is the frame that answers a ping without content.
var Pong = []byte{0x8a, 0x80, 1, 2, 3, 4}

// ServerFrame returns a text message in the form of a server, without a mask.
func ServerFrame(text string) []byte {
	if len(text) > 125 {
		return append(binary.BigEndian.AppendUint16([]byte{0x81, 126}, uint16(len(text))), text...)
	}
	return append([]byte{0x81, byte(len(text))}, text...)
}

// next reads the next message. The result is valid until the next read.
func next(in *bufio.Reader) ([]byte, error) {
	head, err := in.Peek(2)
	if err != nil {
		return nil, err
	}
	size, length := 2, int(head[1])
	if length == 126 {
		if head, err = in.Peek(4); err != nil {
			return nil, err
		}
		size, length = 4, int(binary.BigEndian.Uint16(head[2:]))
	}
	all, err := in.Peek(size + length)
	if err != nil {
		return nil, err
	}
	_, err = in.Discard(size + length)
	return all[size:], err
}

// Await reads up to a message that contains text.
func Await(in *bufio.Reader, text []byte) error {
	for range 10_000 {
		message, err := next(in)
		if err != nil || bytes.Contains(message, text) {
			return err
		}
	}
	return fmt.Errorf("there was no %s among 10,000 messages", text)
}
