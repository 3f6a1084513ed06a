package ws

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// Options holds the settings that all connections of one server share.
type Options struct {
	Origins        browserguard.Origins
	SendQueue      sendqueue.Config   // WriteTimeout also limits the response to the handshake
	MaxMessage     int                // in bytes, after inflating
	Incoming       *bytebudget.Budget // limits the bytes of incomplete messages of all clients; nil: no limit
	Compress       bool               // accept compression from clients that offer it
	Subprotocols   []string           // the subprotocols that a client may select
	MessageTimeout time.Duration      // from the first to the last byte of a message
	PingInterval   time.Duration      // silence after which the client is pinged; 0: never
	PongTimeout    time.Duration      // within which the client must send something after a ping
	CloseTimeout   time.Duration      // within which the client must complete the closing handshake
}

// refusal is the HTTP response to a handshake that fails.
type refusal struct {
	status int
	text   string
	header [2]string
	err    error // nil: an error with the text
}

// ErrOrigin is the error of Upgrade for a page of an origin that is not allowed.
var ErrOrigin = errors.New("pages of this origin may not connect: to allow them, list the origin in webSockets.origins")

// Upgrade performs the handshake (RFC 6455 section 4.2) and hijacks the connection from net/http or another server that
// implements [http.Hijacker]. If the handshake fails, Upgrade answers the request with an error status and a sentence
// that gives the reason, and returns the reason as an error. If, after the upgrade, the client does not read, the Conn
// closes the connection and then calls the argument fail. The Conn calls fail at most once, from any goroutine. The
// argument client is the address of the client; behind a proxy, the connection has another address.
//
// After a successful Upgrade, the HTTP handler should leave the connection to another goroutine and return, because the
// return of the handler frees the memory of the request.
func (c *Conn) Upgrade(w http.ResponseWriter, r *http.Request, options *Options, client netip.Addr, fail func(error)) error {
	if no := check(w, r, &options.Origins); no != nil {
		if no.header[0] != "" {
			w.Header().Set(no.header[0], no.header[1])
		}
		if no.status == http.StatusUpgradeRequired && r.ProtoMajor == 1 {
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
		}
		http.Error(w, no.text, no.status)
		if no.err != nil {
			return no.err
		}
		return errors.New(no.text)
	}
	compress := options.Compress && offersDeflate(r.Header["Sec-Websocket-Extensions"])
	protocol := subprotocol(r.Header["Sec-Websocket-Protocol"], options.Subprotocols)
	nc, rw, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, "this connection cannot be upgraded", http.StatusInternalServerError)
		return fmt.Errorf("the connection cannot be hijacked from the web server: %w", err)
	}
	if err := writeResponse(nc, handshakeResponse(r.Header.Get("Sec-Websocket-Key"), compress, protocol), options.SendQueue.WriteTimeout); err != nil {
		_ = nc.Close()
		return fmt.Errorf("the client is gone: %w", err)
	}
	c.init(nc, unread(rw.Reader), options, netlisten.ClientKey(client), compress, fail)
	return nil
}

