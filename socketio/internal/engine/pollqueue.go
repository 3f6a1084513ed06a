package engine

import (
	"net/http"
	"strconv"

	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// pollQueue holds the packets that wait for the next GET of a polling client. A packet that many sessions share is in
// memory once, so a packet in the queue must not change. The session's lock guards the pollQueue.
type pollQueue struct {
	packets [][]byte
	size    int           // bytes of the packets and of a separator for each
	counted int           // bytes that count toward the budget, without those of shared
	shared  [][]byte      // the packets that count toward the budget once for all sessions
	space   chan struct{} // closed when the queue was emptied or the session is closing; nil if no goroutine waits
}

// add appends one packet to the queue.
func (q *pollQueue) add(packet []byte) {
	q.packets = append(q.packets, packet)
	q.size += len(packet) + 1
}

// minShared is the length, in bytes, from which a shared packet counts once for all sessions that hold it. A shorter
// packet counts for each session, because that costs less.
const minShared = 8 << 10

// count counts packet, the last packet of the queue, toward the budget b. shared is true if other sessions may hold the
// same bytes. over is true if the budget is exceeded.
func (q *pollQueue) count(b *sendqueue.Budget, packet []byte, shared bool) (over bool) {
	if shared && len(packet) >= minShared {
		q.shared = append(q.shared, packet)
		return !b.TakeShared(packet)
	}
	q.counted += len(packet)
	return !b.Take(len(packet))
}

// take removes all packets from the queue and returns them. It gives their bytes back to the budget b, and wakes the
// goroutines that wait for space.
func (q *pollQueue) take(b *sendqueue.Budget) (packets [][]byte) {
	if b != nil {
		b.Take(-q.counted)
		for _, p := range q.shared {
			b.GiveShared(p)
		}
	}
	packets = q.packets
	*q = pollQueue{space: q.space}
	q.signalSpace()
	return packets
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

// joinBytes is the length, in bytes, up to which sendPackets copies packets in order to write them together.
const joinBytes = 16 << 10

// sendPackets responds with packets, which separators divide. Longer packets are not copied, because other sessions may
// be sending the same bytes.
func sendPackets(w http.ResponseWriter, packets [][]byte) {
	n := len(packets) - 1
	for _, p := range packets {
		n += len(p)
	}
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	joined := make([]byte, 0, min(n, joinBytes))
	for i, p := range packets {
		if i > 0 {
			joined = append(joined, separator)
		}
		if len(joined)+len(p) > joinBytes {
			_, _ = w.Write(joined)
			joined = joined[:0]
		}
		if len(p) > joinBytes {
			_, _ = w.Write(p)
			continue
		}
		joined = append(joined, p...)
	}
	_, _ = w.Write(joined)
}
