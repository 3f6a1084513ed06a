package actionhero

import (
	"context"
	"io/fs"
	"net/netip"
	"time"

	"github.com/actionhero-go/actionhero/internal/bridge"
)

func init() {
	bridge.HostOf = func(api any) bridge.Host { return (*host)(api.(*API)) }
	bridge.WorkerOf = func(api any) bridge.Worker { return (*workerHost)(api.(*API).Tasks) }
	bridge.ParamsOf = func(p any) bridge.Params { return (*paramsWriter)(p.(*Params)) }
	bridge.MessageOf = func(m any) *bridge.Message { return &m.(*RoomMessage).forms }
	bridge.DetailsOf = func(dst []byte, c any) ([]byte, bool) { return c.(*Conn).appendDetails(dst) }
	bridge.AppendOut = appendOutput
	bridge.AppendErr = appendError
	bridge.Checksum = func(content any) (uint32, bool) { c := content.(*Content); return c.sum, c.hasSum }
	bridge.IsStatic = func(content any) bool { return content.(*Content).static }
	bridge.Part = func(value any) any { return extension{value} }
	bridge.OwnPart = func(part any) any { return ownPart{part.(Part)} }
}

// host implements bridge.Host for an API. Package transport calls its methods through package bridge.
type host API

func (h *host) InitRequest(req any, transport string) {
	(*API)(h).initRequest(req.(*Request), transport)
}

func (h *host) ActionName(name []byte) string {
	if act := h.registry.Load().actions[string(name)]; act != nil {
		return act.info.Name
	}
	return string(name)
}

func (h *host) Action(name string) any {
	if act := h.registry.Load().action(name); act != nil {
		return &act.info
	}
	return nil
}

func (h *host) DescribeAction(name string) any {
	act := h.registry.Load().action(name)
	if act == nil {
		return nil
	}
	act.describeTypes()
	return &act.info
}

func (h *host) ActionNames() []string { return h.registry.Load().names() }

func (h *host) StatFile(name string) (fs.FileInfo, bool) { return h.Files.stat(name) }

func (h *host) Admit(remoteIP string) (int, any) {
	if h.limiter == nil || remoteIP == "" {
		return -1, nil
	}
	_, remaining, err := h.limiter.admit(remoteIP)
	if err != nil {
		return 0, err
	}
	return remaining, nil
}

// Guarded counts the middleware of the app: the request limit is no protection of an action.
func (h *host) Guarded() bool {
	reg := h.registry.Load()
	own := len(reg.middleware) + len(reg.authenticators)
	if h.limiter != nil {
		own--
	}
	for act := range reg.all() {
		if act.guarded || !reg.access(&act.info.Access).IsPublic() {
			own++
		}
	}
	return own > 0
}

func (h *host) Authorize(ctx context.Context, request, rule any) error {
	api, req, own := (*API)(h), request.(*Request), rule.(*Access)
	if err := h.CheckRule(own); err != nil {
		return err
	}
	calls := api.calls.enter()
	if calls == nil {
		return stopping(nil)
	}
	defer calls.leave()
	reg := api.registry.Load()
	c := &callContext{parent: ctx, calls: calls, req: req, limit: api.cfg.ActionTimeout}
	defer c.end()
	authenticate := func() error {
		api.authenticate(c, reg.authenticators, req)
		return req.Err
	}
	var err error
	if len(reg.authenticators) == 0 {
		err = authenticate() // runs no code of the app
	} else {
		err = api.hook(authenticate)
	}
	if err == nil {
		err = reg.access(own).refuse(req)
	}
	return err
}

func (h *host) CheckRule(rule any) error { return checkRule(rule.(*Access)) }

func (h *host) Requested(request any) any {
	if act := h.registry.Load().requested(request.(*Request)); act != nil {
		return &act.info
	}
	return nil
}

func (h *host) CheckAction(request any) error {
	req, reg := request.(*Request), h.registry.Load()
	if reg.requested(req) != nil {
		return nil
	}
	return unknown(req)
}

