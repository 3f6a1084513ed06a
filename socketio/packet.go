package socketio

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/actionhero-go/actionhero/internal/jsonx"
)

// The types of Socket.IO packets (Socket.IO protocol 5, "Exchange protocol").
const (
	typeConnect      = '0'
	typeDisconnect   = '1'
	typeEvent        = '2'
	typeAck          = '3'
	typeConnectError = '4'
	typeBinaryEvent  = '5'
	typeBinaryAck    = '6'
)

// What a packet may have beside its payload, whose size the transport bounds.
const (
	maxAttachments = 10  // binary attachments of one packet
	maxNamespace   = 128 // bytes of the name of a namespace
	maxID          = 16  // digits of the number of an acknowledgement; 2^53 has as many
)

// packet is one Socket.IO packet. Its parts are parts of the text that it was parsed from.
type packet struct {
	kind        byte
	attachments int
	namespace   []byte // nil: the main one
	id          []byte // the digits of the acknowledgement that is asked for or answered; nil: none
	data        []byte // the payload, whose JSON is not checked any further than the comments of parsePacket say
}

// What is wrong with a packet. The client is closed for it, as the protocol wants.
var (
	errType        = errors.New("a packet of an unknown type")
	errAttachments = errors.New("a packet whose number of attachments is missing or above " + strconv.Itoa(maxAttachments))
	errNamespace   = errors.New("a packet whose namespace is longer than " + strconv.Itoa(maxNamespace) + " bytes")
	errID          = errors.New("a packet whose acknowledgement number is longer than " + strconv.Itoa(maxID) + " digits")
	errPayload     = errors.New("a packet whose payload is not what its type wants")
)

// parsePacket takes a packet apart:
//
//	<type>[<attachments>-][<namespace>,][<acknowledgement>][<payload>]
//
// The payload of an event is at least a pair of brackets with something in them, that of an acknowledgement a pair of
// brackets, that of a connect is missing or a pair of braces, and a disconnect has none. What is between is for whoever
// reads it to check, because an event with bad arguments is answered, and only then.
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
	if p.data = bytes.Trim(rest, " \t\r\n"); !p.plausible() {
		return packet{}, errPayload
	}
	return p, nil
}

// parseAttachments reads the number of attachments and the hyphen behind it.
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

// plausible reports whether the packet has an acknowledgement number and a payload if its type wants them.
func (p *packet) plausible() bool {
	switch p.kind {
	case typeConnect:
		return p.id == nil && (len(p.data) == 0 || between(p.data, '{', '}'))
	case typeDisconnect:
		return p.id == nil && len(p.data) == 0
	case typeEvent, typeBinaryEvent:
		return between(p.data, '[', ']') && jsonx.SkipSpace(p.data, 1) < len(p.data)-1
	case typeAck, typeBinaryAck:
		return p.id != nil && between(p.data, '[', ']')
	}
	return false // only a server refuses connections
}

// between reports whether text begins and ends so.
func between(text []byte, open, end byte) bool {
	return len(text) >= 2 && text[0] == open && text[len(text)-1] == end
}

// The beginnings of what the server sends.
const (
	connectHead  = `0{"sid":"`
	responseHead = `2["response",`
)

// appendConnected appends the answer to a connect. sid is plain text.
func appendConnected(dst []byte, sid string) []byte {
	return append(append(append(dst, connectHead...), sid...), `"}`...)
}

// appendRefused appends the refusal of a connect to a namespace, which comes from a packet.
func appendRefused(dst, namespace []byte) []byte {
	dst = append(append(dst, typeConnectError), namespace...)
	return append(dst, `,{"message":"Invalid namespace"}`...)
}

// appendEventHead appends the beginning of an event with one argument: that and a bracket must follow.
func appendEventHead(dst []byte, name string) []byte {
	dst = jsonx.AppendString(append(dst, typeEvent, '['), name)
	return append(dst, ',')
}

// appendAnswerHead appends the beginning of the answer to an event, a response or the acknowledgement that was asked
// for: the object and a bracket must follow.
func appendAnswerHead(dst, id []byte) []byte {
	if id == nil {
		return append(dst, responseHead...)
	}
	return append(append(append(dst, typeAck), id...), '[')
}
