package ws

import (
	"bytes"
	"io"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/flate"

	"github.com/actionhero-go/actionhero/internal/poison"
)

// deflateResponse is the response header with which the server accepts the compression permessage-deflate (RFC 7692).
// It turns off context takeover in both directions. A connection therefore needs no memory for compression between
// messages, and the bytes of a compressed message are the same for all connections.
const deflateResponse = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

// minDeflate is the size, in bytes, of the smallest message that the server compresses.
const minDeflate = 512

// offersDeflate reports whether values, the client's Sec-WebSocket-Extensions headers, offer compression with
// parameters that this server supports.
func offersDeflate(values []string) bool {
	for _, value := range values {
		for offer := range strings.SplitSeq(value, ",") {
			if acceptsOffer(offer) {
				return true
			}
		}
	}
	return false
}

// acceptsOffer reports whether the server accepts one offer of compression (RFC 7692 section 7.1). If an offer requires
// that the server uses a smaller window, the server refuses the offer, because the server's compressor cannot use a
// smaller window. The client may use a window of any size.
func acceptsOffer(offer string) bool {
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
		if seen[key] || !acceptsParam(key, value, hasValue) {
			return false
		}
		seen[key] = true
	}
	return true
}

func acceptsParam(key, value string, hasValue bool) bool {
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
	w, _ := flate.NewWriter(nil, flate.BestSpeed) // can fail only for an invalid level
	return w
}}

// DeflatedTextFrame returns a text message as a frame for connections with compression, see [Conn.Deflates]. If the
// compressed text is not smaller, the frame holds the uncompressed text. For connections without compression, use
// [TextFrame].
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

// deflate compresses text and appends the result, the payload of a message, to dst.
func deflate(dst, text []byte) []byte {
	out := (*appender)(&dst)
	w := deflaters.Get().(*flate.Writer)
	w.Reset(out)
	_, _ = w.Write(text) // an appender returns no errors
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

// deflateTail holds the bytes at the end of every flushed block. Messages omit these bytes (RFC 7692 section 7.2.1).
// lastBlock is deflateTail and an empty final block. The inflater reads lastBlock after the payload of a message, so
// that it detects the end of the stream.
var (
	deflateTail = []byte{0, 0, 0xff, 0xff}
	lastBlock   = []byte{0, 0, 0xff, 0xff, 1, 0, 0, 0xff, 0xff}
)

// stream is a reader that returns the payload of a compressed message, followed by lastBlock, the bytes that end the
// compressed data.
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

// inflate decompresses packed, the compressed payload of a message. It returns an error if the message is invalid or
// has more than limit bytes. For the result, inflate never allocates more than limit+1 bytes at once, so a small
// payload cannot exhaust the memory.
func inflate(packed []byte, limit int) ([]byte, *CloseError) {
	in := inflaters.Get().(*inflater)
	defer inflaters.Put(in)
	in.stream = stream{packed, lastBlock}
	defer func() { in.stream = stream{} }()
	_ = in.out.(flate.Resetter).Reset(&in.stream, nil) // can fail only with a dictionary
	text := make([]byte, 0, min(limit+1, 4*len(packed)+512))
	for {
		n, err := in.out.Read(text[len(text):cap(text)])
		text = text[:len(text)+n]
		switch {
		case len(text) > limit:
			return nil, tooBig(limit)
		case err == io.EOF:
			return text, nil
		case err != nil:
			return nil, &CloseError{Code: InvalidPayload, Reason: "the message does not inflate"}
		case len(text) == cap(text):
			larger := make([]byte, len(text), min(limit+1, 2*cap(text)))
			copy(larger, text)
			text = larger
		}
	}
}

func tooBig(limit int) *CloseError {
	return &CloseError{Code: TooBig, Reason: "a message may have " + strconv.Itoa(limit) + " bytes at most"}
}

// maxPooled is the largest capacity, in bytes, of a buffer that putBytes returns to the pool.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 1024); return &b }}

func getBytes() *[]byte { return buffers.Get().(*[]byte) }

func putBytes(b *[]byte) {
	if poison.Bytes(*b); cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}
