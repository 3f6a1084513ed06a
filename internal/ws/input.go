package ws

import (
	"net"
	"sync"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/poison"
	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

// blockSize is the size of a pooled read buffer, in bytes. For a larger frame, the input allocates a larger buffer.
const blockSize = 16 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// input reads the frames of one connection and assembles the frames to messages. While an input waits for the first
// byte of a frame, it has no read buffer. It takes a buffer from the pool when the operating system reports that bytes
// can be read.
type input struct {
	reader     pooledreader.Reader
	maxMessage int // in bytes

	block *[blockSize]byte // the pooled memory of buf; nil if buf is not pooled
	buf   []byte           // the unused input is buf[from:to]
	from  int
	to    int
	need  int // the size of the frame at from, or of the longest head while its head is incomplete

	message *fragments       // of which the last fragment has not come yet; nil: there is none
	share   bytebudget.Share // buf, if it is not pooled, and the fragments
}

// fragments is a message of several frames that has begun.
type fragments struct {
	compressed bool
	op         byte
	data       []byte
}

// ErrBusy is the [CloseError] of a message that would exceed Options.Incoming.
var ErrBusy error = errBusy

var errBusy = &CloseError{Code: TryAgainLater, Reason: "the server holds as many incomplete messages as it may: try again later"}

// hold makes buf, with a length of n bytes, and the fragments count. It returns false if the budget has too few bytes
// left.
func (in *input) hold(n int) (ok bool) {
	if in.message != nil {
		n += cap(in.message.data)
	}
	return in.share.Hold(n)
}

func (in *input) init(nc net.Conn, maxMessage int, unread []byte) {
	in.reader.Init(nc)
	in.maxMessage = maxMessage
	in.buf, in.to = unread, len(unread)
}

// frame returns the head and the unmasked payload of the next completely read frame. If no frame has been read
// completely, ok is false. The payload is valid until the next call of fill. If detach is called before fill, the
// payload stays valid afterwards.
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

// allowed returns an error if the frame with the head h may not follow the frames before it, or if the frame makes its
// message longer than maxMessage bytes.
func (in *input) allowed(h head) *CloseError {
	open, begun := in.message != nil, 0
	if open {
		begun = len(in.message.data)
	}
	switch {
	case h.op >= opClose:
		return nil
	case h.op == opContinuation && !open:
		return protocolError("a continuation frame continues nothing")
	case h.op == opContinuation && h.rsv1:
		return protocolError("only the first frame of a message says that it is compressed")
	case h.op != opContinuation && open:
		return protocolError("a message begins before the one before has ended")
	case h.length > in.maxMessage-begun:
		return tooBig(in.maxMessage)
	}
	return nil
}

// add appends the payload of a data frame to the current message. If the frame completes the message, add decompresses
// and checks the message and returns the message with ok set to true. Otherwise ok is false.
func (in *input) add(h head, payload []byte) (m Message, ok bool, fault *CloseError) {
	switch {
	case in.message == nil && !h.fin:
		in.message = &fragments{h.rsv1, h.op, append([]byte(nil), payload...)}
		if !in.hold(in.unpooled()) {
			return m, false, errBusy
		}
		return m, false, nil
	case in.message != nil:
		message := in.message
		message.data = append(message.data, payload...)
		if !in.hold(in.unpooled()) {
			return m, false, errBusy
		}
		if !h.fin {
			return m, false, nil
		}
		h.rsv1, h.op, payload = message.compressed, message.op, message.data
		in.message = nil
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

// begun reports whether the input holds a part of an incomplete frame, or of a message whose last frame has not come
// yet.
func (in *input) begun() bool { return in.to > in.from || in.message != nil }

// unpooled returns the size of a buffer that is not pooled, or 0.
func (in *input) unpooled() int {
	if in.block != nil {
		return 0
	}
	return len(in.buf)
}

// fill blocks until more bytes come and appends these bytes to the buffer. It returns ErrBusy if a larger buffer would
// exceed the budget.
func (in *input) fill() error {
	if in.share.Holds() { // perhaps fragments of a message that has ended
		in.hold(in.unpooled())
	}
	switch {
	case in.to > in.from:
		if !in.makeRoom() {
			return ErrBusy
		}
	case in.block != nil: // earlier messages end here
		poison.Bytes(in.block[:])
		in.from, in.to = 0, 0
	default:
		in.release()
	}
	n, err := in.reader.Read(in)
	in.to += n
	return err
}

// Space implements pooledreader.Buffer. It returns the free part of the read buffer. If the input has no buffer, Space
// takes one from the pool.
func (in *input) Space() []byte {
	if in.buf == nil {
		in.block = blocks.Get().(*[blockSize]byte)
		in.buf = in.block[:]
	}
	return in.buf[in.to:]
}

// ReleaseIfEmpty implements pooledreader.Buffer. If the buffer holds no unused input, ReleaseIfEmpty returns the buffer
// to the pool and reports true.
func (in *input) ReleaseIfEmpty() (empty bool) {
	if empty = in.to == in.from; empty {
		in.release()
	}
	return empty
}

// release removes the buffer from the input. If the buffer is pooled, release returns it to the pool.
func (in *input) release() {
	if in.block != nil {
		poison.Bytes(in.block[:])
		blocks.Put(in.block)
	}
	in.block, in.buf, in.from, in.to = nil, nil, 0, 0
	if in.share.Holds() {
		in.hold(0)
	}
}

// detach replaces the buffer by a new one with a copy of the unused input. The old buffer is not used again, so
// requests can keep using the messages in the old buffer.
func (in *input) detach() {
	if in.to == in.from {
		in.block, in.buf, in.from, in.to = nil, nil, 0, 0
		in.hold(0)
		return
	}
	rest := make([]byte, max(blockSize, in.to-in.from))
	in.to = copy(rest, in.buf[in.from:in.to])
	in.block, in.buf, in.from = nil, rest, 0
	in.hold(len(rest)) // never more than before
}

// makeRoom moves the incomplete frame to the front of the buffer. If the frame fills the whole buffer, makeRoom
// allocates a buffer of at most twice the size. Memory therefore grows with the bytes that a client sends, not with the
// length that the head of the frame announces. makeRoom returns false if the budget has too few bytes left.
func (in *input) makeRoom() (ok bool) {
	if in.from > 0 {
		copy(in.buf, in.buf[in.from:in.to])
		in.from, in.to = 0, in.to-in.from
	}
	if in.to < len(in.buf) {
		return true
	}
	size := max(min(2*len(in.buf), in.need), blockSize)
	if !in.hold(size) {
		return false
	}
	larger := make([]byte, size)
	n := copy(larger, in.buf[:in.to])
	if in.block != nil {
		poison.Bytes(in.block[:])
		blocks.Put(in.block)
	}
	in.block, in.buf, in.to = nil, larger, n
	return true
}

// Message is a complete message of a client. Data is valid until the next call of [Conn.Read]. If [Conn.DetachBuffer]
// is called before Read, Data stays valid afterwards.
type Message struct {
	Binary bool
	Data   []byte
}
