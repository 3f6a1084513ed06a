package engine

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/connloop"
)

// probeGrace is how long a GET that comes during an upgrade waits for its end.
const probeGrace = 100 * time.Millisecond

// poll is a waiting GET.
type poll struct {
	done chan struct{} // closed when body is set
	body []byte        // the answer; nil: Bad request
}

// openPolling opens a session over long-polling.
func (e *Engine) openPolling(w http.ResponseWriter, r *http.Request) {
	s := e.newSession(r, polling)
	if s == nil {
		sendStopping(w)
		return
	}
	e.detach(s)
	sendText(w, s.appendOpen(nil, `"websocket"`))
}

func sendStopping(w http.ResponseWriter) {
	http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
}

func sendText(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// get answers the GET of a polling client when there is a packet for it.
func (s *Session) get(w http.ResponseWriter, r *http.Request) {
	p, twice := s.beginPoll()
	if twice {
		s.closeWith(errOverlap, typeClose, 0)
	}
	if p == nil {
		badRequest.send(w)
		return
	}
	select {
	case <-p.done:
	case <-r.Context().Done():
	}
	if r.Context().Err() != nil { // the packets in p.body are lost
		s.closeWith(errAborted, typeClose, 0)
		return
	}
	if p.body == nil {
		badRequest.send(w)
		return
	}
	sendText(w, p.body)
}

// beginPoll starts the wait of a GET. It returns nil if the session cannot be polled; twice is true if the reason is that
// another GET is waiting.
func (s *Session) beginPoll() (p *poll, twice bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == webSocket || s.state == closed || s.poll != nil {
		return nil, s.poll != nil
	}
	p = &poll{done: make(chan struct{})}
	s.poll = p
	s.engine.attach(s)
	if s.state == probing {
		time.AfterFunc(probeGrace, func() { s.releasePoll(p) })
	}
	if s.flushToPoll(); s.state == closing && s.poll != nil {
		s.answerPoll([]byte{s.lastPacket})
		s.forget()
	}
	return p, false
}

// flushToPoll answers the waiting GET with the queued packets, if there are both. The caller must hold the lock.
func (s *Session) flushToPoll() {
	if s.poll != nil && len(s.queue.buf) > 0 {
		s.answerPoll(s.queue.take())
	}
}

// answerPoll answers the waiting GET, with Bad request if body is nil. The caller must hold the lock.
func (s *Session) answerPoll(body []byte) {
	s.poll.body = body
	close(s.poll.done)
	s.poll = nil
	s.engine.detach(s)
}

// releasePoll answers a GET that waits during an upgrade with a noop packet: the client is about to stop polling.
func (s *Session) releasePoll(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll == p {
		s.answerPoll([]byte{typeNoop})
	}
}

// post handles the POST of a polling client.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	if !s.engine.beginPost() {
		sendStopping(w)
		return
	}
	defer s.engine.posts.Done()
	begun, twice := s.beginPost()
	if twice {
		s.closeWith(errOverlap, typeClose, 0)
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
	case errors.Is(err, errLeft):
		s.closeWith(err, typeNoop, leaveGrace)
		fallthrough
	case err == nil:
		sendText(w, []byte("ok"))
	case errors.As(err, &large):
		s.closeWith(errTooLarge, typeClose, 0)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		s.closeWith(err, typeClose, 0)
		badRequest.send(w)
	}
}

func (s *Session) beginPost() (begun, twice bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == webSocket || s.state == closed || s.posting {
		return false, s.posting
	}
	s.posting = true
	return true, false
}

// receiveBody handles the packets of a POST.
func (s *Session) receiveBody(r *http.Request) error {
	body, err := readBody(r, s.engine.cfg.MaxPayload)
	if err != nil {
		return err
	}
	defer s.Send()
	for more := true; more; more = body != nil {
		var p packet
		if p, body, err = nextPacket(body); err != nil {
			return err
		}
		if p.kind != typeMessage {
			if err := s.control(p); err != nil {
				return err
			}
			continue
		}
		if req := s.client.Message(p.data, p.binary); req != nil {
			s.Ready() // before the request starts: waiting in it would need a goroutine per request
			s.runRequest(req)
		}
	}
	return nil
}

// control handles a packet that is not a message.
func (s *Session) control(p packet) error {
	switch p.kind {
	case typePong:
		s.pong()
	case typeClose:
		return errLeft
	case typeOpen, typePing:
		return errPacket
	}
	return nil
}

// requestWait is how long a POST waits for each of its requests. Replies therefore come in the order of the requests,
// unless a request takes longer than this.
const requestWait = 2 * time.Millisecond

// runRequest runs a request of a POST in a new goroutine and waits for it, at most requestWait. It blocks before that if
// MaxInFlight requests are running. The reply to a slower request is sent when it is ready, the reply to a quick one
// together with the other replies to the POST.
func (s *Session) runRequest(req connloop.Request) {
	if s.slots == nil {
		s.slots = make(chan struct{}, s.engine.cfg.MaxInFlight)
	}
	s.slots <- struct{}{}
	done := make(chan struct{})
	var settled atomic.Bool // set by the request or the wait, the first to end; after the wait, the request sends its reply
	s.engine.posts.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				s.engine.fault(p)
				s.closeWith(errFault, typeClose, 0)
			}
			<-s.slots
			close(done)
		}()
		req.Run()
		if settled.Swap(true) {
			s.Send()
		}
	})
	select {
	case <-done:
	case <-time.After(requestWait):
		if settled.Swap(true) {
			<-done // the request has ended, only its deferred function may still run
		}
	}
}

// readBody reads the body of a request. The buffer grows with the bytes that arrive, not with the declared length.
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
