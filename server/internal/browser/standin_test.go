package browser_test

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"net/netip"
	"os"
	"sync"

	"github.com/coder/websocket"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/wire"
)

// standIn speaks the plain WebSocket wire, as far as the tests need it.
type standIn struct {
	api    *actionhero.API
	ctx    context.Context
	cancel context.CancelFunc
	conns  sync.WaitGroup
}

func newStandIn() *standIn {
	ctx, cancel := context.WithCancel(context.Background())
	return &standIn{ctx: ctx, cancel: cancel}
}

func (s *standIn) stop() {
	s.cancel()
	s.conns.Wait()
}

func socketIOScript(w http.ResponseWriter, _ *http.Request) {
	script, err := os.ReadFile("testdata/socket.io.js")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/javascript")
	_, _ = w.Write(script)
}

type peer struct {
	ctx    context.Context
	cancel context.CancelFunc
	ws     *websocket.Conn
	out    chan []byte
}

func (p *peer) Deliver(d *actionhero.Delivery) bool {
	p.out <- append(wire.RoomMessage(nil, d), '}')
	return false
}
func (p *peer) Flush()       {}
func (p *peer) Close(string) { p.cancel() }

func (s *standIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.conns.Add(1)
	defer s.conns.Done()
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	p := &peer{ws: ws, out: make(chan []byte, 1000)}
	p.ctx, p.cancel = context.WithCancel(s.ctx)
	defer func() { _ = ws.Close(websocket.StatusGoingAway, "the server stops") }()
	s.conns.Go(func() {
		defer p.cancel()
		for {
			select {
			case frame := <-p.out:
				if p.ws.Write(p.ctx, websocket.MessageText, frame) != nil {
					return
				}
			case <-p.ctx.Done():
				return
			}
		}
	})
	conn := s.api.Connect("websocket", netip.MustParseAddrPort(r.RemoteAddr), p)
	defer s.api.Disconnect(conn)
	room := s.api.Config().DefaultChatRoom
	p.out <- append(wire.Welcome(nil, s.api.Config().WelcomeMessage, room), '}')
	if answer, refused := wire.Enter(p.ctx, nil, s.api, conn); refused {
		p.out <- append(answer, '}')
	}
	for {
		_, frame, err := ws.Read(p.ctx)
		if err != nil {
			p.cancel()
			return
		}
		s.conns.Go(func() { s.serve(p, conn, frame) })
	}
}

func (s *standIn) serve(p *peer, conn *actionhero.Conn, frame []byte) {
	var in struct {
		Event, Room, Message string
		ID                   json.RawMessage
		Params               json.RawMessage
	}
	if err := json.Unmarshal(frame, &in); err != nil {
		p.out <- append(wire.Error(nil, actionhero.Errorf(actionhero.InvalidInput, "no JSON object")), '}')
		return
	}
	reply := s.reply(p, conn, in.Event, in.Room, in.Message, in.Params)
	p.out <- append(append(append(reply, `,"id":`...), in.ID...), '}')
}

func (s *standIn) reply(p *peer, conn *actionhero.Conn, event, room, message string, params []byte) []byte {
	if answer, ok := wire.Verb(p.ctx, nil, s.api, conn, event, cmp.Or(room, message)); ok {
		return answer
	}
	req := s.api.NewRequest("websocket")
	req.Conn, req.RemoteIP = conn, conn.Remote.Addr().String()
	var named struct{ Action string }
	_ = json.Unmarshal(params, &named)
	req.Action = named.Action
	if err := req.Params.AddObject(params); err != nil {
		return wire.Error(nil, err)
	}
	out, err := s.api.Dispatch(p.ctx, req)
	if err != nil {
		return wire.Error(nil, err)
	}
	return wire.Result(nil, req, out)
}
