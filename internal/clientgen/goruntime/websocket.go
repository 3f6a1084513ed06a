package goruntime

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// webSocket is a connection of RFC 6455, on the side of the client.
type webSocket struct {
	conn io.ReadWriteCloser
	in   *bufio.Reader
	mu   sync.Mutex
	sent int64 // requests
	once sync.Once
}

func dialWebSocket(ctx context.Context, o *ConnOptions, refused bool) (link, error) {
	token, failure := tokenOf(ctx, &Spec{Name: "connect"}, o.Auth, refused)
	if failure != nil {
		return nil, failure
	}
	text := o.URL
	if rest, ok := strings.CutPrefix(text, "ws"); ok {
		text = "http" + rest
	}
	address, err := url.Parse(text)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(address.Path, "/ws") {
		address.Path = strings.TrimRight(address.Path, "/") + "/ws"
	}
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	key := base64.StdEncoding.EncodeToString(nonce)
	header := o.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": key} {
		header.Set(name, value)
	}
	if token != "" {
		header.Set("Authorization", "Bearer "+token)
	}
	// The empty map keeps HTTP/2 off, over which there is no upgrade.
	t := &http.Transport{Proxy: http.ProxyFromEnvironment, TLSClientConfig: o.TLS, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}}
	resp, err := t.RoundTrip((&http.Request{Method: http.MethodGet, URL: address, Host: address.Host, Header: header}).WithContext(ctx))
	if err != nil {
		return nil, err
	}
	conn, ok := resp.Body.(io.ReadWriteCloser)
	sum := sha1.Sum([]byte(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	if resp.StatusCode != http.StatusSwitchingProtocols || !ok || resp.Header.Get("Sec-WebSocket-Accept") != base64.StdEncoding.EncodeToString(sum[:]) {
		defer resp.Body.Close()
		return nil, refusal(resp)
	}
	return &webSocket{conn: conn, in: bufio.NewReader(conn)}, nil
}

// refusal returns the error of a handshake that the server refuses.
func refusal(resp *http.Response) error {
	if resp.StatusCode == http.StatusUnauthorized {
		text, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		return &endError{4401, strings.TrimSpace(string(text))}
	}
	return fmt.Errorf("the server opens no WebSocket: %s", resp.Status)
}

// The opcodes of frames, and the bits of their first bytes.
const (
	opContinuation, opText, opClose, opPing, opPong = 0, 1, 8, 9, 10
	bitFin, bitMask                                 = 0x80, 0x80
)

func (w *webSocket) close() {
	w.once.Do(func() { _ = w.conn.Close() })
}

func (w *webSocket) send(r *request) (int64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	frame, err := frameOf(r, w.sent+1)
	if err != nil {
		return 0, &invalidError{err.Error()}
	}
	if err := w.write(opText, frame); err != nil {
		return 0, err
	}
	w.sent++
	return w.sent, nil
}

// write writes one frame. The caller holds w.mu.
func (w *webSocket) write(op byte, payload []byte) error {
	head := []byte{bitFin | op}
	switch n := len(payload); {
	case n < 126:
		head = append(head, bitMask|byte(n))
	case n < 1<<16:
		head = binary.BigEndian.AppendUint16(append(head, bitMask|126), uint16(n))
	default:
		head = binary.BigEndian.AppendUint64(append(head, bitMask|127), uint64(n))
	}
	var mask [4]byte
	_, _ = rand.Read(mask[:]) // never fails
	head = append(head, mask[:]...)
	for i, b := range payload {
		head = append(head, b^mask[i%4])
	}
	timer := time.AfterFunc(writeTimeout, w.close)
	defer timer.Stop()
	if _, err := w.conn.Write(head); err != nil {
		w.close()
		return err
	}
	return nil
}

func (w *webSocket) receive() ([]byte, int64, error) {
	var message []byte
	for {
		op, isLast, payload, err := w.frame()
		if err != nil {
			return nil, 0, err
		}
		switch op {
		case opPing:
			w.mu.Lock()
			err = w.write(opPong, payload)
			w.mu.Unlock()
		case opClose:
			err = closing(payload)
		case opText, opContinuation:
			if message = append(message, payload...); len(message) > maxFrame {
				return nil, 0, errLarge
			}
			if !isLast {
				continue
			}
			var about struct {
				ID int64 `json:"messageId"`
			}
			if json.Unmarshal(message, &about) != nil {
				return nil, 0, errors.New("the server sent a message that is no JSON object")
			}
			return message, about.ID, nil
		}
		if err != nil {
			return nil, 0, err
		}
	}
}

func closing(payload []byte) error {
	if len(payload) < 2 {
		return &endError{1005, "without a reason"}
	}
	return &endError{int(binary.BigEndian.Uint16(payload)), string(payload[2:])}
}

// maxFrame is the size of the largest message that is read, in bytes.
const maxFrame = 256 << 20

var errLarge = errors.New("the server sent a message that is too large")

func (w *webSocket) frame() (op byte, isLast bool, payload []byte, err error) {
	var head [8]byte
	if _, err = io.ReadFull(w.in, head[:2]); err != nil {
		return 0, false, nil, err
	}
	op, isLast = head[0]&0x0f, head[0]&bitFin != 0
	if head[0]&0x70 != 0 || head[1]&bitMask != 0 {
		return 0, false, nil, errors.New("the server sent a malformed frame")
	}
	n := uint64(head[1])
	switch n {
	case 126:
		_, err = io.ReadFull(w.in, head[:2])
		n = uint64(binary.BigEndian.Uint16(head[:2]))
	case 127:
		_, err = io.ReadFull(w.in, head[:8])
		n = binary.BigEndian.Uint64(head[:8])
	}
	if err == nil && n > maxFrame {
		err = errLarge
	}
	if err != nil {
		return 0, false, nil, err
	}
	payload = make([]byte, n)
	_, err = io.ReadFull(w.in, payload)
	return op, isLast, payload, err
}
