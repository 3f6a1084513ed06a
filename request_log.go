package actionhero

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/poison"
)

// Limits of the texts in one log line, in bytes. Clients write most of these texts, and must not be able to push older
// lines out of the log.
const (
	maxLoggedName  = 256      // names, paths and addresses
	maxLoggedError = 1 << 10  // the message that the client reads
	maxLoggedCause = 16 << 10 // the cause of a failure, with the stack of a panic
)

// Log returns a logger whose lines have the id and the action or task of the request that is being handled with ctx. The
// lines of one request have the same request_id as the line that the API logs for the request. For any other context, Log
// returns slog.Default().
func Log(ctx context.Context) *slog.Logger {
	req := RequestFrom(ctx)
	if req == nil {
		return slog.Default()
	}
	id := slog.String("request_id", req.ID())
	switch {
	case req.Job != nil:
		return req.API.log.With(id, slog.String("task", req.Action), slog.Uint64("job", req.Job.ID), slog.Int("attempt", req.Job.Attempt))
	case req.Conn != nil:
		return req.API.log.With(id, slog.String("action", shortened(req.Action, maxLoggedName)), slog.String("conn_id", req.Conn.ID))
	}
	return req.API.log.With(id, slog.String("action", shortened(req.Action, maxLoggedName)))
}

// ID returns the id of the request: the trace id of the header traceparent, or the header X-Request-Id of a trusted
// proxy, or a random id of 32 hexadecimal digits. A request that [Action.Call] makes has the id of the calling request.
// ID may be called concurrently.
func (r *Request) ID() string {
	r.ctx.mu.Lock()
	defer r.ctx.mu.Unlock()
	if r.id == "" {
		r.id = r.findID()
	}
	return r.id
}

func (r *Request) findID() string {
	if r.caller != nil {
		return r.caller.ID()
	}
	if extra, ok := r.Extra.(interface{ RequestID() string }); ok {
		if id := extra.RequestID(); id != "" {
			return id
		}
	}
	var random [16]byte // of the generator of the runtime: an id must be unique, and is no secret
	binary.LittleEndian.PutUint64(random[:], rand.Uint64())
	binary.LittleEndian.PutUint64(random[8:], rand.Uint64())
	var text [2 * len(random)]byte
	hex.Encode(text[:], random[:])
	return string(text[:])
}

// logScratch is the memory in which a log line is put together.
type logScratch struct {
	lines  lineHandler // the handler of the line, or nil if the handler may keep the attributes
	attrs  [17]slog.Attr
	params []byte
}

var logScratches = sync.Pool{New: func() any { return new(logScratch) }}

func newLogScratch(log *slog.Logger) *logScratch {
	s := logScratches.Get().(*logScratch)
	s.lines, _ = log.Handler().(lineHandler)
	return s
}

func (s *logScratch) free() {
	clear(s.attrs[:])
	poison.Bytes(s.params)
	logScratches.Put(s)
}

