package ws

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// Options are what the connections of one server share.
type Options struct {
	Origins        Origins
	SendQueue      sendqueue.Config // its WriteTime also limits the answer to the handshake
	MaxMessage     int              // bytes of a message, after inflating
	Compress       bool             // agree to compression with clients that offer it
	MessageTimeout time.Duration    // within which a message that was begun must end
	PingInterval   time.Duration    // of silence, after which a client is asked whether it is there; 0: never
	PongTimeout    time.Duration    // within which it must send something then
	CloseTimeout   time.Duration    // that a client has to take part in closing
}

// refusal is why a handshake fails.
type refusal struct {
	status int
	text   string
	header [2]string
}

// Upgrade does the handshake (RFC 6455 section 4.2) and takes the connection over from net/http, or whatever else
// implements [http.Hijacker]. If that cannot be, it answers the request with a sentence that says why, and returns
// that as an error. fail is told, at most once and from any goroutine, that the client does not read what it is sent;
// the connection is being closed then.
//
// When it has succeeded the handler should return, with the connection left to another goroutine: the memory that the
// request took is then free.
func (c *Conn) Upgrade(w http.ResponseWriter, r *http.Request, options *Options, fail func(error)) error {
	if no := check(w, r, &options.Origins); no != nil {
		if no.header[0] != "" {
			w.Header().Set(no.header[0], no.header[1])
		}
		if no.status == http.StatusUpgradeRequired && r.ProtoMajor == 1 {
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
		}
		http.Error(w, no.text, no.status)
		return errors.New(no.text)
	}
	agreed := options.Compress && offersDeflate(r.Header["Sec-Websocket-Extensions"])
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this connection cannot be upgraded", http.StatusInternalServerError)
		return fmt.Errorf("a connection cannot be taken over from the web server: %w", err)
	}
	if err := writeAnswer(nc, answer(r.Header.Get("Sec-Websocket-Key"), agreed), options.SendQueue.WriteTimeout); err != nil {
		_ = nc.Close()
		return fmt.Errorf("the client is gone: %w", err)
	}
	c.init(nc, unread(rw.Reader), options, agreed, fail)
	return nil
}

// check finds what keeps a request from being a handshake that may go on.
func check(w http.ResponseWriter, r *http.Request, origins *Origins) *refusal {
	_, canHijack := hijacker(w)
	switch {
	case r.Method != http.MethodGet:
		return &refusal{http.StatusMethodNotAllowed, "a WebSocket is opened with GET", [2]string{"Allow", http.MethodGet}}
	case r.ProtoMajor != 1 || !canHijack:
		return &refusal{status: http.StatusUpgradeRequired, text: "a WebSocket is opened over HTTP/1.1, not " + r.Proto}
	case !hasToken(r.Header["Connection"], "upgrade") || !hasToken(r.Header["Upgrade"], "websocket"):
		return &refusal{status: http.StatusUpgradeRequired, text: "this address is for WebSocket: ask with Connection: Upgrade and Upgrade: websocket"}
	case r.ProtoMinor < 1:
		return &refusal{status: http.StatusBadRequest, text: "a WebSocket is opened over HTTP/1.1, not " + r.Proto}
	case len(r.Header["Sec-Websocket-Version"]) != 1 || r.Header["Sec-Websocket-Version"][0] != "13":
		return &refusal{http.StatusUpgradeRequired, "the version of WebSocket must be 13", [2]string{"Sec-WebSocket-Version", "13"}}
	case r.Host == "":
		return &refusal{status: http.StatusBadRequest, text: "the header Host is missing"}
	case r.ContentLength != 0:
		return &refusal{status: http.StatusBadRequest, text: "a request to open a WebSocket has no body"}
	case !validKey(r.Header["Sec-Websocket-Key"]):
		return &refusal{status: http.StatusBadRequest, text: "the header Sec-WebSocket-Key must be 16 bytes in base64"}
	case !origins.Allow(r):
		return &refusal{status: http.StatusForbidden, text: "pages of this origin may not connect"}
	}
	return nil
}

// hijacker finds out whether a connection can be taken over, before anything is answered.
func hijacker(w http.ResponseWriter) (http.Hijacker, bool) {
	for {
		switch v := w.(type) {
		case http.Hijacker:
			return v, true
		case interface{ Unwrap() http.ResponseWriter }:
			w = v.Unwrap()
		default:
			return nil, false
		}
	}
}

// hasToken looks for a word in the values of a header that are lists.
func hasToken(values []string, word string) bool {
	for _, value := range values {
		for token := range strings.SplitSeq(value, ",") {
			if strings.EqualFold(strings.Trim(token, " \t"), word) {
				return true
			}
		}
	}
	return false
}

func validKey(values []string) bool {
	if len(values) != 1 || len(values[0]) != 24 {
		return false
	}
	var key [18]byte
	n, err := base64.StdEncoding.Decode(key[:], []byte(values[0]))
	return err == nil && n == 16
}

// answer returns the head that ends the handshake.
func answer(key string, deflate bool) []byte {
	const id = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455 section 1.3
	sum := sha1.Sum([]byte(key + id))
	dst := append(make([]byte, 0, 256), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	if deflate {
		dst = append(dst, "\r\nSec-WebSocket-Extensions: "+deflateAnswer...)
	}
	return append(dst, "\r\n\r\n"...)
}

// writeAnswer leaves no deadline behind, not even one that the web server had set before: the outbox sets its own.
func writeAnswer(nc net.Conn, text []byte, within time.Duration) error {
	if err := nc.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := nc.Write(text); err != nil {
		return err
	}
	return nc.SetWriteDeadline(time.Time{})
}

// unread returns what the web server has read of the frames to come.
func unread(r *bufio.Reader) []byte {
	rest, _ := r.Peek(r.Buffered())
	return append([]byte(nil), rest...)
}
