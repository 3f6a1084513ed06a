package sendqueue

import (
	"sync"
	"syscall"

	"github.com/actionhero-go/actionhero/internal/nonblock"
	"github.com/actionhero-go/actionhero/internal/poison"
)

// minShared is the length, in bytes, from which a shared message is not copied. A copy of a shorter message costs less
// than the additional write.
const minShared = 8 << 10

// buffer holds queued messages. A long message that many queues share is a reference between two parts of own.
type buffer struct {
	own     []byte
	refs    []ref
	shared  int // bytes of refs
	done    int // bytes of own that are written
	counted int // bytes of own that count toward the budget

	// The state of one write, which is here because an idle queue needs none:
	chunk   []byte                // the bytes to write
	written int                   // the bytes of chunk that the network has accepted
	err     error                 // of the write
	try     func(fd uintptr) bool // the method tryOnce
}

// ref is a shared message whose place is before the byte at of buffer.own.
type ref struct {
	at      int
	bytes   []byte
	done    int // bytes that are written
	counted bool
}

func (b *buffer) size() int { return len(b.own) + b.shared }

func (b *buffer) addShared(p []byte) {
	b.refs = append(b.refs, ref{at: len(b.own), bytes: p})
	b.shared += len(p)
}

// next returns the next bytes to write, or an empty slice if all bytes are written.
func (b *buffer) next() []byte {
	for i := range b.refs {
		if r := &b.refs[i]; b.done < r.at {
			return b.own[b.done:r.at]
		} else if r.done < len(r.bytes) {
			return r.bytes[r.done:]
		}
	}
	return b.own[b.done:]
}

// advance records that n of the bytes that next has returned are written.
func (b *buffer) advance(n int) {
	for i := range b.refs {
		if r := &b.refs[i]; b.done < r.at {
			break
		} else if r.done < len(r.bytes) {
			r.done += n
			return
		}
	}
	b.done += n
}

// write writes as many bytes of p to raw as the network accepts without blocking, and returns the number of written
// bytes.
func (b *buffer) write(raw syscall.RawConn, p []byte) (n int, err error) {
	b.chunk = p
	if err = raw.Write(b.try); err == nil {
		err = b.err
	}
	n, b.chunk, b.written, b.err = b.written, nil, 0, nil
	return n, err
}

// tryOnce makes one attempt to write the chunk to the socket fd. It always returns true, so that raw.Write does not
// wait.
func (b *buffer) tryOnce(fd uintptr) bool {
	b.written, _, b.err = nonblock.Write(fd, b.chunk)
	return true
}

// maxPooled is the largest capacity, in bytes, of a buffer that putBuffer returns to the pool. Larger buffers are
// garbage collected.
const maxPooled = 64 << 10

var buffers = sync.Pool{New: func() any {
	b := &buffer{own: make([]byte, 0, 1024)}
	b.try = b.tryOnce
	return b
}}

func getBuffer() *buffer { return buffers.Get().(*buffer) }

func putBuffer(b *buffer) {
	if poison.Bytes(b.own); cap(b.own) <= maxPooled {
		*b = buffer{own: b.own[:0], try: b.try}
		buffers.Put(b)
	}
}
