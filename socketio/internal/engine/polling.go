package engine

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/connloop"
	"github.com/actionhero-go/actionhero/internal/netlisten"
)

// probeGrace is the longest time that a GET waits during an upgrade to WebSocket. The server then answers the GET,
// whether or not the upgrade is complete.
const probeGrace = 100 * time.Millisecond

// poll is an HTTP GET of a polling client that waits for packets.
type poll struct {
	done    chan struct{} // closed when packets is set
	packets [][]byte      // the packets of the response; nil: the response is the error Bad request
	node    string        // the node that has forwarded the GET; empty: the client has sent it to this node
	token   uint64        // of the GET on that node
}

// openPolling opens a session over long-polling and responds with the open packet. registered is false if the engine is
// stopping, so that it has registered no session.
func (e *Engine) openPolling(w http.ResponseWriter, r *http.Request, remote netip.AddrPort) (registered bool) {
	s := e.newSession(r, remote, polling)
	if s == nil {
		sendStopping(w)
		return false
	}
	s.mu.Lock()
	s.detach()
	s.mu.Unlock()
	sendText(w, s.appendOpen(nil, `"websocket"`))
	return true
}

func sendStopping(w http.ResponseWriter) {
	http.Error(w, "the server is stopping", http.StatusServiceUnavailable)
}

func sendText(w http.ResponseWriter, body []byte) { sendPackets(w, [][]byte{body}) }

// get serves a GET of a polling client. It blocks until there is a packet for the client and responds with the queued
// packets. If another GET of the session is waiting, or the client aborts the GET, get closes the session.
func (s *Session) get(w http.ResponseWriter, r *http.Request) {
	packets, err := s.awaitPackets(r.Context(), poll{})
	switch {
	case err != nil: // the client has gone
	case packets == nil:
		badRequest.send(w)
	default:
		s.sendPackets(w, packets)
	}
}

// awaitPackets blocks until there is a packet for the client and returns the queued packets. If the session cannot be
// polled, packets is nil. If ctx ends, awaitPackets closes the session and returns errAborted. by says who polls.
func (s *Session) awaitPackets(ctx context.Context, by poll) (packets [][]byte, err error) {
	p, twice := s.beginPoll(by)
	if twice {
		s.closeWith(errOverlap, typeClose, 0)
	}
	if p == nil {
		return nil, nil
	}
	select {
	case <-p.done:
	case <-ctx.Done():
	}
	if ctx.Err() != nil { // the client does not receive p.packets
		s.closeWith(errAborted, typeClose, 0)
		return nil, errAborted
	}
	return p.packets, nil
}

// beginPoll registers a new GET as the waiting GET of the session. It returns nil if the session cannot be polled.
// twice is true if the reason is that another GET is waiting.
func (s *Session) beginPoll(by poll) (p *poll, twice bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == webSocket || s.state == closed || s.poll != nil {
		return nil, s.poll != nil
	}
	p = &by
	p.done = make(chan struct{})
	s.poll = p
	s.engine.attach(s)
	if s.state == probing {
		time.AfterFunc(probeGrace, func() { s.releasePoll(p) })
	}
	if s.flushToPoll(); s.state == closing && s.poll != nil {
		s.answerPoll([][]byte{{s.lastPacket}})
		s.forget()
	}
	return p, false
}

// flushToPoll answers the waiting GET with the queued packets. If no GET is waiting or no packet is queued, flushToPoll
// does nothing. The caller must hold s.mu.
func (s *Session) flushToPoll() {
	if s.poll != nil && len(s.queue.packets) > 0 {
		s.answerPoll(s.takeQueue())
	}
}

// answerPoll answers the waiting GET with packets, or with the error Bad request if packets is nil. The caller must hold
// s.mu.
func (s *Session) answerPoll(packets [][]byte) {
	s.poll.packets = packets
	close(s.poll.done)
	s.poll = nil
	s.detach()
}

// detach records that the session has no waiting GET from now on. The caller must hold s.mu.
func (s *Session) detach() {
	s.detached = time.Since(s.engine.pinger.epoch)
	s.engine.detach(s)
}

// releasePoll answers the GET p with a noop packet if p is still waiting. It is called during an upgrade, because the
// client is then about to stop polling.
func (s *Session) releasePoll(p *poll) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.poll == p {
		s.answerPoll([][]byte{{typeNoop}})
	}
}

// post serves a POST of a polling client.
func (s *Session) post(w http.ResponseWriter, r *http.Request) {
	s.handlePost((*requestBody)(r)).send(w)
}

// source is the body of a POST.
type source interface {
	// read returns the bytes, which count in share.
	read(e *Engine, share *bytebudget.Share) ([]byte, error)
}

// requestBody is a request as the source of its body.
type requestBody http.Request

func (b *requestBody) read(e *Engine, share *bytebudget.Share) ([]byte, error) {
	return readBody((*http.Request)(b), e.cfg.MaxPayload, e.cfg.MessageTimeout, share)
}

// handlePost handles the packets in the body of a POST. If another POST of the session is running, or the body is invalid
// or too large, handlePost closes the session.
func (s *Session) handlePost(body source) result {
	if !s.engine.beginPost() {
		return resultStopping
	}
	defer s.engine.posts.Done()
	begun, twice := s.beginPost()
	if twice {
		s.closeWith(errOverlap, typeClose, 0)
	}
	if !begun {
		return resultBad
	}
	var share bytebudget.Share
	client := netlisten.ClientKey(s.remote.Addr())
	share.Init(s.engine.cfg.Incoming, &client)
	defer share.Release()
	err := s.receiveBody(body, &share)
	s.mu.Lock()
	s.posting = false
	s.mu.Unlock()
	switch {
	case err == nil:
	case errors.Is(err, errLeft):
		s.closeWith(err, typeNoop, leaveGrace)
	case resultOf(err) == resultTooLarge:
		s.closeWith(errTooLarge, typeClose, 0)
	default:
		s.closeWith(err, typeClose, 0)
	}
	return resultOf(err)
}

