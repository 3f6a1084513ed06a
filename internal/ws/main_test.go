package ws_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"github.com/actionhero-go/actionhero/internal/testkit/basics"
)

func TestMain(m *testing.M) { basics.VerifyTestMain(m) }

// testTimeout is how long a test waits for what should come at once, on a busy machine.
const testTimeout = 10 * time.Second

// The first bytes of frames.
const (
	fin, rsv1                            = 0x80, 0x40
	cont, text, bin, closing, ping, pong = 0, 1, 2, 8, 9, 10
)

// frame returns a frame as a client sends it, with a mask.
func frame(first byte, payload string) []byte {
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
	return b
}

// code returns the payload of a close frame.
func code(n uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, n)) + reason
}

// rawClient is a client without a library, so it can violate the protocol.
type rawClient struct {
	net.Conn
	t  testing.TB
	in *bufio.Reader
}

const request = "GET / HTTP/1.1\r\nHost: example.com\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// open connects a client. It sends follows in the same write as the handshake. The test closes the client.
func open(t testing.TB, s *httptest.Server, headers string, follows ...[]byte) *rawClient {
	t.Helper()
	nc, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	p := &rawClient{nc, t, bufio.NewReader(nc)}
	p.send(append([]byte(request+headers+"\r\n"), slices.Concat(follows...)...))
	response, err := http.ReadResponse(p.in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the response to the handshake is %+v, %v", response, err)
	}
	return p
}

func (p *rawClient) send(b []byte) {
	p.t.Helper()
	_ = p.SetWriteDeadline(time.Now().Add(testTimeout))
	if _, err := p.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// next reads a frame from the server.
func (p *rawClient) next() (first byte, payload string, err error) {
	_ = p.SetReadDeadline(time.Now().Add(testTimeout))
	var head [2]byte
	if _, err := io.ReadFull(p.in, head[:]); err != nil {
		return 0, "", err
	}
	n, more := uint64(head[1]), 0
	switch head[1] {
	case 126:
		more = 2
	case 127:
		more = 8
	}
	if more > 0 {
		var length [8]byte
		if _, err := io.ReadFull(p.in, length[8-more:]); err != nil {
			return 0, "", err
		}
		n = binary.BigEndian.Uint64(length[:])
	}
	if head[1]&0x80 != 0 || n > 1<<20 {
		return 0, "", errors.New("a frame from the server is masked or too long")
	}
	b := make([]byte, n)
	_, err = io.ReadFull(p.in, b)
	return head[0], string(b), err
}

func (p *rawClient) want(first byte, payload string) {
	p.t.Helper()
	got, text, err := p.next()
	if err != nil || got != first || text != payload {
		p.t.Errorf("got frame %#x %.100q, %v; want %#x %.100q", got, text, err, first, payload)
	}
}

// wantClose expects a close frame with the code n, and then the end of the connection.
func (p *rawClient) wantClose(n uint16) {
	p.t.Helper()
	got, text, err := p.next()
	if err != nil || got != fin|closing || len(text) < 2 || binary.BigEndian.Uint16([]byte(text)) != n {
		p.t.Errorf("got frame %#x %.130q, %v; want a close frame with code %d", got, text, err, n)
		return
	}
	p.wantEnd()
}

func (p *rawClient) wantEnd() {
	p.t.Helper()
	if rest, err := io.ReadAll(p.in); err != nil || len(rest) > 0 {
		p.t.Errorf("after the last frame: %.100q, %v", rest, err)
	}
}

func readFull(p *rawClient, b []byte) (int, error) {
	_ = p.SetReadDeadline(time.Now().Add(testTimeout))
	return io.ReadFull(p.in, b)
}
