package socketio

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// The type digits of Socket.IO packets (Socket.IO protocol 5, "Exchange protocol").
const (
	typeConnect      = '0'
	typeDisconnect   = '1'
	typeEvent        = '2'
	typeAck          = '3'
	typeConnectError = '4'
	typeBinaryEvent  = '5'
	typeBinaryAck    = '6'
)

// These constants limit the parts of one packet. The transport limits the total size of a packet.
const (
	maxAttachments = 10  // number of binary attachments
	maxNamespace   = 128 // bytes of the namespace's name
	maxID          = 16  // digits of the acknowledgement number; 2^53 has 16 digits
)

// packet is one parsed Socket.IO packet. Its slices share memory with the text from which parsePacket parsed the
// packet.
type packet struct {
	kind        byte
	attachments int
	namespace   []byte // nil: the default namespace
	id          []byte // the digits of the acknowledgement number; nil: none
	data        []byte // the payload; parsePacket checks only its first and last byte
}

// The errors of malformed packets. If a packet is malformed, the server closes the session with one of these errors,
// because the Socket.IO protocol requires the close.
var (
	errType        = errors.New("a packet of an unknown type")
	errAttachments = errors.New("a packet whose number of attachments is missing or above " + strconv.Itoa(maxAttachments))
	errNamespace   = errors.New("a packet whose namespace is longer than " + strconv.Itoa(maxNamespace) + " bytes")
	errID          = errors.New("a packet whose acknowledgement number is longer than " + strconv.Itoa(maxID) + " digits")
	errPayload     = errors.New("a packet whose payload is not what its type wants")
)

// parsePacket parses a packet of the following form (Socket.IO protocol 5, "Packet encoding"):
//
//	<type>[<attachments>-][<namespace>,][<acknowledgement>][<payload>]
//
// The payload of an event is a JSON array that is not empty. The payload of an acknowledgement is a JSON array. The
// payload of a connect packet is a JSON object or missing. A disconnect packet has no payload. parsePacket checks only
// the brackets or braces around the payload and that the array of an event is not empty. parsePacket does not check the
// JSON inside the payload, because an event with malformed arguments gets an error reply and does not close the
// session.
func parsePacket(text []byte) (packet, error) {
	if len(text) == 0 || text[0] < typeConnect || text[0] > typeBinaryAck {
		return packet{}, errType
	}
	p, rest, ok := packet{kind: text[0]}, text[1:], true
	if p.kind == typeBinaryEvent || p.kind == typeBinaryAck {
		if p.attachments, rest, ok = parseAttachments(rest); !ok {
			return packet{}, errAttachments
		}
	}
	if len(rest) > 0 && rest[0] == '/' {
		p.namespace, rest, _ = bytes.Cut(rest, []byte{','})
		if len(p.namespace) > maxNamespace {
			return packet{}, errNamespace
		}
		if len(p.namespace) == 1 {
			p.namespace = nil
		}
	}
	if digits := countDigits(rest); digits > maxID {
		return packet{}, errID
	} else if digits > 0 {
		p.id, rest = rest[:digits], rest[digits:]
	}
	if p.data = bytes.Trim(rest, " \t\r\n"); !p.hasValidShape() {
		return packet{}, errPayload
	}
	return p, nil
}

// parseAttachments parses the number of attachments at the beginning of text and the hyphen after the number. rest is
// the text after the hyphen. ok is false if the number or the hyphen is missing, or the number is above maxAttachments.
func parseAttachments(text []byte) (n int, rest []byte, ok bool) {
	digits := countDigits(text)
	if digits == 0 || digits > 2 || digits == len(text) || text[digits] != '-' {
		return 0, nil, false
	}
	for _, c := range text[:digits] {
		n = 10*n + int(c-'0')
	}
	return n, text[digits+1:], n <= maxAttachments
}

func countDigits(text []byte) int {
	for i, c := range text {
		if c < '0' || c > '9' {
			return i
		}
	}
	return len(text)
}

// hasValidShape reports whether the packet's acknowledgement number and payload have the form that the type of the
// packet requires.
func (p *packet) hasValidShape() bool {
	switch p.kind {
	case typeConnect:
		return p.id == nil && (len(p.data) == 0 || enclosedIn(p.data, '{', '}'))
	case typeDisconnect:
		return p.id == nil && len(p.data) == 0
	case typeEvent, typeBinaryEvent:
		return enclosedIn(p.data, '[', ']') && jsonx.SkipSpace(p.data, 1) < len(p.data)-1
	case typeAck, typeBinaryAck:
		return p.id != nil && enclosedIn(p.data, '[', ']')
	}
	return false // a connect error is sent by servers only
}

func enclosedIn(text []byte, open, end byte) bool {
	return len(text) >= 2 && text[0] == open && text[len(text)-1] == end
}

// The beginnings of two packets that the server sends: the reply to a connect, and the event "response".
const (
	connectHead  = `0{"sid":"`
	responseHead = `2["response",`
)

// appendConnectReply appends to dst the packet that accepts a client's connect packet. sid is the id of the client and
// must contain no character that JSON escapes.
func appendConnectReply(dst []byte, sid string) []byte {
	return append(append(append(dst, connectHead...), sid...), `"}`...)
}

// errNamespaceUnknown is the reason why a client cannot connect to another namespace than the default one. Stock servers
// use the same words.
//
//lint:ignore ST1005 clients compare the words of the stock server
var errNamespaceUnknown = errors.New("Invalid namespace")

// appendConnectError appends to dst the packet that refuses a client's connect packet for err. If namespace is nil, it is
// the default one. The code of an *actionhero.Error is in the member "data", which stock clients show as err.data.
func appendConnectError(dst, namespace []byte, err error) []byte {
	if dst = append(dst, typeConnectError); namespace != nil {
		dst = append(append(dst, namespace...), ',')
	}
	dst = jsonx.AppendString(append(dst, `{"message":`...), err.Error())
	if failure := (*actionhero.Error)(nil); errors.As(err, &failure) {
		dst = append(dst, `,"data":`...)
		comma := len(dst)
		dst = append(transport.AppendError(dst, failure), '}')
		dst[comma] = '{'
	}
	return append(dst, '}')
}

// appendEventHead appends to dst the beginning of an event packet with one argument. The caller must append the
// argument and "]".
func appendEventHead(dst []byte, name string) []byte {
	dst = jsonx.AppendString(append(dst, typeEvent, '['), name)
	return append(dst, ',')
}

// appendAnswerHead appends to dst the beginning of the answer to an event. If id is not nil, the answer is the
// acknowledgement with the number id; otherwise the answer is the event "response". The caller must append the answer's
// JSON object and "]".
func appendAnswerHead(dst, id []byte) []byte {
	if id == nil {
		return append(dst, responseHead...)
	}
	return append(append(append(dst, typeAck), id...), '[')
}
