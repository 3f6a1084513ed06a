package engine

// queue is what waits for the GET of a client that polls: packets with their separators. Its session's lock guards it.
type queue struct {
	buf      []byte
	messages int
	room     chan struct{} // closed when something was taken, or nothing will be any more; made by who waits
}

// add adds one packet, made of the given parts.
func (q *queue) add(parts ...[]byte) {
	if len(q.buf) > 0 {
		q.buf = append(q.buf, separator)
	}
	for _, p := range parts {
		q.buf = append(q.buf, p...)
	}
	q.messages++
}

// take empties the queue. There is room for those who wait for it.
func (q *queue) take() []byte {
	buf := q.buf
	q.buf, q.messages = nil, 0
	q.wake()
	return buf
}

func (q *queue) wake() {
	if q.room != nil {
		close(q.room)
		q.room = nil
	}
}

// wait returns what is closed when there may be room.
func (q *queue) wait() <-chan struct{} {
	if q.room == nil {
		q.room = make(chan struct{})
	}
	return q.room
}
