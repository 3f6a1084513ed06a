// Package server wires a whole server together: configuration, log, backend and every transport around one API.
//
// A program is usually one line, [Main], which brings the app's own command line. A program with a main of its own
// builds the same with [New].
package server

import (
	"context"
	"errors"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/socketio"
	"github.com/actionhero-go/actionhero/tcp"
	"github.com/actionhero-go/actionhero/web"
	"github.com/actionhero-go/actionhero/websocket"
)

// Server is an API with its transports.
type Server struct {
	*actionhero.API
	Web *web.Server
	TCP *tcp.Server

	WebSocket *websocket.Handler // nil: off
	SocketIO  *socketio.Handler  // nil: off

	sockets  []socketTransport
	closeLog func() error
}

// New makes a server of a configuration and parts. It listens when it is started. The error says what is wrong with
// the configuration or a part.
func New(cfg Config, parts ...actionhero.Part) (*Server, error) {
	closeLog, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	s := &Server{closeLog: closeLog}
	if err := s.build(cfg, parts); err != nil {
		return nil, errors.Join(err, closeLog())
	}
	return s, nil
}

func (s *Server) build(cfg Config, parts []actionhero.Part) (err error) {
	if s.API, err = actionhero.New(cfg.General, parts...); err != nil {
		return err
	}
	if s.Web, err = web.New(s.API, web.Config{Common: cfg.CommonWeb, HTTP: cfg.HTTPServer, HTTPS: cfg.HTTPSServer}); err != nil {
		return err
	}
	s.API.Files.Embed(startPage())
	for pattern, handler := range cfg.Mount {
		if err := s.Web.Mount(pattern, handler); err != nil {
			return err
		}
	}
	if err := s.buildSockets(cfg.WebSockets); err != nil {
		return err
	}
	s.TCP = tcp.New(s.API, cfg.TCPServer)
	s.API.Add(s.Web, s.TCP)
	s.API.Stats.Section("cache", func(ctx context.Context) (any, error) {
		n, err := s.API.Cache.Size(ctx)
		return struct {
			Objects int `json:"numberOfObjects"`
		}{n}, err
	})
	// A server without tasks has an empty queue, and clients look for it.
	s.API.Stats.Section("queue", func(context.Context) (any, error) {
		return struct {
			Length   int      `json:"queueLength"`
			Sleeping []string `json:"sleepingTasks"`
		}{}, nil
	})
	return nil
}

// Close writes out and closes the log, if New opened it. Call it when the server will not be started again.
func (s *Server) Close() error { return s.closeLog() }
