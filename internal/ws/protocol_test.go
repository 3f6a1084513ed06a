package ws_test

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

// long returns the head of a frame with a length of 64 bits, without a payload.
func long(first byte, n uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{first, 0x80 | 127}, n), 1, 2, 3, 4)
}

// unmasked clears the mask bit of a frame.
func unmasked(b []byte) []byte {
	b[1] &^= 0x80
	return b
}

// bytewise splits bytes into writes of one byte.
func bytewise(b []byte) [][]byte {
	var all [][]byte
	for part := range slices.Chunk(b, 1) {
		all = append(all, part)
	}
	return all
}

// TestProtocol covers groups 1 to 7 of the Autobahn suite. Each case sends some writes, and lists the messages that come
// back and the code with which the server closes the connection.
func TestProtocol(t *testing.T) {
	t.Parallel()
	options := defaults()
	options.Compress = true
	s := echo(t, options, false)
	whole := strings.Repeat("*", 1000)
	for name, test := range map[string]struct {
		writes   [][]byte
		messages []string
		code     uint16
	}{
		"an empty message":                  {[][]byte{frame(fin|text, "")}, []string{""}, 0},
		"the longest message":               {[][]byte{frame(fin|text, strings.Repeat("x", 64<<10))}, []string{strings.Repeat("x", 64<<10)}, 0},
		"one byte too long":                 {[][]byte{frame(fin|text, strings.Repeat("x", 64<<10+1))}, nil, 1009},
		"a byte at a time":                  {bytewise(frame(fin|text, whole)), []string{whole}, 0},
		"a length in too many bytes":        {[][]byte{append(long(fin|text, 2), "hi"[0]^1, "hi"[1]^2)}, []string{"hi"}, 0},
		"many in one write":                 {[][]byte{slices.Concat(frame(fin|text, "a"), frame(fin|text, "b"), frame(fin|text, "c"))}, []string{"a", "b", "c"}, 0},
		"fragments":                         {[][]byte{frame(text, "a"), frame(cont, "b"), frame(cont, ""), frame(fin|cont, "c")}, []string{"abc"}, 0},
		"fragments in one write":            {[][]byte{slices.Concat(frame(text, "a"), frame(cont, "b"), frame(fin|cont, "c"), frame(fin|text, "d"))}, []string{"abc", "d"}, 0},
		"empty fragments":                   {[][]byte{frame(text, ""), frame(cont, ""), frame(fin|cont, "")}, []string{""}, 0},
		"fragments that are too long":       {[][]byte{frame(text, strings.Repeat("x", 40<<10)), frame(fin|cont, strings.Repeat("x", 40<<10))}, nil, 1009},
		"fragments of the longest message":  {[][]byte{frame(text, strings.Repeat("x", 32<<10)), frame(fin|cont, strings.Repeat("y", 32<<10))}, []string{strings.Repeat("x", 32<<10) + strings.Repeat("y", 32<<10)}, 0},
		"a continuation first":              {[][]byte{frame(fin|cont, "a")}, nil, 1002},
		"a continuation after the end":      {[][]byte{frame(text, "a"), frame(fin|cont, "b"), frame(fin|cont, "c")}, []string{"ab"}, 1002},
		"a message within another":          {[][]byte{frame(text, "a"), frame(fin|text, "b")}, nil, 1002},
		"no mask":                           {[][]byte{unmasked(frame(fin|text, "a"))}, nil, 1002},
		"no mask, empty":                    {[][]byte{{fin | text, 0}}, nil, 1002},
		"the second reserved bit":           {[][]byte{frame(fin|0x20|text, "a")}, nil, 1002},
		"the third reserved bit":            {[][]byte{frame(fin|0x10|text, "a")}, nil, 1002},
		"compressed without agreement":      {[][]byte{frame(fin|rsv1|text, "a")}, nil, 1002},
		"a compressed continuation":         {[][]byte{frame(text, "a"), frame(fin|rsv1|cont, "b")}, nil, 1002},
		"a compressed ping":                 {[][]byte{frame(fin|rsv1|ping, "a")}, nil, 1002},
		"opcode 3":                          {[][]byte{frame(fin|3, "a")}, nil, 1002},
		"opcode 7":                          {[][]byte{frame(fin|7, "a")}, nil, 1002},
		"opcode 11":                         {[][]byte{frame(fin|11, "a")}, nil, 1002},
		"opcode 15":                         {[][]byte{frame(fin|15, "a")}, nil, 1002},
		"the top bit of a length":           {[][]byte{long(fin|text, 1<<63)}, nil, 1002},
		"all bits of a length":              {[][]byte{long(fin|text, 1<<64-1)}, nil, 1002},
		"the top bit of a ping's length":    {[][]byte{long(fin|ping, 1<<63|1)}, nil, 1002},
		"a length that no memory has":       {[][]byte{long(fin|text, 1<<62)}, nil, 1009},
		"that length in a fragment":         {[][]byte{frame(text, "a"), long(fin|cont, 1<<63-1)}, nil, 1009},
		"a ping of 126 bytes":               {[][]byte{frame(fin|ping, strings.Repeat("x", 126))}, nil, 1002},
		"a fragmented ping":                 {[][]byte{frame(ping, "a")}, nil, 1002},
		"a fragmented close frame":          {[][]byte{frame(closing, code(1000, ""))}, nil, 1002},
		"text that is not UTF-8":            {[][]byte{frame(fin|text, "a\xffb")}, nil, 1007},
		"a surrogate":                       {[][]byte{frame(fin|text, "\xed\xa0\x80")}, nil, 1007},
		"beyond Unicode":                    {[][]byte{frame(fin|text, "\xf4\x90\x80\x80")}, nil, 1007},
		"an overlong slash":                 {[][]byte{frame(fin|text, "\xc0\xaf")}, nil, 1007},
		"half a character":                  {[][]byte{frame(fin|text, "\xe2\x82")}, nil, 1007},
		"a character across fragments":      {[][]byte{frame(text, "\xe2"), frame(cont, "\x82"), frame(fin|cont, "\xac")}, []string{"€"}, 0},
		"half a character across fragments": {[][]byte{frame(text, "\xe2"), frame(fin|cont, "\x82")}, nil, 1007},
		"binary need not be UTF-8":          {[][]byte{frame(fin|bin, "\xff\xfe"), frame(bin, "\xe2"), frame(fin|cont, "\x82")}, []string{"\xff\xfe", "\xe2\x82"}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := open(t, s, "")
			go func() {
				for _, b := range test.writes {
					if _, err := p.Write(b); err != nil {
						return // the server has refused an earlier write
					}
				}
				if test.code == 0 {
					_, _ = p.Write(frame(fin|closing, code(1000, "")))
				}
			}()
			for _, message := range test.messages {
				first, got, err := p.next()
				if err != nil || first != fin|text && first != fin|bin || got != message {
					t.Fatalf("got frame %#x of %d bytes, %v; want %d bytes", first, len(got), err, len(message))
				}
			}
			p.wantClose(max(test.code, 1000))
		})
	}
}

