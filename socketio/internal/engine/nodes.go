package engine

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
)

// Nodes are the other nodes of the cluster, to which an engine forwards the long-polling requests of their sessions. The
// requests of one client may thus reach any node. [Engine.HandleCall] answers the calls of other nodes.
type Nodes interface {
	// Tag returns the number of this node, with which the ids of its sessions end.
	Tag() uint32
	// Find returns the ids of the other live nodes with this tag.
	Find(ctx context.Context, tag uint32) (ids []string, err error)
	// Call calls HandleCall of the node with this id. It returns [ErrNoNode] if the call had no effect because no such
	// node is live. If it returns another error, the call may have had an effect.
	Call(ctx context.Context, id string, message []byte) (answer []byte, err error)
}

// ErrNoNode is the error of Nodes.Call if there is no such node.
var ErrNoNode = errors.New("no live node has this id")

// The kinds of messages between engines. A message begins with its kind, a token and the id of a session. The token
// identifies the request on the node that has received it from the client.
const (
	messageGet     = 'g' // to the node of the session: a GET; the answer is a result and the end of the response
	messagePost    = 'p' // to the node of the session: a POST; the answer is a result
	messageRelease = 'r' // to the node of the session: answer the GET now; more tokens with their sessions may follow
	messageClose   = 'c' // to the node of the session: a request of the session was lost
	messageBody    = 'b' // back: the answer is the body of the POST from an offset on
	messagePart    = 'w' // back: a part of the response to the GET
)

const (
	sidRandom = 26 // the length of rand.Text
	tagDigits = 8
	sidLength = sidRandom + tagDigits
	headBytes = 1 + 8 + sidLength
	// pieceBytes is the most that one message carries of a body or of a response. A call between nodes has at most
	// 256 KiB.
	pieceBytes = 192 << 10
	// firstBytes is the length of a body up to which it is sent with the POST. The node of the session asks for a longer
	// one, so that nothing long is sent for a session that does not exist.
	firstBytes = 16 << 10
)

// newSID returns a new random session id, which ends with the tag of this node. Clients must be unable to guess the id of
// another session, because the id is the only credential of a session.
func (e *Engine) newSID() string {
	if e.cfg.Nodes == nil {
		return rand.Text()
	}
	var tag [4]byte
	binary.BigEndian.PutUint32(tag[:], e.cfg.Nodes.Tag())
	return rand.Text() + hex.EncodeToString(tag[:])
}

// tagOf returns the tag at the end of the id of a session.
func tagOf(sid string) (tag uint32, ok bool) {
	if len(sid) != sidLength {
		return 0, false
	}
	var b [4]byte
	if _, err := hex.Decode(b[:], []byte(sid[sidRandom:])); err != nil {
		return 0, false
	}
	return binary.BigEndian.Uint32(b[:]), true
}

// message is a message between engines.
type message struct {
	kind  byte
	token uint64
	sid   string
	rest  []byte
}

// encode returns the bytes of m, which rest may follow.
func (m *message) encode() []byte {
	dst := append(make([]byte, 0, headBytes+len(m.rest)), m.kind)
	dst = binary.BigEndian.AppendUint64(dst, m.token)
	return append(append(dst, m.sid...), m.rest...)
}

var errMessage = errors.New("a message of another node is damaged, or of another version")

func decodeMessage(b []byte) (m message, err error) {
	if len(b) < headBytes {
		return m, errMessage
	}
	return message{kind: b[0], token: binary.BigEndian.Uint64(b[1:]), sid: string(b[9:headBytes]), rest: b[headBytes:]}, nil
}

// HandleCall answers a call of the engine of another node, whose id is from. ctx ends when that node no longer waits.
func (e *Engine) HandleCall(ctx context.Context, from string, body []byte) (answer []byte, err error) {
	m, err := decodeMessage(body)
	if err != nil {
		return nil, err
	}
	switch m.kind {
	case messageGet:
		return e.serveGet(ctx, from, &m), nil
	case messagePost:
		res, err := e.servePost(ctx, from, &m)
		return []byte{byte(res)}, err
	case messageRelease:
		return nil, e.serveRelease(from, body)
	case messageClose:
		if s := e.find(m.sid); s != nil {
			s.closeWith(errAborted, typeClose, 0)
		}
		return nil, nil
	case messageBody:
		return e.forwards.bodyOf(from, &m)
	case messagePart:
		return nil, e.forwards.addPart(from, &m)
	}
	return nil, errMessage
}

func (e *Engine) find(sid string) *Session {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.sessions[sid]
}
