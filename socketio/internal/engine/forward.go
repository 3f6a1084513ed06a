package engine

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/bytebudget"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/ws"
)

// forwards has the long-polling requests that this node forwards to the nodes of their sessions.
type forwards struct {
	ctx    context.Context // ends when a stop waits no longer
	cancel context.CancelFunc

	mu        sync.Mutex
	running   map[uint64]*forward  // by token
	addresses map[netip.Prefix]int // the requests of each client address
}

// forward is a request of a client of another node.
type forward struct {
	engine *Engine
	w      http.ResponseWriter
	r      *http.Request
	sid    string
	tag    uint32 // of the node of the session
	token  uint64
	remote netip.AddrPort
	nodes  []string // the nodes that may have the session

	// Guarded by forwards.mu.
	node     string    // the node that is asked
	body     []byte    // of a POST
	parts    [][]byte  // of the response to a GET
	size     int       // of the parts
	response *response // counts the parts; nil: none has come
}

func (f *forwards) init() {
	f.running, f.addresses = map[uint64]*forward{}, map[netip.Prefix]int{}
	f.ctx, f.cancel = context.WithCancel(context.Background())
}

// forward forwards a request whose session is not on this node to the node of the session.
func (e *Engine) forward(w http.ResponseWriter, r *http.Request, sid string) {
	tag, ok := tagOf(sid)
	if !ok || e.cfg.Nodes == nil || tag == e.cfg.Nodes.Tag() {
		unknownSession.send(w)
		return
	}
	f := &forward{engine: e, w: w, r: r, sid: sid, tag: tag, token: rand.Uint64(), remote: ws.Remote(r, e.cfg.RemoteIP)}
	if !e.forwards.add(f) {
		sendBusy(w, "too many requests wait for other servers")
		return
	}
	defer e.forwards.remove(f)
	var err error
	switch f.nodes, err = f.find(); {
	case err != nil:
		resultUnreachable.send(w)
	case len(f.nodes) == 0: // before the body is read
		unknownSession.send(w)
	case r.Method == http.MethodGet:
		f.get()
	default:
		f.post()
	}
}

// listAge is longer than the list of nodes can be old.
const listAge = 1100 * time.Millisecond

// find returns the nodes with the tag of the session. A node that has just joined may be missing on the list of this node.
// So if there is none, find looks again once the list is renewed.
func (f *forward) find() (ids []string, err error) {
	ctx, e := f.r.Context(), f.engine
	if ids, err = e.cfg.Nodes.Find(ctx, f.tag); err != nil || len(ids) > 0 {
		return ids, err
	}
	select {
	case <-time.After(listAge):
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-e.forwards.ctx.Done():
		return nil, errStopping
	}
	return e.cfg.Nodes.Find(ctx, f.tag)
}

// add returns false if too many requests are being forwarded. An address may have two for each session that it may have
// on one node.
func (f *forwards) add(fw *forward) bool {
	cfg, address := &fw.engine.cfg, netlisten.AddressKey(fw.remote.Addr())
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.running) >= cfg.MaxForwarded || cfg.MaxPerAddress > 0 && f.addresses[address] >= 2*cfg.MaxPerAddress {
		return false
	}
	f.running[fw.token] = fw
	f.addresses[address]++
	return true
}

func (f *forwards) remove(fw *forward) {
	address := netlisten.AddressKey(fw.remote.Addr())
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.running, fw.token)
	if f.addresses[address]--; f.addresses[address] <= 0 {
		delete(f.addresses, address)
	}
}

// get forwards a GET. If the response is lost on its way, the session ends, because messages are lost with it.
func (f *forward) get() {
	end, res := f.ask(f.r.Context(), messageGet, nil)
	f.engine.forwards.mu.Lock()
	parts, counted := append(f.parts, end), f.response
	f.engine.forwards.mu.Unlock()
	if counted != nil {
		defer counted.give()
	}
	switch {
	case f.r.Context().Err() != nil:
		if res == resultOK {
			f.endSession()
		}
	case res != resultOK:
		res.send(f.w)
	case counted != nil:
		counted.take([][]byte{end})
		counted.send([][]byte{bytes.Join(parts, nil)})
	default:
		f.engine.sendForwarded(f, bytes.Join(parts, nil))
	}
}

// sendForwarded sends a response that has come in one piece.
func (e *Engine) sendForwarded(f *forward, body []byte) {
	packets := [][]byte{body}
	if !counts(e.cfg.Budget, packets) {
		sendPackets(f.w, packets)
		return
	}
	r := f.newResponse()
	r.take(packets)
	r.send(packets)
}

// newResponse returns the response to a GET.
func (f *forward) newResponse() *response {
	return &response{budget: f.engine.cfg.Budget, client: netlisten.ClientKey(f.remote.Addr()), w: f.w, end: f.endSession}
}

// post forwards a POST. The body is read before, so that a slow client occupies nothing on the other node. If reading
// fails, that node closes the session.
func (f *forward) post() {
	cfg := &f.engine.cfg
	var share bytebudget.Share
	client := netlisten.ClientKey(f.remote.Addr())
	share.Init(cfg.Incoming, &client)
	defer share.Release()
	body, err := readBody(f.r, cfg.MaxPayload, cfg.MessageTimeout, &share)
	fault, ctx := resultOf(err), f.r.Context()
	if fault != resultOK {
		body, ctx = nil, context.WithoutCancel(ctx)
	}
	f.engine.forwards.mu.Lock()
	f.body = body
	f.engine.forwards.mu.Unlock()
	rest := binary.AppendUvarint([]byte{byte(fault)}, uint64(len(body)))
	if len(body) <= firstBytes {
		rest = append(rest, body...)
	}
	_, res := f.ask(ctx, messagePost, rest)
	res.send(f.w)
}

