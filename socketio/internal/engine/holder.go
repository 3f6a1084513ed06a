package engine

import (
	"net/netip"

	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// holder is a polling session as a holder of bytes of the budget.
type holder Session

// Client implements sendqueue.Holder.
func (h *holder) Client() netip.Prefix { return netlisten.ClientKey(h.remote.Addr()) }

// Held implements sendqueue.Holder.
func (h *holder) Held() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := h.queue.counted
	for _, p := range h.queue.shared {
		n += h.engine.cfg.Budget.Part(p)
	}
	return n
}

// Cut implements sendqueue.Holder. It closes the session.
func (h *holder) Cut() {
	if h.Held() > 0 {
		(*Session)(h).closeWith(sendqueue.ErrBudget, typeClose, 0)
	}
}

// count counts packet, the last packet of the queue, toward the budget. shared is true if other sessions may hold the
// same bytes. The caller must hold s.mu.
func (s *Session) count(packet []byte, shared bool) {
	if b := s.engine.cfg.Budget; b != nil {
		b.List(&s.place, (*holder)(s))
		s.excess = s.queue.count(b, packet, shared) || s.excess
	}
}

// takeQueue removes all packets from the queue and returns them. Their bytes count no longer. The caller must hold s.mu.
func (s *Session) takeQueue() (packets [][]byte) {
	if b := s.engine.cfg.Budget; b != nil {
		b.Unlist(&s.place)
	}
	return s.queue.take(s.engine.cfg.Budget)
}
