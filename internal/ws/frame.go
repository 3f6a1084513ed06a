package ws

import (
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/netlisten"
)

// The opcodes of frames (RFC 6455 section 5.2).
const (
	opContinuation = 0x0
	opText         = 0x1
	opBinary       = 0x2
	opClose        = 0x8
	opPing         = 0x9
	opPong         = 0xa
)

// The bits of the first two bytes of a frame (RFC 6455 section 5.2).
const (
	bitFin    = 0x80
	bitRSV1   = 0x40 // the message is compressed (RFC 7692 section 6)
	bitsRSV23 = 0x30
	bitsCode  = 0x0f
	bitMask   = 0x80
)

// maxControl is the largest payload of a control frame, in bytes.
const maxControl = 125

// The close codes that this server sends (RFC 6455 section 7.4.1 and IANA's registry).
const (
	Normal         = 1000 // the client requested it
	GoingAway      = 1001 // the server stops
	ProtocolError  = 1002
	Unsupported    = 1003 // a binary message, where only text is supported
	InvalidPayload = 1007 // text that is not UTF-8, or data that cannot be inflated
	PolicyError    = 1008
	TooBig         = 1009
	InternalError  = 1011
	ServiceRestart = 1012 // the server stops, and another process has taken its place
	TryAgainLater  = 1013 // the client does not read
	LoginRequired  = 4401 // the app refuses the client until it logs in
	Dismissed      = 4403 // the app has closed the client, which must not come back

	codeNone = 1005 // never sent: the client's close frame had no code
	codeGone = 1006 // never sent: the connection ended without a close frame
)

// StopCode returns the close code with which this process closes connections when it stops.
func StopCode() int {
	if netlisten.Left() {
		return ServiceRestart
	}
	return GoingAway
}

// IsStop reports whether code says that the server stops.
func IsStop(code int) bool { return code == GoingAway || code == ServiceRestart }

// CloseError is the reason why a connection ends. Code and Reason are the values that the server sends to the client,
// or, if ByClient is true, the values that the client has sent.
type CloseError struct {
	Code     int
	Reason   string
	ByClient bool // the client sent a close frame, or its connection is gone
}

func (e *CloseError) Error() string {
	switch {
	case e.Code == codeGone:
		return "the client is gone: " + e.Reason
	case e.ByClient:
		return fmt.Sprintf("the client closed the connection with code %d: %.125q", e.Code, e.Reason)
	}
	return fmt.Sprintf("%s (close code %d)", e.Reason, e.Code)
}

// headSize is the size, in bytes, of the longest frame head that a server sends.
const headSize = 10

