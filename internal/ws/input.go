package ws

import (
	"net"
	"sync"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

// blockSize is the size of a pooled read buffer. A larger frame gets a larger buffer.
const blockSize = 16 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// input reads the frames of a connection and assembles messages. It has no buffer until something of the next frame has
// come; it takes one from the pool when the system reports that there is something to read.
type input struct {
	reader     pooledreader.Reader
	maxMessage int // in bytes

	block *[blockSize]byte // the memory of buf, unless a frame is larger
	buf   []byte           // the unused input is buf[from:to]
	from  int
	to    int
	need  int // the size of the frame at from, or of the longest head while its head is incomplete

	// The message whose fragments are coming:
	open       bool
	compressed bool
	op         byte
	fragments  []byte
}

func (in *input) init(nc net.Conn, maxMessage int, unread []byte) {
	in.reader.Init(nc)
	in.maxMessage = maxMessage
	in.buf, in.to = unread, len(unread)
}

// frame returns the next frame that has been read whole, with its mask removed; ok is false if there is none. The payload
// is valid until the next call of fill, or for ever if detach is called before.
func (in *input) frame() (h head, payload []byte, ok bool, fault *CloseError) {
	have := in.buf[in.from:in.to]
	h, fault = readHead(have)
	if fault == nil && !h.incomplete {
		fault = in.allowed(h)
	}
	if fault != nil || h.incomplete {
		in.need = headSize + 4
		return h, nil, false, fault
	}
	if in.need = h.size + h.length; len(have) < in.need {
		return h, nil, false, nil
	}
	payload = have[h.size:in.need:in.need]
	in.from += in.need
	unmask(payload, h.key)
	return h, payload, true, nil
}

// allowed checks the head of a frame against the limit and the frames before it.
func (in *input) allowed(h head) *CloseError {
	switch {
	case h.op >= opClose:
		return nil
	case h.op == opContinuation && !in.open:
		return protocolError("a continuation frame continues nothing")
	case h.op == opContinuation && h.rsv1:
		return protocolError("only the first frame of a message says that it is compressed")
	case h.op != opContinuation && in.open:
		return protocolError("a message begins before the one before has ended")
	case h.length > in.maxMessage-len(in.fragments):
		return tooBig(in.maxMessage)
	}
	return nil
}

// add adds a data frame to its message, and returns the message if it is complete.
func (in *input) add(h head, payload []byte) (m Message, ok bool, fault *CloseError) {
	switch {
	case !in.open && !h.fin:
		in.open, in.compressed, in.op = true, h.rsv1, h.op
		in.fragments = append([]byte(nil), payload...)
		return m, false, nil
	case in.open:
		in.fragments = append(in.fragments, payload...)
		if !h.fin {
			return m, false, nil
		}
		h.rsv1, h.op, payload = in.compressed, in.op, in.fragments
		in.open, in.fragments = false, nil
	}
	if h.rsv1 {
		if payload, fault = inflate(payload, in.maxMessage); fault != nil {
			return m, false, fault
		}
	}
	if h.op == opText && !utf8.Valid(payload) {
		return m, false, &CloseError{Code: InvalidPayload, Reason: "the text is not UTF-8"}
	}
	return Message{Binary: h.op == opBinary, Data: payload}, true, nil
}

// begun reports whether a part of a message, or of a frame, has been read.
func (in *input) begun() bool { return in.to > in.from || in.open }

// fill reads more.
func (in *input) fill() error {
	switch {
	case in.to > in.from:
		in.makeRoom()
	case in.block != nil:
		in.from, in.to = 0, 0
	default:
		in.release()
	}
	n, err := in.reader.Read(in)
	in.to += n
	return err
}

// Space implements pooledreader.Buffer.
func (in *input) Space() []byte {
	if in.buf == nil {
		in.block = blocks.Get().(*[blockSize]byte)
		in.buf = in.block[:]
	}
	return in.buf[in.to:]
}

// ReleaseIfEmpty implements pooledreader.Buffer.
func (in *input) ReleaseIfEmpty() (empty bool) {
	if empty = in.to == in.from; empty {
		in.release()
	}
	return empty
}

// release returns the buffer to the pool.
func (in *input) release() {
	if in.block != nil {
		blocks.Put(in.block)
	}
	in.block, in.buf, in.from, in.to = nil, nil, 0, 0
}

// detach leaves the buffer to the messages in it that are still used, and continues with a copy of the unused input.
func (in *input) detach() {
	if in.to == in.from {
		in.block, in.buf, in.from, in.to = nil, nil, 0, 0
		return
	}
	rest := make([]byte, max(blockSize, in.to-in.from))
	in.to = copy(rest, in.buf[in.from:in.to])
	in.block, in.buf, in.from = nil, rest, 0
}

// makeRoom moves the incomplete frame to the front of the buffer. If the frame fills it, makeRoom gets a buffer of at most
// twice the size, so memory grows with the bytes that a client sends, not with the length that it announces.
func (in *input) makeRoom() {
	if in.from > 0 {
		copy(in.buf, in.buf[in.from:in.to])
		in.from, in.to = 0, in.to-in.from
	}
	if in.to < len(in.buf) {
		return
	}
	larger := make([]byte, max(min(2*len(in.buf), in.need), blockSize))
	n := copy(larger, in.buf[:in.to])
	in.release()
	in.buf, in.to = larger, n
}

// Message is a message of the client. Its data is valid until the next [Conn.Read], or for ever if [Conn.DetachBuffer] is
// called before.
type Message struct {
	Binary bool
	Data   []byte
}
