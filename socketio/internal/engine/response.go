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
	budget *sendqueue.Budget
	client netip.Prefix
	end    func()              // ends the session
	w      http.ResponseWriter // nil: the bytes are on their way to another node
	place  sendqueue.Place

	mu     sync.Mutex
	own    int      // bytes that count, without those of shared
	shared [][]byte // the packets that count once for all clients
	cut    bool
}

// sendPackets responds to a GET with packets.
func (s *Session) sendPackets(w http.ResponseWriter, packets [][]byte) {
	budget := s.engine.cfg.Budget
	if !counts(budget, packets) {
		sendPackets(w, packets)
		return
	}
	r := s.newResponse(w)
	r.take(packets)
	r.send(packets)
}

// newResponse returns the response to a GET of the session.
func (s *Session) newResponse(w http.ResponseWriter) *response {
	return &response{
		budget: s.engine.cfg.Budget, client: netlisten.ClientKey(s.remote.Addr()), w: w,
		end: func() { s.closeWith(sendqueue.ErrBudget, typeClose, 0) },
	}
}

// counts reports whether a response with these packets counts toward the budget.
func counts(budget *sendqueue.Budget, packets [][]byte) bool {
	size := 0
	for _, p := range packets {
		size += len(p)
	}
	return budget != nil && size > joinBytes
}

// send responds to a GET with packets, which take has counted, and ends their counting.
func (r *response) send(packets [][]byte) {
	defer r.give()
	if r.isCut() {
		panic(http.ErrAbortHandler) // the client must not take a part for the whole response
	}
	sendPackets(r.w, packets)
	if r.isCut() {
		panic(http.ErrAbortHandler)
	}
}

// take counts packets toward the budget, until give.
func (r *response) take(packets [][]byte) {
	if r.count(packets) {
		r.budget.Relieve()
	}
}

// count counts packets. over is true if the budget is exceeded.
func (r *response) count(packets [][]byte) (over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budget.List(&r.place, r)
	own := 0
	for _, p := range packets {
		if len(p) < minShared {
			own += len(p)
			continue
		}
		r.shared = append(r.shared, p)
		over = !r.budget.TakeShared(p) || over
	}
	r.own += own
	return !r.budget.Take(own) || over
}

// give ends the counting.
func (r *response) give() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.budget.Unlist(&r.place)
	r.budget.Take(-r.own)
	for _, p := range r.shared {
		r.budget.GiveShared(p)
	}
	r.own, r.shared = 0, nil
}

func (r *response) isCut() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cut
}

// Client implements sendqueue.Holder.
func (r *response) Client() netip.Prefix { return r.client }

// Held implements sendqueue.Holder.
func (r *response) Held() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	n = r.own
	for _, p := range r.shared {
		n += r.budget.Part(p)
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
	if r.w != nil {
		_ = http.NewResponseController(r.w).SetWriteDeadline(time.Now())
	}
	r.end()
}
