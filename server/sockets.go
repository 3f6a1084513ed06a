package server

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/websocket"
)

// The paths of the transports for browsers on the web server.
const (
	webSocketPath = "/ws"
	socketIOPath  = "/socket.io/"
)

// WebSocketsConfig is the section webSockets: plain WebSocket at /ws and Socket.IO at /socket.io/ of the web server.
type WebSocketsConfig struct {
	Enable   actionhero.Switch `json:"enable" doc:"serve WebSocket and Socket.IO at all"`                                                                                   // default: on
	Plain    actionhero.Switch `json:"plain" doc:"serve plain WebSocket at /ws"`                                                                                            // default: on
	SocketIO actionhero.Switch `json:"socketIO" doc:"serve Socket.IO at /socket.io/"`                                                                                       // default: on
	Bind     string            `json:"bind" doc:"server that they are on: http, https or both"`                                                                             // default: both
	Origins  []string          `json:"origins" doc:"origins whose pages may connect besides the server's own, like https://example.com or https://*.example.com; * is any"` // default: none

	MaxMessageBytes   int               `json:"maxMessageBytes" unit:"bytes" doc:"longest message over plain WebSocket, after inflating; a longer one ends the connection"`     // default: 64 KiB
	MaxHTTPBufferSize int               `json:"maxHttpBufferSize" unit:"bytes" doc:"longest message over Socket.IO, and largest body of a long-polling request"`                // default: 1000000
	Compress          actionhero.Switch `json:"compress" doc:"agree to compression (permessage-deflate) with plain WebSocket clients that offer it"`                            // default: off
	MaxInFlight       int               `json:"maxInFlight" doc:"requests of one connection at work at a time; it is read no further meanwhile"`                                // default: 100
	MaxQueued         int               `json:"maxQueuedMessages" doc:"messages that may wait for a client; one that does not read is closed"`                                  // default: 256
	MaxQueuedLen      int               `json:"maxQueuedBytes" unit:"bytes" doc:"bytes that may wait for a client; one that does not read is closed"`                           // default: 1 MiB
	MaxAbsent         int               `json:"maxAbsent" doc:"long-polling sessions that may be without a request; one more, and the one that has been for longest is closed"` // default: 10000
	PingInterval      time.Duration     `json:"pingInterval" doc:"silence, over Socket.IO the time, after which a client is asked whether it is still there"`                   // default: 25s
	PingTimeout       time.Duration     `json:"pingTimeout" doc:"time within which it must answer that"`                                                                        // default: 20s
	ConnectTimeout    time.Duration     `json:"connectTimeout" doc:"time within which a Socket.IO client that has opened a session must connect to a namespace"`                // default: 45s
	UpgradeTimeout    time.Duration     `json:"upgradeTimeout" doc:"time within which a change from long-polling to WebSocket must be over"`                                    // default: 10s
	MessageTimeout    time.Duration     `json:"messageTimeout" doc:"time within which a message that was begun must end"`                                                       // default: 15s
	WriteTimeout      time.Duration     `json:"writeTimeout" doc:"time within which a client must take 16 KiB of what it is sent"`                                              // default: 10s
}

func (c *WebSocketsConfig) plain(remoteIP func(*http.Request) string) websocket.Config {
	return websocket.Config{
		Origins: c.Origins, Compress: c.Compress, MaxMessageBytes: c.MaxMessageBytes, MaxInFlight: c.MaxInFlight,
		MaxQueued: c.MaxQueued, MaxQueuedLen: c.MaxQueuedLen, MessageTimeout: c.MessageTimeout, WriteTimeout: c.WriteTimeout,
		PingInterval: c.PingInterval, PongTimeout: c.PingTimeout, RemoteIP: remoteIP,
	}
}

func (c *WebSocketsConfig) socketIO(remoteIP func(*http.Request) string) socketio.Config {
	return socketio.Config{
		Origins: c.Origins, MaxHTTPBufferSize: c.MaxHTTPBufferSize, MaxInFlight: c.MaxInFlight,
		MaxQueued: c.MaxQueued, MaxQueuedLen: c.MaxQueuedLen, MaxAbsent: c.MaxAbsent,
		PingInterval: c.PingInterval, PingTimeout: c.PingTimeout, ConnectTimeout: c.ConnectTimeout,
		UpgradeTimeout: c.UpgradeTimeout, MessageTimeout: c.MessageTimeout, WriteTimeout: c.WriteTimeout, RemoteIP: remoteIP,
	}
}

// socketTransport is plain WebSocket or Socket.IO.
type socketTransport interface {
	http.Handler
	actionhero.Component
	Requests() int64
	Clients() int
}

// buildSockets mounts the transports for browsers.
func (s *Server) buildSockets(cfg WebSocketsConfig) error {
	if !cfg.Enable.Or(true) {
		return nil
	}
	only, err := boundTo(cfg.Bind)
	if err != nil {
		return err
	}
	mount := func(path string, t socketTransport) error {
		s.sockets = append(s.sockets, t)
		s.API.Add(t)
		return s.Web.Mount(path, only(t))
	}
	scripts := s.Web.Paths().Files + "/javascript/"
	if cfg.Plain.Or(true) {
		s.WebSocket = websocket.New(s.API, cfg.plain(s.Web.RemoteIP))
		script, err := clientScript()
		if err := errors.Join(err, mount(webSocketPath, s.WebSocket), s.Web.Mount(scripts+"actionhero.js", script)); err != nil {
			return err
		}
	}
	if cfg.SocketIO.Or(true) {
		s.SocketIO = socketio.New(s.API, cfg.socketIO(s.Web.RemoteIP))
		if err := errors.Join(mount(socketIOPath, s.SocketIO), s.Web.Mount(scripts+"socket.io.js", socketio.Script())); err != nil {
			return err
		}
	}
	if len(s.sockets) > 0 {
		s.API.Stats.Section("webSocketServer", s.socketStats)
	}
	return nil
}

// boundTo returns a function that restricts a handler to one of the web server's two ports.
func boundTo(bind string) (func(http.Handler) http.Handler, error) {
	switch bind {
	case "", "both":
		return func(h http.Handler) http.Handler { return h }, nil
	case "http", "https":
		return func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if (r.TLS != nil) != (bind == "https") {
					http.NotFound(w, r)
					return
				}
				h.ServeHTTP(w, r)
			})
		}, nil
	}
	return nil, fmt.Errorf("webSockets.bind is %q: it must be http, https or both", bind)
}

// socketStats returns the section webSocketServer of the action status.
func (s *Server) socketStats(context.Context) (any, error) {
	var stats struct {
		Requests int64 `json:"numberOfGlobalWebSocketRequests"`
		Clients  int   `json:"numberOfLocalActiveWebSocketClients"`
	}
	for _, t := range s.sockets {
		stats.Requests += t.Requests()
		stats.Clients += t.Clients()
	}
	return stats, nil
}
