package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
)

// streams counts the HTTP/2 requests that run. A client can open many streams over one connection and never extend their
// flow-control windows. Each of these responses holds memory until its write timeout has passed.
type streams struct {
	max     int // of all clients; one address may have an eighth of it
	trusted func(ip string) bool

	mu        sync.Mutex
	running   int
	addresses map[netip.Prefix]int
}

func newStreams(limit int, trusted func(string) bool) *streams {
	return &streams{max: limit, trusted: trusted, addresses: map[netip.Prefix]int{}}
}

// take counts a request from the address remote. If the server or the address has too many requests, take counts nothing
// and returns false. Otherwise the caller must call give with the returned key.
func (s *streams) take(remote string) (key netip.Prefix, ok bool) {
	key = s.keyOf(remote)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running >= s.max || key.IsValid() && s.addresses[key] >= s.max/8 {
		return key, false
	}
	s.running++
	if key.IsValid() {
		s.addresses[key]++
	}
	return key, true
}

func (s *streams) give(key netip.Prefix) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running--
	if !key.IsValid() {
		return
	}
	if s.addresses[key]--; s.addresses[key] == 0 {
		delete(s.addresses, key)
	}
}

// keyOf returns the IPv4 address of a client or the /64 network of its IPv6 address. For a trusted proxy, which has many
// clients, it returns the zero Prefix.
func (s *streams) keyOf(remote string) netip.Prefix {
	peer, err := netip.ParseAddrPort(remote)
	if err != nil {
		return netip.Prefix{}
	}
	addr := peer.Addr().Unmap().WithZone("")
	if s.trusted(addr.String()) {
		return netip.Prefix{}
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	key, _ := addr.Prefix(bits)
	return key
}

// http2Conn is the state of one HTTP/2 connection. It counts the responses that have ended, and those of them that the client
// has certainly received.
type http2Conn struct{ ended, received atomic.Int64 }

// mustWait counts a response more. It reports whether the response must wait for the client before it ends, because too many
// responses have ended that the client may not have received. While one response waits, a few others need not.
func (c *http2Conn) mustWait() (ended int64, wait bool) {
	ended = c.ended.Add(1)
	unread := ended - c.received.Load()
	return ended, unread > 2*maxUnread || unread == maxUnread+1
}

type http2ConnKey struct{}

func withHTTP2Conn(ctx context.Context, _ net.Conn) context.Context {
	return context.WithValue(ctx, http2ConnKey{}, new(http2Conn))
}

// maxUnread is half the number of ended responses of one connection that no longer count as running although the client may
// not have received them.
const maxUnread = 8

// serveHTTP2 calls next with a writer that limits the time of each chunk, if the limit of requests allows it.
func (s *Server) serveHTTP2(w http.ResponseWriter, r *http.Request, next http.Handler) {
	key, ok := s.streams.take(r.RemoteAddr)
	if !ok {
		// A body would wait for the flow-control window of the client.
		w.Header()["Retry-After"], w.Header()["Content-Length"] = []string{"1"}, []string{"0"}
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	defer s.streams.give(key)
	if r.ContentLength == 0 {
		r.Body = http.NoBody // reading an empty one, with its deadlines, would cost messages to the loop of the connection
	}
	conn, isOurs := r.Context().Value(http2ConnKey{}).(*http2Conn)
	writer := &progressWriter{ResponseWriter: w, control: http.NewResponseController(w), pacer: &s.pacer, isOurs: isOurs}
	s.pacer.add(writer)
	defer writer.finish()
	next.ServeHTTP(writer, r)
	if !isOurs {
		return
	}
	if ended, wait := conn.mustWait(); wait && writer.FlushError() == nil {
		conn.received.Store(ended)
	}
}