// The server replies to a ping with its payload, also between the fragments of a message. It does not reply to pongs.
func TestControlFrames(t *testing.T) {
	t.Parallel()
	p := open(t, echo(t, defaults(), false), "")
	p.send(frame(fin|ping, ""))
	p.want(fin|pong, "")
	p.send(frame(fin|pong, "unsolicited"))
	p.send(frame(fin|ping, strings.Repeat("p", 125)))
	p.want(fin|pong, strings.Repeat("p", 125))
	p.send(slices.Concat(frame(text, "a"), frame(fin|ping, "1"), frame(fin|pong, ""), frame(cont, "b"), frame(fin|ping, "2"), frame(fin|cont, "c")))
	p.want(fin|pong, "1")
	p.want(fin|pong, "2")
	p.want(fin|text, "abc")
	pings, pongs := frame(fin|ping, "x"), string([]byte{fin | pong, 1, 'x'})
	p.send([]byte(strings.Repeat(string(pings), 10_000)))
	all := make([]byte, 10_000*len(pongs))
	if _, err := readFull(p, all); err != nil || string(all) != strings.Repeat(pongs, 10_000) {
		t.Errorf("10,000 pings did not get 10,000 pongs: %v", err)
	}
}

// A client that sends a close frame gets its code back, and the server closes the connection. An invalid close frame is a
// protocol error.
func TestClientCloses(t *testing.T) {
	t.Parallel()
	s := echo(t, defaults(), false)
	for _, n := range []uint16{1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1014, 3000, 3999, 4000, 4999} {
		p := open(t, s, "")
		p.send(slices.Concat(frame(fin|text, "before"), frame(fin|closing, code(n, "why")), frame(fin|text, "after")))
		p.want(fin|text, "before")
		p.want(fin|closing, code(n, "why"))
		p.wantEnd()
	}
	p := open(t, s, "")
	p.send(frame(fin|closing, ""))
	p.want(fin|closing, "")
	p.wantEnd()
	for payload, want := range map[string]uint16{
		"\x03": 1002, code(0, ""): 1002, code(999, ""): 1002, code(1004, ""): 1002, code(1005, ""): 1002, code(1006, ""): 1002, code(1015, ""): 1002,
		code(1016, ""): 1002, code(2999, ""): 1002, code(5000, ""): 1002, code(65535, ""): 1002, code(1000, "\xff"): 1007,
		code(1000, strings.Repeat("x", 123)): 1000, code(1000, strings.Repeat("x", 124)): 1002,
	} {
		p := open(t, s, "")
		p.send(frame(fin|closing, payload))
		p.wantClose(want)
	}
}

// Frames that come in the same write as the handshake are not lost.
func TestFramesWithTheHandshake(t *testing.T) {
	t.Parallel()
	s := echo(t, defaults(), false)
	for _, n := range []int{1, 100, 3000, 60_000} {
		message := strings.Repeat("x", n)
		p := open(t, s, "", frame(fin|text, message), frame(fin|text, "second")[:3])
		p.want(fin|text, message)
		p.send(frame(fin|text, "second")[3:])
		p.want(fin|text, "second")
	}
}