// appendHead appends to dst the head of a frame with a payload of n bytes. first is the first byte of the frame, which
// holds the opcode.
func appendHead(dst []byte, first byte, n int) []byte {
	switch {
	case n <= maxControl:
		return append(dst, first, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(dst, first, 126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, 127), uint64(n))
}

// TextFrame returns a text message as an uncompressed frame. The caller may add the frame to [Conn.Out] of any number
// of connections.
func TextFrame(text []byte) []byte {
	frame := appendHead(make([]byte, 0, headSize+len(text)), bitFin|opText, len(text))
	return append(frame, text...)
}

// closeFrame returns a close frame with the code and reason. If the code is codeNone or codeGone, which are never sent,
// the frame has no payload. A reason that is too long for a control frame is truncated.
func closeFrame(code int, reason string) []byte {
	if code == codeNone || code == codeGone {
		return []byte{bitFin | opClose, 0}
	}
	const maxReason = maxControl - 2
	reason = strings.ToValidUTF8(reason, "\uFFFD")
	if len(reason) > maxReason {
		n := maxReason
		for n > 0 && !utf8.RuneStart(reason[n]) {
			n--
		}
		reason = reason[:n]
	}
	frame := append(make([]byte, 0, 4+len(reason)), bitFin|opClose, byte(2+len(reason)))
	return append(binary.BigEndian.AppendUint16(frame, uint16(code)), reason...)
}

// readClose parses the payload of a client's close frame (RFC 6455 section 5.5.1) and returns the client's code and
// reason. If the payload is invalid, the returned error describes the violation of the protocol.
func readClose(payload []byte) *CloseError {
	if len(payload) == 0 {
		return &CloseError{Code: codeNone, ByClient: true}
	}
	if len(payload) == 1 {
		return &CloseError{Code: ProtocolError, Reason: "a close frame has a code of two bytes"}
	}
	code, reason := int(binary.BigEndian.Uint16(payload)), payload[2:]
	switch {
	case code < 1000 || code >= 5000, code >= 1016 && code < 3000, code == 1004, code == codeNone, code == codeGone, code == 1015:
		return &CloseError{Code: ProtocolError, Reason: fmt.Sprintf("%d is not a code for closing", code)}
	case !utf8.Valid(reason):
		return &CloseError{Code: InvalidPayload, Reason: "the reason for closing is not UTF-8"}
	}
	return &CloseError{Code: code, Reason: string(reason), ByClient: true}
}

// head is the parsed head of a frame from a client.
type head struct {
	op         byte
	fin, rsv1  bool
	key        uint32 // the mask, in little-endian order
	size       int    // of the head, in bytes
	length     int    // of the payload, in bytes
	incomplete bool
}

// readHead parses the head of the frame at the start of b. If b does not contain the whole head, h.incomplete is true.
// The caller must check h.length against the size limit. If the top bit of the length is set, readHead returns an
// error. If the length is otherwise too large for an int, h.length is the largest int.
func readHead(b []byte) (h head, fault *CloseError) {
	if len(b) < 2 {
		return head{incomplete: true}, nil
	}
	h = head{op: b[0] & bitsCode, fin: b[0]&bitFin != 0, rsv1: b[0]&bitRSV1 != 0, size: 6, length: int(b[1] &^ bitMask)}
	if b[0]&bitsRSV23 != 0 {
		return h, protocolError("a reserved bit is set")
	}
	if b[1]&bitMask == 0 {
		return h, protocolError("frames of a client must be masked")
	}
	switch {
	case h.op >= opClose && (!h.fin || h.length > maxControl || h.rsv1):
		return h, protocolError("a control frame is one frame of 125 bytes at most, not compressed")
	case h.op > opPong || h.op > opBinary && h.op < opClose:
		return h, protocolError("there is no such opcode")
	case h.length == 126:
		h.size = 8
	case h.length == 127:
		h.size = 14
	}
	if len(b) < h.size {
		h.incomplete = true
		return h, nil
	}
	switch h.size {
	case 8:
		h.length = int(binary.BigEndian.Uint16(b[2:]))
	case 14:
		n := binary.BigEndian.Uint64(b[2:])
		if n > 1<<63-1 {
			return h, protocolError("the top bit of a length must be 0")
		}
		h.length = int(min(n, maxInt))
	}
	h.key = binary.LittleEndian.Uint32(b[h.size-4:])
	return h, nil
}

const maxInt = uint64(^uint(0) >> 1)

func protocolError(reason string) *CloseError {
	return &CloseError{Code: ProtocolError, Reason: reason}
}

// unmask removes the mask key from the payload b in place, eight bytes at a time (RFC 6455 section 5.3).
func unmask(b []byte, key uint32) {
	key8 := uint64(key)<<32 | uint64(key)
	for len(b) >= 32 {
		w := b[:32:32]
		binary.LittleEndian.PutUint64(w, binary.LittleEndian.Uint64(w)^key8)
		binary.LittleEndian.PutUint64(w[8:], binary.LittleEndian.Uint64(w[8:])^key8)
		binary.LittleEndian.PutUint64(w[16:], binary.LittleEndian.Uint64(w[16:])^key8)
		binary.LittleEndian.PutUint64(w[24:], binary.LittleEndian.Uint64(w[24:])^key8)
		b = b[32:]
	}
	for len(b) >= 8 {
		binary.LittleEndian.PutUint64(b, binary.LittleEndian.Uint64(b)^key8)
		b = b[8:]
	}
	for i := range b {
		b[i] ^= byte(key >> (8 * i & 31))
	}
}