// result is the outcome of a POST.
type result byte

const (
	resultOK      result = iota
	resultUnknown        // there is no such session
	resultBad
	resultTooLarge
	resultBusy
	resultStopping
	resultUnreachable // the node of the session does not answer
)

func resultOf(err error) result {
	var large *http.MaxBytesError
	switch {
	case err == nil, errors.Is(err, errLeft):
		return resultOK
	case errors.As(err, &large):
		return resultTooLarge
	case errors.Is(err, ErrBusy):
		return resultBusy
	}
	return resultBad
}

// send responds to a POST with the result.
func (r result) send(w http.ResponseWriter) {
	switch r {
	case resultOK:
		sendText(w, []byte("ok"))
	case resultUnknown:
		unknownSession.send(w)
	case resultTooLarge:
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	case resultBusy:
		sendBusy(w, ErrBusy.Error())
	case resultStopping:
		sendStopping(w)
	case resultUnreachable:
		sendBusy(w, "the server of the session cannot be reached now")
	default:
		badRequest.send(w)
	}
}

func sendBusy(w http.ResponseWriter, text string) {
	w.Header().Set("Retry-After", "1")
	http.Error(w, text, http.StatusServiceUnavailable)
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

// receiveBody handles the packets in the body of a POST and sends the replies. It returns an error if the session must
// be closed. The body counts in share.
func (s *Session) receiveBody(from source, share *bytebudget.Share) error {
	body, err := from.read(s.engine, share)
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
			s.Ready() // before the request starts: a request that waits occupies a goroutine
			s.runRequest(req)
		}
	}
	return nil
}

// control handles a packet that is not a message. It returns errLeft for a close packet, with which the client closes
// the session. It returns errPacket for an open or ping packet, which a client must not send.
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

// requestWait is the longest time that a POST waits for each of its requests. Replies therefore come in the order of
// the requests, unless a request takes longer than requestWait.
const requestWait = 2 * time.Millisecond

// runRequest runs a request of a POST in a new goroutine and waits until the request ends, but not longer than
// requestWait. If MaxInFlight requests are already running, runRequest first waits for one of these requests to end. If
// a request takes longer, its reply is sent when the request ends. The replies to the quick requests of a POST are sent
// together.
func (s *Session) runRequest(req connloop.Request) {
	if s.slots == nil {
		s.slots = make(chan struct{}, s.engine.cfg.MaxInFlight)
	}
	s.slots <- struct{}{}
	done := make(chan struct{})
	var settled atomic.Bool // set by the request or the wait, the first to end; after the wait, the request sends its reply
	s.engine.posts.Go(func() {
		defer func() { // also after runtime.Goexit in the code of the app
			if p := recover(); p != nil {
				s.engine.fault(p)
				s.closeWith(errFault, typeClose, 0)
			} else if settled.Swap(true) {
				s.Send()
			}
			<-s.slots
			close(done)
		}()
		req.Run()
	})
	select {
	case <-done:
	case <-time.After(requestWait):
		if settled.Swap(true) {
			<-done // the request has ended, only its deferred function may still run
		}
	}
}

// readBody returns the body of r. The parameter most is the largest permitted size in bytes. If the body is larger,
// readBody returns an *http.MaxBytesError. If reading fails, readBody returns errAborted. If the body is not complete
// within limit, readBody returns errSlowBody, so that slow clients do not hold the memory of large bodies. The buffer grows with the
// bytes that arrive, not with the declared length of the body. If the share may not hold the bytes, readBody returns
// ErrBusy.
func readBody(r *http.Request, most int, limit time.Duration, share *bytebudget.Share) ([]byte, error) {
	if r.ContentLength > int64(most) {
		return nil, &http.MaxBytesError{Limit: int64(most)}
	}
	var body bytes.Buffer
	if r.ContentLength > 0 {
		body.Grow(int(min(r.ContentLength, 16<<10)) + bytes.MinRead)
	}
	n, err := body.ReadFrom(io.LimitReader(&bodyReader{r.Body, time.Now().Add(limit), share, 0}, int64(most)+1))
	switch {
	case n > int64(most):
		return nil, &http.MaxBytesError{Limit: int64(most)}
	case errors.Is(err, errSlowBody), errors.Is(err, ErrBusy):
		return nil, err
	case err != nil:
		return nil, errAborted
	}
	return body.Bytes(), nil
}

// bodyReader is a reader that returns errSlowBody after a read that ends later than end, and ErrBusy if share may not
// hold what was read. The web server limits the time of each read.
type bodyReader struct {
	io.Reader
	end   time.Time
	share *bytebudget.Share
	n     int // bytes that were read
}

// Read implements io.Reader.
func (b *bodyReader) Read(p []byte) (n int, err error) {
	n, err = b.Reader.Read(p)
	if b.n += n; !b.share.Hold(b.n) {
		return n, ErrBusy
	}
	if err == nil && time.Now().After(b.end) {
		err = errSlowBody
	}
	return n, err
}