// check returns nil if r is a valid handshake that may be accepted. Otherwise check returns the refusal to send.
func check(w http.ResponseWriter, r *http.Request, origins *browserguard.Origins) *refusal {
	_, canHijack := hijacker(w)
	switch {
	case r.Method != http.MethodGet:
		return &refusal{status: http.StatusMethodNotAllowed, text: "a WebSocket is opened with GET", header: [2]string{"Allow", http.MethodGet}}
	case r.ProtoMajor != 1 || !canHijack:
		return &refusal{status: http.StatusUpgradeRequired, text: "a WebSocket is opened over HTTP/1.1, not " + r.Proto}
	case !hasToken(r.Header["Connection"], "upgrade") || !hasToken(r.Header["Upgrade"], "websocket"):
		return &refusal{status: http.StatusUpgradeRequired, text: "this address is for WebSocket: ask with Connection: Upgrade and Upgrade: websocket"}
	case r.ProtoMinor < 1:
		return &refusal{status: http.StatusBadRequest, text: "a WebSocket is opened over HTTP/1.1, not " + r.Proto}
	case len(r.Header["Sec-Websocket-Version"]) != 1 || r.Header["Sec-Websocket-Version"][0] != "13":
		return &refusal{status: http.StatusUpgradeRequired, text: "the version of WebSocket must be 13", header: [2]string{"Sec-WebSocket-Version", "13"}}
	case r.Host == "":
		return &refusal{status: http.StatusBadRequest, text: "the header Host is missing"}
	case r.ContentLength != 0:
		return &refusal{status: http.StatusBadRequest, text: "a request to open a WebSocket has no body"}
	case !validKey(r.Header["Sec-Websocket-Key"]):
		return &refusal{status: http.StatusBadRequest, text: "the header Sec-WebSocket-Key must be 16 bytes in base64"}
	case !origins.Allow(r):
		return &refusal{status: http.StatusForbidden, text: ErrOrigin.Error(), err: ErrOrigin}
	}
	return nil
}

// hijacker returns the [http.Hijacker] of w, or of a ResponseWriter that w wraps. If there is no http.Hijacker, the
// second result is false. Unlike a call of Hijack, hijacker can detect a missing http.Hijacker before the response is
// written.
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

// hasToken reports whether one of the values of a header contains word. Each value is a comma-separated list. The case
// of letters does not matter.
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

// handshakeResponse returns the HTTP response that accepts the handshake with the header Sec-WebSocket-Key key. If
// deflate is true, the response also accepts compression. If protocol is not "", the response selects that subprotocol.
func handshakeResponse(key string, deflate bool, protocol string) []byte {
	const id = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455 section 1.3
	sum := sha1.Sum([]byte(key + id))
	dst := append(make([]byte, 0, 256), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "...)
	dst = base64.StdEncoding.AppendEncode(dst, sum[:])
	if deflate {
		dst = append(dst, "\r\nSec-WebSocket-Extensions: "+deflateResponse...)
	}
	if protocol != "" {
		dst = append(append(dst, "\r\nSec-WebSocket-Protocol: "...), protocol...)
	}
	return append(dst, "\r\n\r\n"...)
}

// subprotocol returns the first subprotocol that the client offers and the server has in the list known, or "". values
// are the client's Sec-WebSocket-Protocol headers.
func subprotocol(values, known []string) string {
	if len(known) == 0 {
		return ""
	}
	for _, value := range values {
		for offer := range strings.SplitSeq(value, ",") {
			if offer = strings.Trim(offer, " \t"); slices.Contains(known, offer) {
				return offer
			}
		}
	}
	return ""
}

// ValidSubprotocol reports whether name is a token (RFC 9110 section 5.6.2), as the name of a subprotocol must be.
func ValidSubprotocol(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(c rune) bool {
		return c <= ' ' || c >= 0x7f || strings.ContainsRune(`()<>@,;:\"/[]?={}`, c)
	})
}

// writeResponse writes text, the response to the handshake, to the connection. If the write takes longer than the
// duration within, writeResponse returns an error. After the write, writeResponse removes the write deadline, even a
// deadline that the web server has set, because the send queue sets its own deadlines.
func writeResponse(nc net.Conn, text []byte, within time.Duration) error {
	if err := nc.SetWriteDeadline(time.Now().Add(within)); err != nil {
		return err
	}
	if _, err := nc.Write(text); err != nil {
		return err
	}
	return nc.SetWriteDeadline(time.Time{})
}

// unread returns a copy of the bytes after the handshake that the web server has already read. These bytes are the
// beginning of the client's first frames.
func unread(r *bufio.Reader) []byte {
	rest, _ := r.Peek(r.Buffered())
	return append([]byte(nil), rest...)
}
