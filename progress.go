package actionhero

import "context"

// ReportProgress tells the client how far the action that runs with ctx is: done of total, in any unit, and a text for people. A
// total of 0 means that it is not known. Over MCP, a client that has asked for progress reads it while the action runs. Over other transports,
// and in tasks, it does nothing. It may be called from any goroutine, and often: reports within 100 ms of the last one are
// dropped, except the one that reaches the total.
func ReportProgress(ctx context.Context, done, total float64, message string) {
	req := RequestFrom(ctx)
	if req == nil {
		return
	}
	if to, ok := req.Extra.(interface {
		ReportProgress(done, total float64, message string)
	}); ok {
		to.ReportProgress(done, total, message)
	}
}
