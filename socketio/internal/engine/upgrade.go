package engine

import (
	"net/http"
	"time"

	"github.com/actionhero-go/actionhero/internal/ws"
)

// upgrade serves the handshake of a WebSocket with which a polling client upgrades its session (Engine.IO protocol 4,
// "Upgrade"). If the server refuses the upgrade, the handshake still succeeds, because clients expect that, and the
// server closes the WebSocket afterwards.
func (s *Session) upgrade(w http.ResponseWriter, r *http.Request) {
	k := s.engine.accept(w, r, s.remote.Addr())
	if k == nil {
		return
	}
	k.session = s
	if !s.beginProbe(k) {
		k.conn.Reject(ws.PolicyError, "the session has a WebSocket, or is over")
		return
	}
	s.engine.startLoop(k)
}

func (s *Session) beginProbe(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != polling || s.probe != nil {
		return false
	}
	s.probe = k
	k.probeTimer = time.AfterFunc(s.engine.cfg.UpgradeTimeout, func() {
		k.conn.Close(ws.PolicyError, "the upgrade took too long")
	})
	return true
}

// handleProbe handles a packet on the WebSocket of an upgrade that has begun. The client first sends a ping with the
// data "probe", then an upgrade packet. For any other packet, handleProbe returns errPacket.
func (k *socket) handleProbe(p packet) error {
	s := k.session
	switch {
	case p.binary:
		return errPacket
	case p.kind == typePing && string(p.data) == "probe":
		if !s.confirmProbe(k) {
			return errPacket
		}
		k.conn.Text(probePong, p.data)
		k.conn.Out.Send()
		return nil
	case p.kind == typeUpgrade && s.completeUpgrade(k):
		k.conn.Out.Flush()
		return nil
	}
	return errPacket
}

// confirmProbe changes the state of the session to probing and answers the waiting GET with a noop packet. It returns
// false if the WebSocket k may not upgrade the session.
func (s *Session) confirmProbe(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != k || s.state >= webSocket {
		return false
	}
	s.state = probing
	if s.poll != nil {
		s.answerPoll([][]byte{{typeNoop}})
	}
	return true
}

// completeUpgrade makes k the WebSocket of the session and moves the packets of the poll queue to the send queue of k.
// It returns false if k may not upgrade the session. For example, completeUpgrade returns false while a POST is
// running, because otherwise the messages of the POST and the messages from k would be handled concurrently.
func (s *Session) completeUpgrade(k *socket) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe != k || s.state != probing || s.posting || !k.probeTimer.Stop() {
		return false
	}
	if s.poll != nil {
		s.answerPoll(nil)
	}
	s.engine.attach(s)
	s.state, s.probe, k.probeTimer = webSocket, nil, nil
	for _, packet := range s.takeQueue() {
		k.conn.Out.Add(ws.TextFrame(packet)) // the caller flushes
	}
	s.socket.Store(k)
	return true
}

// endProbe ends the failed upgrade with the WebSocket k. The session continues over long-polling.
func (s *Session) endProbe(k *socket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.probe == k {
		s.probe = nil
		if s.state == probing {
			s.state = polling
		}
	}
}
