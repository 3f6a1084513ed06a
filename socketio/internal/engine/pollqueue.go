package engine

// pollQueue holds the packets that wait for the next GET of a polling client, with a separator between two packets. The
// session's lock guards the pollQueue.
type pollQueue struct {
	buf      []byte
	messages int
	space    chan struct{} // closed when the queue was emptied or the session is closing; nil if no goroutine waits
}

// add appends one packet, the concatenation of parts, to the queue.
func (q *pollQueue) add(parts ...[]byte) {
	if len(q.buf) > 0 {
		q.buf = append(q.buf, separator)
	}
	for _, p := range parts {
		q.buf = append(q.buf, p...)
	}
	q.messages++
}

// take removes all packets from the queue and returns them as the body of a response. It wakes the goroutines that wait
// for space.
func (q *pollQueue) take() []byte {
	buf := q.buf
	q.buf, q.messages = nil, 0
	q.signalSpace()
	return buf
}

func (q *pollQueue) signalSpace() {
	if q.space != nil {
		close(q.space)
		q.space = nil
	}
}

// awaitSpace returns a channel that is closed when the queue is emptied or the session is closing.
func (q *pollQueue) awaitSpace() <-chan struct{} {
	if q.space == nil {
		q.space = make(chan struct{})
	}
	return q.space
}
