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

// probeGrace is for how long a GET that comes while a WebSocket is about to take over waits for that.
const probeGrace = 100 * time.Millisecond

// poll is a GET that waits.
type poll struct {
	done chan struct{} // closed when there is an answer, which follows
	body []byte        // nil: it is a bad request
}

// openPolling opens a session.
func (e *Engine) openPolling(w http.ResponseWriter, r *http.Request) {
	s := e.newSession(r, polling)
	if s == nil {
		stopping(w)
		return
	}
	e.away(s)
	sendText(w, s.appendOpen(nil, `"websocket"`))
}

func stopping(w http.ResponseWriter) {
	http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
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
		s.end(errOverlap, typeClose, 0)
	}
	if p == nil {
		badRequest.send(w)
		return
	}
	select {
	case <-p.done:
	case <-r.Context().Done():
	}
	if r.Context().Err() != nil { // what it was handed, if anything, is lost
		s.end(errAborted, typeClose, 0)
		return
	}
	if p.body == nil {
		badRequest.send(w)
		return
	}
	sendText(w, p.body)
}

// beginPoll makes the request at hand the one that waits. It returns nil if the session is not one that can be polled;
// twice says that this is because another request does.
func (s *Session) beginPoll() (p *poll, twice bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == socketed || s.state == over || s.poll != nil {
		return nil, s.poll != nil
	}
	p = &poll{done: make(chan struct{})}
	s.poll = p
	s.engine.present(s)
	if s.state == probing {
		time.AfterFunc(probeGrace, func() { s.dismiss(p) })
	}
	if s.hand(); s.state == ending && s.poll != nil {
		s.answer([]byte{s.last})
		s.bury()
	}
	return p, false
}

// hand gives what is queued to the GET that waits, if there are both; the lock is held.
func (s *Session) hand() {
	if s.poll != nil && len(s.queue.buf) > 0 {
		s.answer(s.queue.take())
	}
}

// answer ends the wait of the GET that waits; the lock is held. Without a body it is refused.
func (s *Session) answer(body []byte) {
	s.poll.body = body
	close(s.poll.done)
	s.poll = nil
	s.engine.away(s)
}

// dismiss ends the wait of a GET that has nothing to wait for, because the client is about to poll no more.
func (s *Session) dismiss(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll == p {
		s.answer([]byte{typeNoop})
	}
}

// post takes what a client that polls sends.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	if !s.engine.beginPost() {
		stopping(w)
		return
	}
	defer s.engine.posts.Done()
	begun, twice := s.beginPost()
	if twice {
		s.end(errOverlap, typeClose, 0)
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
		s.end(err, typeNoop, leftGrace)
		fallthrough
	case err == nil:
		sendText(w, []byte("ok"))
	case errors.As(err, &large):
		s.end(errTooLarge, typeClose, 0)
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		s.end(err, typeClose, 0)
		badRequest.send(w)
	}
}

func (s *Session) beginPost() (begun, twice bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == socketed || s.state == over || s.posting {
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
		if job := s.client.Message(p.data, p.binary); job != nil {
			s.Ready() // not as a request at work: each would have a goroutine
			s.work(job)
		}
	}
	return nil
}

// control handles a packet that is no message.
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

// quick is for how long a POST waits for a request that it has brought. So answers come in the order of the requests,
// unless one takes its time.
const quick = 2 * time.Millisecond

// work has a request of a POST run, when it is not one too many, and waits for it for a moment. The answer of a request
// that takes longer is sent when it is there, that of a quick one with those of the whole POST.
func (s *Session) work(job connloop.Request) {
	if s.slots == nil {
		s.slots = make(chan struct{}, s.engine.cfg.MaxInFlight)
	}
	s.slots <- struct{}{}
	done := make(chan struct{})
	var settled atomic.Bool // by who is first: the request, or the wait for it
	s.engine.posts.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				s.engine.fault(p)
				s.end(errFault, typeClose, 0)
			}
			<-s.slots
			close(done)
		}()
		job.Run()
		if settled.Swap(true) {
			s.Send()
		}
	})
	select {
	case <-done:
	case <-time.After(quick):
		if settled.Swap(true) {
			<-done // in no time
		}
	}
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
