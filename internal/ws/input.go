package ws

import (
	"net"
	"sync"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/pooledreader"
)

// blockSize is what is read at a time, as long as frames are smaller.
const blockSize = 16 << 10

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// input reads the frames of a connection and makes messages of them. While nothing has come of the next frame it has no
// buffer: it takes one when the system says that there is something to read.
type input struct {
	reader pooledreader.Reader
	most   int // bytes of a message

	block *[blockSize]byte // what buf is, unless a frame outgrew it
	buf   []byte           // what was read and not yet used is buf[from:to]
	from  int
	to    int
	need  int // how many bytes the frame at from has, as far as is known

	// Of the message whose fragments are coming:
	open   bool
	packed bool // it is compressed
	op     byte
	pieces []byte
}

func (in *input) init(nc net.Conn, most int, unread []byte) {
	in.reader.Init(nc)
	in.most = most
	in.buf, in.to = unread, len(unread)
}

// frame returns the next frame that has been read whole, its mask taken off; ok is false if there is none. The payload is
// good until the next call of fill, or for ever if abandon comes first.
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

// allowed checks a frame against what came before it, as soon as its head has come.
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
	case h.length > in.most-len(in.pieces):
		return tooBig(in.most)
	}
	return nil
}

// add adds a data frame to the message that it is a part of, and returns that if it is whole.
func (in *input) add(h head, payload []byte) (m Message, ok bool, fault *CloseError) {
	switch {
	case !in.open && !h.fin:
		in.open, in.packed, in.op = true, h.rsv1, h.op
		in.pieces = append([]byte(nil), payload...)
		return m, false, nil
	case in.open:
		in.pieces = append(in.pieces, payload...)
		if !h.fin {
			return m, false, nil
		}
		h.rsv1, h.op, payload = in.packed, in.op, in.pieces
		in.open, in.pieces = false, nil
	}
	if h.rsv1 {
		if payload, fault = inflate(payload, in.most); fault != nil {
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

// release gives the buffer back.
func (in *input) release() {
	if in.block != nil {
		blocks.Put(in.block)
	}
	in.block, in.buf, in.from, in.to = nil, nil, 0, 0
}

// detach leaves the buffer to whoever still uses messages in it, and goes on with a copy of the rest.
func (in *input) detach() {
	if in.to == in.from {
		in.block, in.buf, in.from, in.to = nil, nil, 0, 0
		return
	}
	rest := make([]byte, max(blockSize, in.to-in.from))
	in.to = copy(rest, in.buf[in.from:in.to])
	in.block, in.buf, in.from = nil, rest, 0
}

// makeRoom moves what was begun to the front, and gets a larger buffer if that fills it: twice as large at the most,
// so that memory follows what a client sends, not what it announces.
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

// Message is a message of the client. Its data is good until the next [Conn.Read], or for ever after [Conn.DetachBuffer].
type Message struct {
	Binary bool
	Data   []byte
}
