package server

import (
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/contract"
	"github.com/actionhero-go/actionhero/web"
)

// AsyncAPI returns the document of AsyncAPI 3.0 about the actions and the events of rooms, over TCP, WebSocket and Socket.IO
// as far as the configuration enables them. The same app has the same bytes.
func (s *Server) AsyncAPI() ([]byte, error) {
	all := s.Describe()
	return contract.AsyncAPI(all, all, s.listeners)
}

// addAsyncAPI serves the document at /api/asyncapi.json, by the rule of the document of OpenAPI.
func (s *Server) addAsyncAPI(cfg *Config) error {
	s.listeners = listenersOf(cfg, s.WebSocket != nil, s.SocketIO != nil)
	return s.Web.AddDocument(web.Document{
		Name: "asyncapi.json", Description: "Describes the actions and the events of rooms, as a document of AsyncAPI 3.0",
		Write: func(all, shown actionhero.Description) ([]byte, error) {
			return contract.AsyncAPI(all, shown, s.listeners)
		},
	})
}

// listenersOf returns the addresses of the persistent transports that the configuration enables.
func listenersOf(cfg *Config, plain, socketIO bool) (all []contract.Listener) {
	for _, p := range cfg.Ports() {
		suffix, webSocket, tcp, bind := "", "ws", "tcp", "http"
		if p.TLS {
			suffix, webSocket, tcp, bind = "TLS", "wss", "tls", "https"
		}
		if strings.HasPrefix(p.Setting, "tcpServer.") {
			all = append(all, contract.Listener{Name: "tcp" + suffix, Transport: actionhero.TransportTCP, Protocol: tcp, Port: p.Port, Description: "TCP, a line for each message"})
			continue
		}
		if cfg.WebSockets.Bind != "both" && cfg.WebSockets.Bind != bind {
			continue
		}
		if plain {
			all = append(all, contract.Listener{Name: "websocket" + suffix, Transport: actionhero.TransportWebSocket, Protocol: webSocket, Port: p.Port, Path: webSocketPath, Description: "WebSocket"})
		}
		if socketIO {
			all = append(all, contract.Listener{Name: "socketio" + suffix, Transport: actionhero.TransportSocketIO, Protocol: webSocket, Port: p.Port, Path: socketIOPath, Description: "Socket.IO, over WebSocket or long-polling"})
		}
	}
	return all
}