// logRequest writes the log line of a request if the request failed with [CodeInternal] or if Config.LogRequests is
// set. failure is the error of the request, or nil.
func (api *API) logRequest(req *Request, failure *Error) {
	internal := failure != nil && failure.Code == CodeInternal
	if !internal && !api.cfg.LogRequests {
		return
	}
	level := slog.LevelInfo
	if internal {
		level = slog.LevelError
	}
	if !api.log.Enabled(context.Background(), level) {
		return
	}
	s, now := newLogScratch(api.log), time.Now()
	defer s.free()
	attrs := append(s.attrs[:0], slog.String("remote", req.RemoteIP), slog.String("request_id", req.ID()))
	if req.Conn != nil {
		attrs = append(attrs, slog.String("conn_id", req.Conn.ID))
	}
	if id := req.identityNow(); id != nil && id.ID != "" {
		attrs = append(attrs, slog.String("user", shortened(id.ID, maxLoggedName)))
		if key, ok := id.Claims["keyID"].(interface{ CredentialID() string }); ok { // of package auth: one user may have many keys
			attrs = append(attrs, slog.String("key_id", key.CredentialID()))
		}
	}
	attrs = append(req.logExtra(attrs, failure), slog.String("transport", req.Transport), slog.String("action", shortened(req.Action, maxLoggedName)))
	if req.act != nil && req.act.versioned {
		attrs = append(attrs, slog.Int("version", req.act.info.Version))
	}
	if failure != nil {
		attrs = append(attrs, slog.String("code", failure.Code.String()))
	}
	if req.ctx.replayed {
		attrs = append(attrs, slog.Bool("replayed", true))
	}
	attrs = append(attrs, slog.String("params", req.loggedParams(s)), slog.Float64("duration", milliseconds(now.Sub(req.Started))))
	if failure != nil {
		attrs = append(attrs, slog.String("error", shortened(failure.Message, maxLoggedError)))
		if cause := causeText(failure.Err); cause != "" && cause != failure.Message {
			attrs = append(attrs, slog.String("cause", shortened(cause, maxLoggedCause)))
		}
	}
	message := "[action @ web]" // a constant: most requests come over HTTP, and a concatenation allocates
	if req.Transport != "web" {
		message = "[action @ " + req.Transport + "]"
	}
	s.write(api.log, now, level, message, attrs)
}

// logExtra appends what only the transport of the request knows. transport.Details documents the methods.
func (r *Request) logExtra(attrs []slog.Attr, failure *Error) []slog.Attr {
	if r.Method != "" {
		attrs = append(attrs, slog.String("method", r.Method))
	}
	if extra, ok := r.Extra.(interface{ RequestPath() string }); ok {
		path := "[FILTERED]"
		if r.act == nil || !r.act.secretPath {
			path = shortened(extra.RequestPath(), maxLoggedName)
		}
		attrs = append(attrs, slog.String("path", path))
	}
	if extra, ok := r.Extra.(interface{ ResponseStatus(*Error) int }); ok {
		if status := extra.ResponseStatus(failure); status != 0 {
			attrs = append(attrs, slog.Int("status", status))
		}
	}
	return attrs
}

// loggedParams returns the params of the request as JSON for a log line. The text is valid until s is freed, or longer if
// the handler of the line may keep the text.
func (r *Request) loggedParams(s *logScratch) string {
	s.params = r.Params.appendJSON(s.params[:0], r.API, maxLogged)
	if s.lines == nil {
		return string(s.params)
	}
	return jsonx.ViewString(s.params)
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// shortened returns text if it has at most most bytes. Otherwise shortened returns the beginning of text, and how many
// bytes text has.
func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	n := most
	for n > most-utf8.UTFMax && !utf8.RuneStart(text[n]) {
		n--
	}
	return fmt.Sprintf("%s… (%d bytes)", text[:n], len(text))
}

// causeText returns the text of err, or "" for nil. The method Error of an app may panic, for example on a nil pointer.
func causeText(err error) (text string) {
	if err == nil {
		return ""
	}
	defer func() {
		if p := recover(); p != nil {
			text = fmt.Sprintf("an error of type %T, whose Error panics: %v\n%s", err, p, debug.Stack())
		}
	}()
	return err.Error()
}

// write logs a record without its source position: the position would always be in this package, and finding it costs a
// third of the line.
func (s *logScratch) write(log *slog.Logger, now time.Time, level slog.Level, message string, attrs []slog.Attr) {
	if s.lines != nil {
		_ = s.lines.HandleLine(now, level, message, attrs)
		return
	}
	record := slog.NewRecord(now, level, message, 0)
	record.AddAttrs(attrs...)
	_ = log.Handler().Handle(context.Background(), record) // as slog.Logger does: a handler reports its own failures
}

// lineHandler is a handler of package internal/logging. It does not keep attrs or their values, so that a line needs no
// memory of its own.
type lineHandler interface {
	HandleLine(at time.Time, level slog.Level, message string, attrs []slog.Attr) error
}