// ask sends the request to each node that may have the session, and returns the answer of the one that has it. It waits
// at most as long as a client waits for a sign of life. If the answer is lost, the session ends.
func (f *forward) ask(ctx context.Context, kind byte, rest []byte) (answer []byte, res result) {
	e := f.engine
	ctx, cancel := context.WithTimeout(ctx, e.cfg.PingInterval+e.cfg.PingTimeout)
	defer cancel()
	defer context.AfterFunc(e.forwards.ctx, cancel)()
	m := message{kind: kind, token: f.token, sid: f.sid, rest: rest}
	body := m.encode()
	for _, node := range f.nodes {
		e.forwards.mu.Lock()
		f.node = node
		e.forwards.mu.Unlock()
		answer, err := e.cfg.Nodes.Call(ctx, node, body)
		switch {
		case errors.Is(err, ErrNoNode) || err == nil && len(answer) > 0 && result(answer[0]) == resultUnknown:
			continue
		case err == nil && len(answer) > 0:
			return answer[1:], result(answer[0])
		case kind != messageGet || f.r.Context().Err() == nil: // else the end of ctx closes the session
			e.cfg.Log.Debug("a long-polling request was lost on its way to the node of its session", "node", node, "to", f.remote.Addr().Unmap().String(), "error", fmt.Sprint(err))
			f.endSession()
		}
		return nil, f.lost(node)
	}
	return nil, resultUnknown
}

// nodeTimeout is the time for which this node waits for a quick answer of another one.
const nodeTimeout = 2 * time.Second

// lost returns the result of a request whose answer is lost. If the node has gone, so has the session.
func (f *forward) lost(node string) result {
	ctx, cancel := context.WithTimeout(f.engine.forwards.ctx, nodeTimeout)
	defer cancel()
	if nodes, err := f.engine.cfg.Nodes.Find(ctx, f.tag); err == nil && !slices.Contains(nodes, node) {
		return resultUnknown
	}
	return resultUnreachable
}

// endSession closes the session on its node, without waiting for that. If the node cannot be reached, the session ends
// because its client polls no longer.
func (f *forward) endSession() {
	f.engine.forwards.mu.Lock()
	node := f.node
	f.engine.forwards.mu.Unlock()
	m := message{kind: messageClose, sid: f.sid}
	if !f.engine.beginRequest() {
		return
	}
	go func() {
		defer f.engine.handlers.Done()
		ctx, cancel := context.WithTimeout(context.Background(), nodeTimeout)
		defer cancel()
		_, _ = f.engine.cfg.Nodes.Call(ctx, node, m.encode())
	}()
}

// of returns the request that was forwarded to the node from, with the rest of its message after the offset.
func (f *forwards) of(from string, m *message) (fw *forward, offset int, rest []byte, err error) {
	n, size := binary.Uvarint(m.rest)
	fw = f.running[m.token]
	if size <= 0 || n > 1<<40 || fw == nil || fw.node != from || fw.sid != m.sid {
		return nil, 0, nil, errMessage // the client may have gone
	}
	return fw, int(n), m.rest[size:], nil
}

// bodyOf returns a piece of the body of a POST.
func (f *forwards) bodyOf(from string, m *message) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fw, offset, _, err := f.of(from, m)
	if err != nil || offset > len(fw.body) {
		return nil, errMessage
	}
	return fw.body[offset:min(offset+pieceBytes, len(fw.body))], nil
}

// addPart adds a part to the response to a GET.
func (f *forwards) addPart(from string, m *message) error {
	counted, part, err := f.keepPart(from, m)
	if counted != nil {
		counted.take([][]byte{part})
	}
	return err
}

func (f *forwards) keepPart(from string, m *message) (counted *response, part []byte, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fw, offset, part, err := f.of(from, m)
	if err != nil || offset != fw.size {
		return nil, nil, errMessage
	}
	fw.parts, fw.size = append(fw.parts, part), fw.size+len(part)
	if fw.response == nil && fw.engine.cfg.Budget != nil {
		fw.response = fw.newResponse()
	}
	return fw.response, part, nil
}

// releaseInterval is the time after which a stop asks for its GETs again.
const releaseInterval = 100 * time.Millisecond

// releaseForwards makes the other nodes answer the GETs that this node has forwarded, so that the clients poll at another
// node and lose nothing. It returns when no GET waits, or at the end of ctx.
func (e *Engine) releaseForwards(ctx context.Context) {
	for {
		messages := e.forwards.releases()
		for node, message := range messages {
			if node == "" { // it is being looked up
				continue
			}
			asking, cancel := context.WithTimeout(ctx, nodeTimeout)
			_, _ = e.cfg.Nodes.Call(asking, node, message)
			cancel()
		}
		if len(messages) == 0 {
			return
		}
		select {
		case <-time.After(releaseInterval):
		case <-ctx.Done():
			return
		}
	}
}

// releases returns a message for each node to which GETs are forwarded.
func (f *forwards) releases() map[string][]byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	messages := map[string][]byte{}
	for token, fw := range f.running {
		if fw.r.Method != http.MethodGet {
			continue
		}
		m := message{kind: messageRelease, token: token, sid: fw.sid}
		switch all := messages[fw.node]; {
		case all == nil:
			messages[fw.node] = m.encode()
		case len(all) < pieceBytes:
			messages[fw.node] = append(all, m.encode()[1:]...)
		}
	}
	return messages
}
