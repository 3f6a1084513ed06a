package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"net/http"

	"github.com/actionhero-go/actionhero/internal/bytebudget"
)

// serveGet serves a GET that another node has forwarded. It returns a result and the end of the response.
func (e *Engine) serveGet(ctx context.Context, from string, m *message) (answer []byte) {
	if !e.beginRequest() {
		return []byte{byte(resultStopping)}
	}
	defer e.handlers.Done()
	s := e.find(m.sid)
	if s == nil {
		return []byte{byte(resultUnknown)}
	}
	packets, err := s.awaitPackets(ctx, poll{node: from, token: m.token})
	if err != nil || packets == nil {
		return []byte{byte(resultBad)}
	}
	end, err := s.sendParts(ctx, from, m.token, bytes.Join(packets, []byte{separator}))
	if err != nil { // the packets are lost, and with them the order of messages
		s.closeWith(errAborted, typeClose, 0)
		return []byte{byte(resultBad)}
	}
	return append([]byte{byte(resultOK)}, end...)
}

// sendParts sends the response to a GET to the node that has forwarded the GET, except for the end, which it returns.
func (s *Session) sendParts(ctx context.Context, to string, token uint64, body []byte) (end []byte, err error) {
	if len(body) <= pieceBytes {
		return body, nil
	}
	if s.engine.cfg.Budget != nil {
		r := s.newResponse(nil)
		r.take([][]byte{body})
		defer r.give()
	}
	offset := 0
	for ; len(body)-offset > pieceBytes; offset += pieceBytes {
		m := message{kind: messagePart, token: token, sid: s.sid, rest: binary.AppendUvarint(nil, uint64(offset))}
		m.rest = append(m.rest, body[offset:offset+pieceBytes]...)
		if _, err := s.engine.cfg.Nodes.Call(ctx, to, m.encode()); err != nil {
			return nil, err
		}
	}
	return body[offset:], nil
}

// servePost serves a POST that another node has forwarded.
func (e *Engine) servePost(ctx context.Context, from string, m *message) (result, error) {
	if len(m.rest) == 0 {
		return resultBad, errMessage
	}
	size, n := binary.Uvarint(m.rest[1:])
	if n <= 0 {
		return resultBad, errMessage
	}
	if !e.beginRequest() {
		return resultStopping, nil
	}
	defer e.handlers.Done()
	s := e.find(m.sid)
	if s == nil {
		return resultUnknown, nil
	}
	return s.handlePost(&remoteBody{ctx: ctx, node: from, message: m, fault: result(m.rest[0]), size: size, first: m.rest[1+n:]}), nil
}

// remoteBody is the body of a POST that another node has read.
type remoteBody struct {
	ctx     context.Context
	node    string
	message *message
	fault   result // of reading the body
	size    uint64
	first   []byte // the whole body, or nothing
}

func (b *remoteBody) read(e *Engine, share *bytebudget.Share) ([]byte, error) {
	most := e.cfg.MaxPayload
	switch {
	case b.fault == resultTooLarge || b.size > uint64(most):
		return nil, &http.MaxBytesError{Limit: int64(most)}
	case b.fault == resultBusy || !share.Hold(int(b.size)):
		return nil, ErrBusy
	case b.fault != resultOK:
		return nil, errAborted
	case uint64(len(b.first)) == b.size:
		return b.first, nil
	}
	body := append(make([]byte, 0, b.size), b.first...)
	for uint64(len(body)) < b.size {
		m := message{kind: messageBody, token: b.message.token, sid: b.message.sid, rest: binary.AppendUvarint(nil, uint64(len(body)))}
		piece, err := e.cfg.Nodes.Call(b.ctx, b.node, m.encode())
		if err != nil || len(piece) == 0 || uint64(len(body)+len(piece)) > b.size {
			return nil, errAborted
		}
		body = append(body, piece...)
	}
	return body, nil
}

// serveRelease answers GETs that another node has forwarded, because that node stops. The client sends its next GET to
// another node then, and nothing is lost.
func (e *Engine) serveRelease(from string, body []byte) error {
	for rest := body[1:]; len(rest) > 0; rest = rest[headBytes-1:] {
		if len(rest) < headBytes-1 {
			return errMessage
		}
		token, sid := binary.BigEndian.Uint64(rest), string(rest[8:headBytes-1])
		if s := e.find(sid); s != nil {
			s.releaseForwarded(from, token)
		}
	}
	return nil
}

func (s *Session) releaseForwarded(from string, token uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.poll; p != nil && p.node == from && p.token == token {
		s.answerPoll([][]byte{{typeNoop}})
	}
}
