package server

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/transport"
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/websocket"
)

// The URL paths of WebSocket and Socket.IO on the web server.
const (
	webSocketPath = "/ws"
	socketIOPath  = "/socket.io/"
)

// WebSocketsConfig is the section "webSockets" of the configuration. The web server serves plain WebSocket at /ws and
// Socket.IO at /socket.io/. A setting that Plain and SocketIO share has one key in the configuration, which sets both
// fields.
type WebSocketsConfig struct {
	filled

	Enable         *bool  `json:"enable" default:"true" doc:"serve WebSocket and Socket.IO"`
	EnablePlain    *bool  `json:"plain" default:"true" doc:"serve plain WebSocket at /ws"`
	EnableSocketIO *bool  `json:"socketIO" default:"true" doc:"serve Socket.IO at /socket.io/"`
	Bind           string `json:"bind" default:"both" enum:"http,https,both" doc:"server that serves them"`

	Plain    websocket.Config `json:",inline"`
	SocketIO socketio.Config  `json:",inline"`
}

// socketTransport is the interface of the two transports for browsers, plain WebSocket and Socket.IO.
type socketTransport interface {
	http.Handler
	actionhero.Component
	Requests() int64
	Clients() int
}

// own lets a transport check the origins and the sizes of messages itself.
func own(t http.Handler) http.Handler { return web.CrossOrigin(web.MaxBody(-1, t)) }

// buildSockets creates the transports for browsers that the configuration enables. It mounts them and their client
// scripts on the web server. It returns an error if a setting is wrong or a mount fails.
func (s *Server) buildSockets(cfg WebSocketsConfig) error {
	if !*cfg.Enable {
		return nil
	}
	only := boundTo(cfg.Bind)
	cfg.Plain.RemoteIP, cfg.SocketIO.RemoteIP = s.Web.RemoteIP, s.Web.RemoteIP
	cfg.Plain.Forwarded, cfg.SocketIO.Forwarded = s.Web.Forwarded, s.Web.Forwarded
	mount := func(path string, t socketTransport) error {
		s.sockets = append(s.sockets, t)
		s.API.Add(t)
		return s.Web.Mount(path, own(only(t)))
	}
	scripts := s.Web.Paths().Files + "/javascript/"
	if *cfg.EnablePlain {
		s.WebSocket = websocket.New(s.API, cfg.Plain)
		slash := s.Web.Mount(webSocketPath+"/{$}", own(only(s.WebSocket)))
		if err := errors.Join(mount(webSocketPath, s.WebSocket), slash); err != nil {
			return err
		}
	}
	if *cfg.EnableSocketIO {
		s.SocketIO = socketio.New(s.API, cfg.SocketIO)
		if err := errors.Join(mount(socketIOPath, s.SocketIO), s.Web.Mount(scripts+"socket.io.js", socketio.Script())); err != nil {
			return err
		}
	}
	if len(s.sockets) > 0 && slices.Contains(cfg.Plain.Origins, "*") {
		s.API.Log().Warn("webSockets.origins has *: pages of any site may connect, with their visitors' cookies")
	}
	if len(s.sockets) > 0 {
		global := transport.Of(s.API).Global("webSocketRequests", s.socketRequests)
		s.API.Stats.Section("webSocketServer", func(ctx context.Context) (any, error) { return s.socketStats(global(ctx)), nil })
	}
	return nil
}

// boundTo returns a function that wraps a handler. If bind is "both", the wrapped handler is the original handler. If
// bind is "http" or "https", the wrapped handler answers only on that port of the web server, and with status 404 on
// the other port.
func boundTo(bind string) func(http.Handler) http.Handler {
	return func(h http.Handler) http.Handler {
		if bind == "both" {
			return h
		}
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if (r.TLS != nil) != (bind == "https") {
				http.NotFound(w, r)
				return
			}
			h.ServeHTTP(w, r)
		})
	}
}

// socketRequests returns the number of requests over WebSocket and Socket.IO.
func (s *Server) socketRequests() (n int64) {
	for _, t := range s.sockets {
		n += t.Requests()
	}
	return n
}

type socketStats struct {
	Requests int64 `json:"numberOfGlobalWebSocketRequests"`
	Clients  int   `json:"numberOfLocalActiveWebSocketClients"`
}

// socketStats returns the section "webSocketServer" in the output of the action `status`. requests is the number of
// requests in the whole cluster.
func (s *Server) socketStats(requests int64) socketStats {
	stats := socketStats{Requests: requests}
	for _, t := range s.sockets {
		stats.Clients += t.Clients()
	}
	return stats
}
