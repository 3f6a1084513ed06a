package ws

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"
)

// Compression is permessage-deflate (RFC 7692) without context takeover in either direction: nothing is kept for a
// connection between messages, and a compressed message is the same for all of them.
const deflateAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// minDeflate is from how many bytes on a message is worth compressing.
const minDeflate = 512

// offersDeflate reports whether the client offers compression in a way that this server can do.
func offersDeflate(values []string) bool {
	for _, value := range values {
		for offer := range strings.SplitSeq(value, ",") {
			if deflateOffer(offer) {
				return true
			}
		}
	}
	return false
}

// deflateOffer reads one offer (RFC 7692 section 7.1). The window for what the server sends cannot be made smaller; that
// for what the client sends is the client's affair.
func deflateOffer(offer string) bool {
	name, rest, _ := strings.Cut(offer, ";")
	if !strings.EqualFold(strings.Trim(name, " \t"), "permessage-deflate") {
		return false
	}
	seen := map[string]bool{}
	for rest != "" {
		var param string
		param, rest, _ = strings.Cut(rest, ";")
		key, value, hasValue := strings.Cut(param, "=")
		key, value = strings.ToLower(strings.Trim(key, " \t")), strings.Trim(strings.Trim(value, " \t"), `"`)
		if seen[key] || !deflateParam(key, value, hasValue) {
			return false
		}
		seen[key] = true
	}
	return true
}

func deflateParam(key, value string, hasValue bool) bool {
	bits, err := strconv.Atoi(value)
	isWindow := err == nil && bits >= 8 && bits <= 15 && value[0] != '0' && value[0] != '+'
	switch key {
	case "server_no_context_takeover", "client_no_context_takeover":
		return !hasValue
	case "client_max_window_bits":
		return !hasValue || isWindow
	case "server_max_window_bits":
		return isWindow && bits == 15
	}
	return false
}

var deflaters = sync.Pool{New: func() any {
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // fails for a level that does not exist
	return w
}}

// DeflatedTextFrame is [TextFrame] for clients with which compression was agreed, see [Conn.Deflates].
func DeflatedTextFrame(text []byte) []byte {
	if len(text) < minDeflate {
		return TextFrame(text)
	}
	packed := getBytes()
	defer putBytes(packed)
	*packed = deflate((*packed)[:0], text)
	if len(*packed) >= len(text) {
		return TextFrame(text)
	}
	frame := appendHead(make([]byte, 0, headSize+len(*packed)), bitFin|bitRSV1|opText, len(*packed))
	return append(frame, *packed...)
}

// deflate appends text, compressed, as the payload of a message.
func deflate(dst, text []byte) []byte {
	out := (*appender)(&dst)
	w := deflaters.Get().(*flate.Writer)
	w.Reset(out)
	_, _ = w.Write(text) // an appender does not fail
	_ = w.Flush()
	w.Reset(nil)
	deflaters.Put(w)
	return bytes.TrimSuffix(dst, deflateTail)
}

type appender []byte

func (a *appender) Write(p []byte) (int, error) {
	*a = append(*a, p...)
	return len(p), nil
}

// deflateTail is what every flushed block ends with and no message has (RFC 7692 section 7.2.1); lastBlock is an empty
// block that ends the stream for the inflater.
var (
	deflateTail = []byte{0, 0, 0xff, 0xff}
	lastBlock   = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}
)

// stream is the payload of a message and what ends it, one after the other.
type stream struct{ now, next []byte }

func (s *stream) Read(p []byte) (int, error) {
	if len(s.now) == 0 {
		s.now, s.next = s.next, nil
	}
	if len(s.now) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.now)
	s.now = s.now[n:]
	return n, nil
}

func (s *stream) ReadByte() (byte, error) {
	var b [1]byte
	_, err := s.Read(b[:])
	return b[0], err
}

type inflater struct {
	stream
	out io.ReadCloser
}

var inflaters = sync.Pool{New: func() any { return &inflater{out: flate.NewReader(nil)} }}

// inflate returns the message whose payload is packed. It never holds more than most bytes of it, and one, however
// small packed is.
func inflate(packed []byte, most int) ([]byte, *CloseError) {
	in := inflaters.Get().(*inflater)
	defer inflaters.Put(in)
	in.stream = stream{packed, lastBlock}
	defer func() { in.stream = stream{} }()
	_ = in.out.(flate.Resetter).Reset(&in.stream, nil) // fails for dictionaries only
	text := make([]byte, 0, min(most+1, 4*len(packed)+512))
	for {
		n, err := in.out.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case len(text) > most:
			return nil, tooBig(most)
		case err == io.EOF:
			return text, nil
		case err != nil:
			return nil, &CloseError{Code: InvalidPayload, Reason: "the message does not inflate"}
		case len(text) == cap(text):
			larger := make([]byte, len(text), min(most+1, 2*cap(text)))
			copy(larger, text)
			text = larger
		}
	}
}

func tooBig(most int) *CloseError {
	return &CloseError{Code: TooBig, Reason: "a message may have " + strconv.Itoa(most) + " bytes at most"}
}

// maxKept is the largest buffer that is kept for another message.
const maxKept = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBytes() *[]byte { return buffers.Get().(*[]byte) }

func putBytes(b *[]byte) {
	if cap(*b) <= maxKept {
		buffers.Put(b)
	}
}
