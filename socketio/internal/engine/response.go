package engine

import (
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/internal/sendqueue"
)

// response is the response to a GET as a holder of bytes of the budget. A client that polls and does not read would
// otherwise hold a whole queue with each of its connections.
type response struct {
	session *Session
	w       http.ResponseWriter
	place   sendqueue.Place

	mu     sync.Mutex
	own    int      // bytes that count, without those of shared
	shared [][]byte // the packets that count once for all clients
	cut    bool
}

// sendPackets responds to a GET with packets. The bytes of a long response count toward the budget while they are
// written.
func (s *Session) sendPackets(w http.ResponseWriter, packets [][]byte) {
	size := 0
	for _, p := range packets {
		size += len(p)
	}
	budget := s.engine.cfg.Budget
	if budget == nil || size <= joinBytes {
		sendPackets(w, packets)
		return
	}
	r := &response{session: s, w: w}
	if r.take(budget, packets) {
		budget.Relieve()
	}
	defer r.give()
	if r.isCut() {
		panic(http.ErrAbortHandler) // the client must not take a part for the whole response
	}
	sendPackets(w, packets)
	if r.isCut() {
		panic(http.ErrAbortHandler)
	}
}

// take counts the packets. over is true if the budget is exceeded.
func (r *response) take(budget *sendqueue.Budget, packets [][]byte) (over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	budget.List(&r.place, r)
	for _, p := range packets {
		if len(p) < minShared {
			r.own += len(p)
			continue
		}
		r.shared = append(r.shared, p)
		over = !budget.TakeShared(p) || over
	}
	return !budget.Take(r.own) || over
}

// give ends the counting.
func (r *response) give() {
	r.mu.Lock()
	defer r.mu.Unlock()
	budget := r.session.engine.cfg.Budget
	budget.Unlist(&r.place)
	budget.Take(-r.own)
	for _, p := range r.shared {
		budget.GiveShared(p)
	}
	r.own, r.shared = 0, nil
}

func (r *response) isCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// Client implements sendqueue.Holder.
func (r *response) Client() netip.Prefix { return netlisten.ClientKey(r.session.remote.Addr()) }

// Held implements sendqueue.Holder.
func (r *response) Held() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = r.own
	for _, p := range r.shared {
		n += r.session.engine.cfg.Budget.Part(p)
	}
	return n
}

// Cut implements sendqueue.Holder. It ends the write of the response and closes the session.
func (r *response) Cut() {
	if r.Held() == 0 {
		return
	}
	r.mu.Lock()
	r.cut = true
	r.mu.Unlock()
	r.give()
	_ = http.NewResponseController(r.w).SetWriteDeadline(time.Now())
	r.session.closeWith(sendqueue.ErrBudget, typeClose, 0)
}
