package web

import (
	"io"
	"net/netip"
	"os"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/netlisten"
)

// maxFree is the number of bytes of a body or an answer that count against no budget, because the connection alone bounds
// them.
const maxFree = 16 << 10

// errBusy is the answer to a request that would exceed a budget.
var errBusy = &actionhero.Error{
	Code: actionhero.CodeUnavailable, Message: "the server holds as many uploads and answers as it may: try again later", RetryAfter: time.Second,
}

// budget is a number of bytes that all requests of a server share. One client may have as many bytes as are still free,
// so that it cannot make the server refuse the requests of the others.
type budget struct {
	max int64

	mu      sync.Mutex
	used    int64
	clients map[netip.Prefix]int64 // bytes by client; see Server.budgetKey
}

// take takes n bytes for the client. If fewer are left for it, take takes none and returns false.
func (b *budget) take(client netip.Prefix, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	free := b.max - b.used
	if n > free || client.IsValid() && b.clients[client]+n > free {
		return false
	}
	b.used += n
	if client.IsValid() {
		if b.clients == nil {
			b.clients = map[netip.Prefix]int64{}
		}
		b.clients[client] += n
	}
	return true
}

// give gives back n bytes of the client.
func (b *budget) give(client netip.Prefix, n int64) {
	if n == 0 {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= n
	if !client.IsValid() {
		return
	}
	if b.clients[client] -= n; b.clients[client] == 0 {
		delete(b.clients, client)
	}
}

// budgetKey returns the client that counts in a budget for the address ip: the address, or the /64 network of an IPv6
// address. For a trusted proxy and for loopback, which many clients may have behind a proxy, it returns the zero Prefix.
func (s *Server) budgetKey(ip string) netip.Prefix {
	addr, err := netip.ParseAddr(ip)
	if err != nil || addr.Unmap().IsLoopback() || s.trusted(ip) {
		return netip.Prefix{}
	}
	return netlisten.AddressKey(addr)
}

// holdings is what a request holds of its server's budgets.
type holdings struct {
	server   *Server
	client   netip.Prefix
	inMemory int64    // bytes of uploads in memory, up to maxFree
	read     int64    // bytes of the body in memory
	buffered int64    // the part of read that was taken from the budget
	file     *os.File // holds large uploads; nil: there are none
	spilled  int64    // bytes in file
	raw      []byte   // the whole body, if the action sets RawBody
}

func (c *call) holdings() *holdings {
	if c.held == nil {
		c.held = &holdings{server: c.server, client: c.server.budgetKey(c.req.RemoteIP)}
	}
	return c.held
}

// buffering returns a reader of body for callers that keep what they read in memory. If the bodies of all requests fill
// the budget, it returns errBusy.
func (c *call) buffering(body io.Reader) io.Reader { return &bufferingReader{body, c} }

type bufferingReader struct {
	io.Reader
	call *call
}

func (r *bufferingReader) Read(p []byte) (n int, err error) {
	n, err = r.Reader.Read(p)
	if busy := r.call.hold(int64(n)); busy != nil {
		return n, busy
	}
	return n, err
}

// hold counts n bytes of the body that are in memory. If the bodies of all requests fill the budget, it returns errBusy.
func (c *call) hold(n int64) error {
	h := c.holdings()
	h.read += n
	if more := h.read - maxFree - h.buffered; more > 0 {
		if !h.server.buffered.take(h.client, more) {
			return errBusy
		}
		h.buffered += more
	}
	return nil
}

// release frees the body and the params of a request, which are not needed any more when the answer is encoded: a slow
// client can take minutes to read it.
func (c *call) release() {
	h := c.held
	if h == nil {
		return // there was no body: the params are in the head, which is small
	}
	c.req.Params = actionhero.Params{}
	c.held = nil
	h.server.buffered.give(h.client, h.buffered)
	h.server.uploads.give(h.client, h.spilled)
	if h.file != nil {
		closeTemp(h.file)
	}
}
