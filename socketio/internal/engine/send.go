package engine

import "github.com/actionhero-go/actionhero/internal/ws"

var (
	messageHead = []byte{typeMessage}
	pingPacket  = []byte{typePing}
)

// Prepare makes a message of text in the form in which it goes to any number of sessions with [Session.Queue].
func Prepare(text []byte) (message []byte) {
	return ws.TextFrame(append(append(make([]byte, 0, 1+len(text)), typeMessage), text...))
}

// packetOf returns the packet that a frame of a server carries.
func packetOf(frame []byte) []byte {
	switch frame[1] {
	case 126:
		return frame[4:]
	case 127:
		return frame[10:]
	}
	return frame[2:]
}

// Queue queues a message that the client has not asked for. It returns true if the caller must call Flush. A client
// whose queue is full is closed.
func (s *Session) Queue(prepared []byte) (flush bool) {
	if socket := s.socket.Load(); socket != nil {
		return socket.conn.Out.Add(prepared)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch socket := s.socket.Load(); {
	case socket != nil:
		return socket.conn.Out.Add(prepared)
	case s.state >= ending || s.full:
		return false
	case s.queue.messages >= s.engine.cfg.MaxMessages || len(s.queue.buf) >= s.engine.cfg.MaxBytes:
		s.full = true
		return true
	}
	s.queue.add(packetOf(prepared))
	return s.poll != nil
}

// Flush sends what is queued as far as that takes no waiting, and leaves the rest to a goroutine.
func (s *Session) Flush() {
	if socket := s.socket.Load(); socket != nil {
		socket.conn.Out.Flush()
		return
	}
	s.mu.Lock()
	full := s.full
	if !full {
		s.hand()
	}
	s.mu.Unlock()
	if full {
		s.end(errFull, typeClose, 0)
	}
}

// Reply queues a message that the client has asked for, and leaves it to a Send that follows soon. It waits while half
// of what may wait does: whoever asks for much must get it, as long as it reads.
func (s *Session) Reply(text []byte) {
	for !s.replyPolling(text) {
		if socket := s.socket.Load(); socket != nil {
			socket.conn.Text(messageHead, text)
			return
		}
		s.waitForRoom()
	}
}

// replyPolling queues a message for a client that polls. It returns false if there is no room, or the client has a
// WebSocket.
func (s *Session) replyPolling(text []byte) bool {
	if s.socket.Load() != nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state >= ending:
		return true // to nobody
	case s.socket.Load() != nil || !s.ready():
		return false
	}
	s.queue.add(messageHead, text)
	return true
}

// ready reports whether there is room for what the client has asked for; the lock is held.
func (s *Session) ready() bool {
	return 2*s.queue.messages < s.engine.cfg.MaxMessages && 2*len(s.queue.buf) < s.engine.cfg.MaxBytes
}

// Ready waits while half of what may wait for the client does. Whoever is ready before it does the work that an answer
// needs does not have to hold the answer.
func (s *Session) Ready() {
	if socket := s.socket.Load(); socket != nil {
		socket.conn.Out.Ready()
		return
	}
	s.waitForRoom()
}

// waitForRoom waits until there is room in the queue of a client that polls, or it polls no more.
func (s *Session) waitForRoom() {
	for {
		s.mu.Lock()
		if s.state >= socketed || s.ready() {
			s.mu.Unlock()
			return
		}
		s.hand()
		room := s.queue.wait()
		s.mu.Unlock()
		<-room
	}
}

// Send sends what is queued; over WebSocket it waits for a client that is slow to take it.
func (s *Session) Send() {
	if socket := s.socket.Load(); socket != nil {
		socket.conn.Out.Send()
		return
	}
	s.Flush()
}

// sendPing sends a ping, for which there is always room.
func (s *Session) sendPing() {
	if socket := s.socket.Load(); socket != nil {
		if socket.conn.Out.Add(pingFrame) {
			socket.conn.Out.Flush()
		}
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state < socketed {
		s.queue.add(pingPacket)
		s.hand()
	}
}
