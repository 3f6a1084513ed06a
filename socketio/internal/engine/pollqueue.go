package engine

// pollQueue holds the packets that wait for the GET of a polling client, with their separators. The session's lock guards
// it.
type pollQueue struct {
	buf      []byte
	messages int
	space    chan struct{} // closed when the queue was emptied or the session is closing; nil if no goroutine waits
}

// add adds one packet, the concatenation of parts.
func (q *pollQueue) add(parts ...[]byte) {
	if len(q.buf) > 0 {
		q.buf = append(q.buf, separator)
	}
	for _, p := range parts {
		q.buf = append(q.buf, p...)
	}
	q.messages++
}

// take empties the queue and returns its packets.
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

// awaitSpace returns a channel that signalSpace closes.
func (q *pollQueue) awaitSpace() <-chan struct{} {
	if q.space == nil {
		q.space = make(chan struct{})
	}
	return q.space
}
