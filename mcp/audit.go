package mcp

import (
	"context"
	"log/slog"
	"time"

	"github.com/actionhero-go/actionhero/transport"
)

// auditBytes is the size of an argument in a line of the log, in bytes of JSON.
const auditBytes = 256

// maxName is the length of a name that a client has chosen, in a line of the log.
const maxName = 100

// The messages of the lines in the log.
const (
	auditCall   = "an agent has called a tool"
	auditRead   = "an agent has read a resource"
	auditPrompt = "an agent has got a prompt"
)

// audit writes who has called which tool with which arguments, and the outcome, to the log. Unlike the line of
// log.logRequests, this line cannot be switched off. Secret arguments are filtered.
func (r *call) audit(outcome string) {
	log, now := r.API.Log(), time.Now()
	if !log.Enabled(context.Background(), slog.LevelInfo) {
		return
	}
	record := slog.NewRecord(now, slog.LevelInfo, r.about, 0) // the source would always be this line
	record.AddAttrs(
		slog.String("remote", r.ip), slog.String("request_id", r.ID()), slog.String("user", r.Identity().ID),
		slog.String("client", shortened(r.client)), slog.String("action", r.Action),
		slog.String("params", r.shownParams()),
		slog.String("outcome", outcome), slog.Duration("duration", now.Sub(r.Started).Round(time.Microsecond)))
	_ = log.Handler().Handle(context.Background(), record) // as slog.Logger does: a handler reports its own failures
}

// shownParams returns the arguments as JSON for people. Secret ones are filtered.
func (r *call) shownParams() string {
	return string(transport.ParamsOf(&r.Params).AppendJSON(make([]byte, 0, 256), r.API, auditBytes))
}

// auditUnknown writes a call of a tool that does not exist.
func (e *endpoint) auditUnknown(c *caller, name, client string) {
	e.api.Log().Info("an agent has called an unknown tool",
		slog.String("remote", c.ip), slog.String("user", c.id.ID), slog.String("client", shortened(client)),
		slog.String("tool", shortened(name)))
}

func shortened(text string) string {
	if len(text) <= maxName {
		return text
	}
	if runes := []rune(text[:min(len(text), 4*maxName)]); len(runes) > maxName {
		return string(runes[:maxName]) + "…"
	}
	return text
}
