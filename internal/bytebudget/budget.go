// Package bytebudget limits the bytes that the clients of a server make it hold, so that no address can use up what the
// others need. Begin reading at [Budget.Take], then [Share].
package bytebudget

import (
	"net/netip"
	"sync"
)

// Free is the number of bytes of each share that do not count, because the number of connections bounds them.
const Free = 16 << 10

// Budget is a number of bytes that all clients of a server share. One client may have as many bytes as are free for
// the others, so that it cannot make the server refuse them.
type Budget struct {
	max int64

	mu      sync.Mutex
	used    int64
	clients map[netip.Prefix]int64 // bytes by the address of the client
}

// New returns a budget of most bytes.
func New(most int64) *Budget { return &Budget{max: most, clients: map[netip.Prefix]int64{}} }

// Take takes n bytes for the client. If fewer are left for it, Take takes none and returns false. The zero Prefix stands
// for clients whose own address is not known: they may have all bytes that are free.
func (b *Budget) Take(client netip.Prefix, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.fits(client, n) {
		return false
	}
	b.add(client, n)
	return true
}

// Fits reports whether Take would take n bytes for the client.
func (b *Budget) Fits(client netip.Prefix, n int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.fits(client, n)
}

// Force takes n bytes for the client even if fewer are left.
func (b *Budget) Force(client netip.Prefix, n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.add(client, n)
}

func (b *Budget) fits(client netip.Prefix, n int64) bool {
	free := b.max - b.used - n
	return free >= 0 && (!client.IsValid() || b.clients[client]+n <= free)
}

func (b *Budget) add(client netip.Prefix, n int64) {
	b.used += n
	if client.IsValid() {
		b.clients[client] += n
	}
}

// Give gives back n bytes of the client.
func (b *Budget) Give(client netip.Prefix, n int64) {
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

// Used returns the number of bytes that are taken, and the number of addresses that have taken some.
func (b *Budget) Used() (bytes int64, addresses int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.used, len(b.clients)
}

// Share is what one connection or request holds of a budget. A Share may be used by one goroutine at a time. The zero
// Share has no budget, and no limit.
type Share struct {
	budget *Budget
	client *netip.Prefix
	held   int64 // without the bytes that are free
}

// Init prepares the share for a connection of the client. If budget is nil, there is no limit.
func (s *Share) Init(budget *Budget, client *netip.Prefix) { s.budget, s.client = budget, client }

// Hold makes n the number of bytes that the share holds. If it would hold more than are left for the client, Hold
// changes nothing and returns false.
func (s *Share) Hold(n int) (ok bool) {
	more := max(int64(n)-Free, 0) - s.held
	switch {
	case more == 0 || s.budget == nil:
		return true
	case more < 0:
		s.budget.Give(*s.client, -more)
	case !s.budget.Take(*s.client, more):
		return false
	}
	s.held += more
	return true
}

// Holds reports whether bytes of the share count.
func (s *Share) Holds() bool { return s.held > 0 }

// Release gives back all bytes of the share.
func (s *Share) Release() {
	if s.held > 0 {
		s.Hold(0)
	}
}
