package web

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"sync"

	"github.com/actionhero-go/actionhero/internal/http1"
)

// handshakes performs the TLS handshakes of the port for HTTPS, each in a goroutine of its own. It passes a connection to
// http1 or http2, depending on the protocol that the client has chosen.
type handshakes struct {
	config       *tls.Config
	log          *slog.Logger
	reaper       *reaper // limits the time of a handshake
	http2        *http2Server
	http1        func(net.Conn)
	mu           sync.Mutex
	conns        map[net.Conn]struct{}
	ended        bool
	hasPerformed sync.WaitGroup
}

// serve performs the handshake of nc and passes the connection on. It runs in the goroutine of the connection. A fault of
// a handshake or of TLS ends the connection, not the process.
func (h *handshakes) serve(nc net.Conn) {
	defer func() {
		if p := recover(); p != nil {
			h.log.Error("a fault in a TLS connection", "to", nc.RemoteAddr().String(), "panic", p, "stack", string(debug.Stack()))
			_ = nc.Close()
		}
	}()
	conn, ok := h.perform(nc.(*progressConn))
	if !ok {
		return
	}
	if conn.ConnectionState().NegotiatedProtocol == "h2" {
		h.reaper.enter(nc, http1.PhaseHijacked) // net/http limits the times of HTTP/2
		conn.inner.yields = true
		h.http2.conns.add(conn.Conn, nil)
		return
	}
	h.reaper.restart(conn.inner)
	h.http1(conn)
}

// perform performs the handshake. If the handshake fails, perform closes the connection and returns false.
func (h *handshakes) perform(nc *progressConn) (*secureConn, bool) {
	if !h.begin(nc) {
		_ = nc.Close()
		return nil, false
	}
	defer h.end(nc)
	conn := &secureConn{Conn: tls.Server(nc, h.config), inner: nc}
	err := conn.Handshake()
	if err == nil {
		return conn, true
	}
	if record := (tls.RecordHeaderError{}); errors.As(err, &record) && record.Conn != nil && beginsLikeHTTP(record.RecordHeader) {
		_, _ = io.WriteString(nc, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n")
	}
	h.log.Debug("a TLS handshake failed", "to", nc.RemoteAddr().String(), "error", err.Error())
	_ = nc.Close()
	return nil, false
}

func beginsLikeHTTP(header [5]byte) bool {
	switch string(header[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		return true
	}
	return false
}

func (h *handshakes) begin(nc net.Conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ended {
		return false
	}
	if h.conns == nil {
		h.conns = map[net.Conn]struct{}{}
	}
	h.conns[nc] = struct{}{}
	h.hasPerformed.Add(1)
	return true
}

func (h *handshakes) end(nc net.Conn) {
	h.mu.Lock()
	delete(h.conns, nc)
	h.mu.Unlock()
	h.hasPerformed.Done()
}

// stop closes the connections whose handshake has not ended, and blocks until their handshakes have ended.
func (h *handshakes) stop() {
	h.mu.Lock()
	h.ended = true
	for nc := range h.conns {
		_ = nc.Close()
	}
	h.mu.Unlock()
	h.hasPerformed.Wait()
}

// secureConn is a TLS connection whose handshake has ended. Its NetConn is a progressConn, which limits its times.
type secureConn struct {
	*tls.Conn
	inner  *progressConn
	unread []byte // bytes that Read returns first: the fast path has read them already
}

func (c *secureConn) setUnread(text []byte) { c.unread = text }

// Read first returns the bytes that the fast path has read but not used.
func (c *secureConn) Read(p []byte) (int, error) {
	if len(c.unread) > 0 {
		return takeUnread(&c.unread, p), nil
	}
	return c.Conn.Read(p)
}

// progressOf returns the connection that limits the times of nc.
func progressOf(nc net.Conn) *progressConn {
	switch c := nc.(type) {
	case *progressConn:
		return c
	case *secureConn:
		return c.inner
	}
	return nil
}

// http2Server serves the connections whose clients have chosen HTTP/2.
type http2Server struct {
	*http.Server
	conns *fallbackListener
}

// serveHTTP2Conns starts the server of the connections to ln whose clients choose HTTP/2.
func (s *Server) serveHTTP2Conns(ln net.Listener, secure *tls.Config) *http2Server {
	srv := &http2Server{s.newServer(), newFallbackListener(ln)}
	s.servers = append(s.servers, srv)
	srv.ReadHeaderTimeout, srv.IdleTimeout = s.cfg.Common.HeaderTimeout, s.cfg.Common.IdleTimeout
	srv.WriteTimeout = s.cfg.Common.WriteTimeout // of each stream; the pacer extends it
	srv.TLSConfig = secure.Clone()               // Serve changes it while handshakes run
	// A client cannot answer an HTTP/2 ping while the client sends a frame, so a ping also limits the time for a frame.
	limit := s.cfg.Common.HeaderTimeout
	srv.ConnContext = withHTTP2Conn
	srv.HTTP2 = &http.HTTP2Config{
		SendPingTimeout: limit * 3 / 4, PingTimeout: limit / 2, MaxConcurrentStreams: s.cfg.HTTPS.MaxStreams,
	}
	s.running.Go(func() { s.logServeError(srv.Serve(srv.conns)) })
	return srv
}