func (h *host) AskedVersion(request any) (int, error) { return request.(*Request).askedVersion() }

func (h *host) HasVersions() bool { return len(h.registry.Load().families) > 0 }

func (h *host) ReturnsContent(request any) bool {
	act := h.registry.Load().requested(request.(*Request))
	return act != nil && act.outType == contentType
}

func (h *host) ReturnsNothing(request any) bool {
	act := request.(*Request).act
	return act != nil && act.outType == noneType
}

func (h *host) Cancel(req any) { req.(*Request).ctx.end() }

func (h *host) BeginStream(ctx context.Context, req any, end func()) (func(), error) {
	return (*API)(h).beginStream(ctx, req.(*Request), end)
}

func (h *host) Accepts(key string) bool {
	_, ok := h.registry.Load().accepted[key]
	return ok
}

func (h *host) Connect(transport string, remote netip.AddrPort, client any) any {
	remote = netip.AddrPortFrom(remote.Addr().Unmap(), remote.Port())
	c := &Conn{ID: newID(h.tag), Transport: transport, Remote: remote, ConnectedAt: time.Now(), api: (*API)(h), sender: client.(sender)}
	if h.registry.Load().meetsConns() {
		c.stage = waiting
	} else {
		h.Rooms.conns.store(c)
	}
	return c
}

func (h *host) MeetsConns() bool { return h.registry.Load().meetsConns() }

func (h *host) Accept(ctx context.Context, conn, handshake any) any {
	if err := (*API)(h).acceptConn(ctx, conn.(*Conn), handshake.(*Handshake)); err != nil {
		return err
	}
	return nil
}

func (h *host) Connected(ctx context.Context, conn any) { (*API)(h).connected(ctx, conn.(*Conn)) }

func (h *host) Closing(conn any, reason string) {
	conn.(*Conn).closeReason.CompareAndSwap(nil, &reason)
}

func (h *host) Disconnected(conn any) { (*API)(h).disconnected(conn.(*Conn)) }

func (h *host) Enter(ctx context.Context, conn any, room string, welcome func(room string)) error {
	return h.Rooms.enterFirst(ctx, conn.(*Conn), room, welcome)
}

func (h *host) Disconnect(conn any) {
	c := conn.(*Conn)
	h.Rooms.leaveAll(c)
	h.Rooms.conns.remove(c.ID)
}

func (h *host) HearItself(conn any) { conn.(*Conn).hearsItself = true }

func (h *host) SendBudget() any { return h.queues }

func (h *host) IncomingBudget() any { return h.incoming }

func (h *host) AbandonedBudget() any { return h.abandonedBodies }

func (h *host) Listening(port int) { h.Stats.listening(port) }

func (h *host) Global(name string, local func() int64) (global func(ctx context.Context) int64) {
	return h.Stats.global.add(name, local)
}

func (h *host) AddOutermost(c any) {
	h.registering.Lock()
	defer h.registering.Unlock()
	h.outermost = append(h.outermost, c.(Component))
}

func (h *host) Tag() uint32 { return h.tag }

func (h *host) NodesWithTag(ctx context.Context, tag uint32) ([]string, error) {
	if !h.Cluster.Shared() {
		return nil, nil
	}
	return h.Cluster.withTag(ctx, tag)
}

func (h *host) CallNode(ctx context.Context, node, name string, body []byte) ([]byte, error) {
	return h.Cluster.callTransport(ctx, node, name, body)
}

func (h *host) HandleCalls(name string, handle func(ctx context.Context, from string, body []byte) ([]byte, error)) bool {
	_, taken := h.Cluster.transports.LoadOrStore(internalCalls+name, handle)
	return !taken
}

func (h *host) Extensions() []any { return h.registry.Load().extensions }

// extension is a part whose value the API stores but does not use. transport.Part documents it.
type extension struct{ value any }

func (e extension) register(r *registry) error {
	r.extensions = append(r.extensions, e.value)
	return nil
}
