package engine

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"
)

// probeGrace is for how long a GET that comes while a WebSocket is about to take over waits for that.
const probeGrace = 100 * time.Millisecond

// poll is a GET that waits.
type poll struct {
	done chan struct{} // closed when there is an answer, which follows
	body []byte        // nil: it is a bad request
}

// openPolling opens a session.
func (e *Engine) openPolling(w http.ResponseWriter, _ *http.Request) {
	s := e.newSession(polling)
	if s == nil {
		http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
		return
	}
	s.goAway()
	sendText(w, s.appendOpen(nil))
}

func (s *Session) goAway() {
	if evicted := s.engine.away(s); evicted != nil {
		evicted.end(errAbsent, nil, 0)
	}
}

func sendText(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// get answers the GET of a client that polls, as soon as there is something for it.
func (s *Session) get(w http.ResponseWriter, r *http.Request) {
	p, twice := s.beginPoll()
	if twice {
		s.end(errOverlap, []byte{typeClose}, 0)
	}
	if p == nil {
		badRequest.send(w)
		return
	}
	select {
	case <-p.done:
	case <-r.Context().Done():
		s.end(errAborted, nil, 0)
		return
	}
	if p.body == nil {
		badRequest.send(w)
		return
	}
	sendText(w, p.body)
}

// beginPoll makes the request at hand the one that waits. It returns nil if the session is not one that can be polled;
// twice says that it is, by another request.
func (s *Session) beginPoll() (p *poll, twice bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.state == socketed || s.state == over:
		return nil, false
	case s.poll != nil:
		return nil, true
	}
	s.poll = &poll{done: make(chan struct{})}
	p = s.poll
	switch {
	case len(s.queue.buf) > 0:
		s.hand()
	case s.state == probing:
		time.AfterFunc(probeGrace, func() { s.dismiss(p) })
	default:
		s.engine.present(s)
	}
	if s.state == ending {
		s.timer.Reset(0)
	}
	return p, false
}

// hand gives what is queued to the GET that waits, if there are both.
func (s *Session) hand() {
	if s.poll == nil || len(s.queue.buf) == 0 {
		return
	}
	s.poll.body = s.queue.take()
	close(s.poll.done)
	s.poll = nil
}

// dismiss ends the wait of a GET that has nothing to wait for, because the client is about to poll no more.
func (s *Session) dismiss(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll == p && p != nil {
		p.body = []byte{typeNoop}
		close(p.done)
		s.poll = nil
	}
}

// post takes what a client that polls sends.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	begun, twice := s.beginPost()
	if twice {
		s.end(errOverlap, []byte{typeClose}, 0)
	}
	if !begun {
		badRequest.send(w)
		return
	}
	err := s.receiveBody(r)
	s.mu.Lock()
	s.posting = false
	s.mu.Unlock()
	var large *http.MaxBytesError
	switch {
	case err == nil:
		sendText(w, []byte("ok"))
	case errors.As(err, &large):
		s.end(errTooLarge, []byte{typeClose}, 0)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		s.end(err, []byte{typeClose}, 0)
		badRequest.send(w)
	}
}

func (s *Session) beginPost() (begun, twice bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state >= socketed || s.posting {
		return false, s.posting
	}
	s.posting = true
	return true, false
}

// receiveBody reads the packets of a POST.
func (s *Session) receiveBody(r *http.Request) error {
	body, err := readBody(r, s.engine.cfg.MaxPayload)
	if err != nil {
		return err
	}
	for more := true; more; more = body != nil {
		var p packet
		if p, body, err = nextPacket(body); err != nil {
			return err
		}
		if err := s.receive(p); err != nil {
			return err
		}
	}
	return nil
}

// readBody reads the body of a request into memory of its own, which grows with what really comes.
func readBody(r *http.Request, most int) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return nil, &http.MaxBytesError{Limit: int64(most)}
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(min(r.ContentLength, 16<<10)) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(r.Body, int64(most)+1))
	switch {
	case n > int64(most):
		return nil, &http.MaxBytesError{Limit: int64(most)}
	case err != nil:
		return nil, errAborted
	}
	return body.Bytes(), nil
}

// receive handles a packet of a client that polls.
func (s *Session) receive(p packet) error {
	switch p.kind {
	case typeMessage:
		s.client.Message(p.data, p.binary)
	case typePong:
		s.pong()
	case typeClose:
		s.end(errLeft, []byte{typeNoop}, closedGrace)
	case typeOpen, typePing:
		return errPacket
	}
	return nil
}
