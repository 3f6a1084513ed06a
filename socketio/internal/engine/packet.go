package engine

import (
	"bytes"
	"encoding/base64"
	"errors"
)

// The type digits of Engine.IO packets (Engine.IO protocol 4, "Protocol").
const (
	typeOpen    = '0'
	typeClose   = '1'
	typePing    = '2'
	typePong    = '3'
	typeMessage = '4'
	typeUpgrade = '5'
	typeNoop    = '6'
	typeBinary  = 'b' // in text: a message in base64
)

// separator is the character between two packets in an HTTP body. JSON text never contains this character.
const separator = 0x1e

var errPacket = errors.New("a packet that is none of Engine.IO protocol 4")

// packet is one Engine.IO packet. The kind of a binary packet is always typeMessage.
type packet struct {
	kind   byte
	binary bool
	data   []byte
}

// nextPacket parses the first packet of body, an HTTP body in long-polling. rest is the part of body after that packet,
// or nil after the last packet.
func nextPacket(body []byte) (p packet, rest []byte, err error) {
	text, rest, _ := bytes.Cut(body, []byte{separator})
	p, err = parsePacket(text)
	return p, rest, err
}

// parsePacket parses a text packet: one digit, which is the packet's type, and the data. The letter b instead of a digit
// marks a binary message in base64, which clients with the option forceBase64 send over WebSocket, too. parsePacket
// returns errPacket if the type is unknown.
func parsePacket(text []byte) (packet, error) {
	if len(text) > 0 && text[0] == typeBinary {
		data, err := base64.StdEncoding.AppendDecode(nil, text[1:])
		if err != nil {
			return packet{}, errPacket
		}
		return packet{kind: typeMessage, binary: true, data: data}, nil
	}
	if len(text) == 0 || text[0] < typeOpen || text[0] > typeNoop {
		return packet{}, errPacket
	}
	return packet{kind: text[0], data: text[1:len(text):len(text)]}, nil
}
