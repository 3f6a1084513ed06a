package engine

import (
	"slices"
	"time"

	"github.com/actionhero-go/actionhero/internal/ws"
)

var (
	messageHead = []byte{typeMessage}
	pingPacket  = []byte{typePing}
)

// Prepare encodes a text message in the form that [Session.Queue] takes. The result can be queued for any number of
// sessions.
func Prepare(text []byte) (message []byte) {
	return ws.TextFrame(append(append(make([]byte, 0, 1+len(text)), typeMessage), text...))
}

// packetOf returns the payload of frame, an unmasked WebSocket frame. The payload is an Engine.IO packet.
func packetOf(frame []byte) []byte {
	switch frame[1] {
	case 126:
		return frame[4:]
	case 127:
		return frame[10:]
	}
	return frame[2:]
}

// Queue queues a message that the client did not request. prepared is a result of [Prepare]. Queue does not block. If
// flush is true, the caller must call Flush. If the queue is full, Queue drops the message, and Flush closes the
// session. If the queues of all clients exceed Config.Budget, Flush relieves it, which may close the session.
func (s *Session) Queue(prepared []byte) (flush bool) {
	if socket := s.socket.Load(); socket != nil {
		return socket.conn.Out.AddShared(prepared, nil)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch socket := s.socket.Load(); {
	case socket != nil:
		return socket.conn.Out.AddShared(prepared, nil)
	case s.state >= closing || s.overflowed:
		return false
	case s.isFull(len(prepared)):
		s.overflowed = true
		return true
	}
	p := packetOf(prepared)
	s.queue.add(p)
	if s.poll == nil {
		s.count(p, true)
	}
	return s.poll != nil || s.excess
}

// patience is the time without a GET after which a polling client with MaxMessages messages counts as one that does not
// read. Before that time, many messages can come between two GETs of a client that reads.
const patience = 2 * time.Second

// isFull reports whether the queue of a polling client cannot take another message of n bytes. A message of any length
// fits into an empty queue. The caller must hold s.mu.
func (s *Session) isFull(n int) bool {
	cfg := &s.engine.cfg
	return s.queue.size > 0 && s.queue.size+n > cfg.MaxBytes ||
		len(s.queue.packets) >= cfg.MaxMessages && s.poll == nil && time.Since(s.engine.pinger.epoch)-s.detached >= patience
}

// Flush sends the queued messages without blocking. If the network does not accept all bytes at once, a new goroutine
// sends the other bytes.
func (s *Session) Flush() {
	if socket := s.socket.Load(); socket != nil {
		socket.conn.Out.Flush()
		return
	}
	s.mu.Lock()
	full, excess := s.overflowed, s.excess
	if s.excess = false; !full {
		s.flushToPoll()
	}
	s.mu.Unlock()
	if full {
		s.closeWith(errQueueFull, typeClose, 0)
	} else if excess {
		s.engine.cfg.Budget.Relieve()
	}
}

// Reply queues a message that the client has requested. The caller must call Send soon. Reply blocks while the queue of
// outgoing messages is at least half full. A client may therefore request any amount of data as long as the client
// keeps reading.
func (s *Session) Reply(text []byte) {
	for !s.replyPolling(text) {
		if socket := s.socket.Load(); socket != nil {
			socket.conn.Text(messageHead, text)
			return
		}
		s.waitForSpace()
	}
}

// replyPolling queues a message for a polling client. It returns false if the queue is at least half full, or if the
// session uses a WebSocket. If the session is closing, replyPolling drops the message and returns true.
func (s *Session) replyPolling(text []byte) bool {
	if s.socket.Load() != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state >= closing:
		return true
	case s.socket.Load() != nil || !s.hasSpace():
		return false
	}
	p := slices.Concat(messageHead, text)
	s.queue.add(p)
	s.count(p, false)
	return true
}

// hasSpace reports whether the queue of a polling client is less than half full. The caller must hold s.mu.
func (s *Session) hasSpace() bool {
	return 2*len(s.queue.packets) < s.engine.cfg.MaxMessages && 2*s.queue.size < s.engine.cfg.MaxBytes
}

// Ready blocks while the queue of outgoing messages is at least half full. Call Ready before computing a reply.
// Otherwise the finished reply would occupy memory while the reply waits for space in the queue.
func (s *Session) Ready() {
	if socket := s.socket.Load(); socket != nil {
		socket.conn.Out.Ready()
		return
	}
	s.waitForSpace()
}

// waitForSpace blocks until the queue of a polling client is less than half full. It also returns if the session
// changes to a WebSocket or closes.
func (s *Session) waitForSpace() {
	for {
		s.mu.Lock()
		if s.state < webSocket && !s.hasSpace() {
			s.flushToPoll() // may empty the queue: then no later GET would wake this goroutine
		}
		if s.state >= webSocket || s.hasSpace() {
			s.mu.Unlock()
			return
		}
		space := s.queue.awaitSpace()
		s.mu.Unlock()
		<-space
	}
}

// Send sends the queued messages. If the session uses a WebSocket, Send blocks while the client is slow to read.
func (s *Session) Send() {
	if socket := s.socket.Load(); socket != nil {
		socket.conn.Out.Send()
		return
	}
	s.Flush()
}

// sendPing sends a ping to the client. For a polling client, sendPing queues the ping even if the queue is full.
func (s *Session) sendPing() {
	if socket := s.socket.Load(); socket != nil {
		if socket.conn.Out.Add(pingFrame) {
			socket.conn.Out.Flush()
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state < webSocket {
		s.queue.add(pingPacket)
		s.flushToPoll()
	}
}
