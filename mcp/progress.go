package mcp

import (
	"context"
	"sync"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// progressPause is the least time between two reports of a call.
const progressPause = 100 * time.Millisecond

// progress sends the reports of one call to a client that has asked for them. The zero value sends nothing.
type progress struct {
	mu      sync.Mutex
	ctx     context.Context // of the message, by which the library finds its stream
	session *sdk.ServerSession
	token   any
	last    float64
	sent    time.Time
}

func (p *progress) open(ctx context.Context, session *sdk.ServerSession, token any) {
	if token != nil && session != nil {
		p.ctx, p.session, p.token, p.last = ctx, session, token, -1
	}
}

// close ends the reports, because the result of the call follows.
func (p *progress) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.session = nil
}

// ReportProgress implements actionhero.ReportProgress, which calls it through an interface. The value of a report is above the
// value before it, as the protocol demands.
func (r *call) ReportProgress(done, total float64, message string) {
	p := &r.progress
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.session == nil || !(done > p.last) || now.Sub(p.sent) < progressPause && !(total > 0 && done >= total) {
		return
	}
	p.last, p.sent = done, now
	_ = p.session.NotifyProgress(p.ctx, &sdk.ProgressNotificationParams{ProgressToken: p.token, Progress: done, Total: total, Message: message}) // an error means that the client is gone
}
