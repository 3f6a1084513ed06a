package web

import (
	"errors"
	"maps"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/browserguard"
	"github.com/actionhero-go/actionhero/internal/http1"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/poison"
	"github.com/actionhero-go/actionhero/transport"
)

// statuses maps each [actionhero.Code] to its HTTP status.
var statuses = map[actionhero.Code]int{
	actionhero.CodeInternal: 500, actionhero.CodeInvalidInput: 400, actionhero.CodeNotFound: 404, actionhero.CodeAlreadyExists: 409,
	actionhero.CodeUnauthenticated: 401, actionhero.CodePermissionDenied: 403, actionhero.CodeResourceExhausted: 429,
	actionhero.CodeConflict: 409, actionhero.CodeCanceled: 499, actionhero.CodeDeadlineExceeded: 504, actionhero.CodeUnavailable: 503,
}

// fixed holds the headers and the JSON text that are the same in all responses.
type fixed struct {
	headers                 []header        // all responses share the slices of values: no code may change these slices
	prepared, private, json *http1.Prepared // headers; the same, of a response to an action; and of one in JSON
	server                  string          // `"serverInformation":{"serverName":…,"apiVersion":…,"requestDuration":`
	plain                   bool            // commonWeb.envelope is plain
	echo                    bool            // responses of actions repeat the params
	cached                  bool            // the configuration has a header Cache-Control
	hsts                    []string        // value of the header Strict-Transport-Security; nil: none
	hstsPrepared            *http1.Prepared // the same
}

var (
	jsonType       = []string{"application/json"}
	javascriptType = []string{"application/javascript"}
	xmlType        = []string{"application/xml"}
	noSniff        = []string{"nosniff"}
	privateNoStore = []string{"private, no-store"}
)

// header is one header of a response.
type header struct {
	name   string // in canonical form
	values []string
}

// newFixed returns the fixed parts for a configuration. isOriginal reports whether [Original] is a part of the app.
func newFixed(cfg actionhero.Config, common *CommonConfig, isOriginal bool) fixed {
	headers := http.Header{"X-Content-Type-Options": noSniff}
	if choice(common.PoweredBy, isOriginal) {
		headers.Set("X-Powered-By", cfg.ServerName)
	}
	for name, value := range common.HTTPHeaders {
		headers.Set(name, value)
	}
	plain := common.Envelope == "plain"
	f := fixed{plain: plain, echo: choice(common.EchoParams, isOriginal && !plain), cached: headers["Cache-Control"] != nil}
	for name, values := range headers {
		f.headers = append(f.headers, header{name, values})
	}
	f.prepared = http1.Prepare(maps.Clone(headers))
	if !f.cached {
		headers["Cache-Control"] = privateNoStore
	}
	f.private = http1.Prepare(maps.Clone(headers))
	headers["Content-Type"] = jsonType
	if plain {
		headers.Add("Vary", "Accept")
	}
	f.json = http1.Prepare(headers)
	text := jsonx.AppendString([]byte(`"serverInformation":{"serverName":`), cfg.ServerName)
	text = jsonx.AppendString(append(text, `,"apiVersion":`...), cfg.APIVersion)
	f.server = string(append(text, `,"requestDuration":`...))
	return f
}

// set sets the headers that all responses have.
func (f *fixed) set(w http.ResponseWriter) {
	if swapPrepared(w, nil, f.prepared) {
		return
	}
	h := w.Header()
	for i := range f.headers {
		h[f.headers[i].name] = f.headers[i].values
	}
}

const hstsHeader = "Strict-Transport-Security"

// useHSTS makes setHSTS set the header Strict-Transport-Security, unless the configuration has this header.
func (f *fixed) useHSTS(age time.Duration) {
	for i := range f.headers {
		if f.headers[i].name == hstsHeader {
			return
		}
	}
	f.hsts = []string{"max-age=" + strconv.FormatInt(int64(age/time.Second), 10)}
	f.hstsPrepared = http1.Prepare(http.Header{hstsHeader: f.hsts})
}

// setHSTS sets the header Strict-Transport-Security of a response over HTTPS.
func (f *fixed) setHSTS(w http.ResponseWriter, r *http.Request) {
	if r.TLS == nil || f.hsts == nil || addPrepared(w, f.hstsPrepared) {
		return
	}
	if h := w.Header(); h[hstsHeader] == nil {
		h[hstsHeader] = f.hsts
	}
}

// setPrivate sets the header Cache-Control of a response to an action, unless the configuration has this header. An
// action may change the header.
func (f *fixed) setPrivate(w http.ResponseWriter) {
	if !swapPrepared(w, f.prepared, f.private) && !f.cached {
		w.Header()["Cache-Control"] = privateNoStore
	}
}

// setJSON sets the header Content-Type of an envelope.
func (f *fixed) setJSON(w http.ResponseWriter) {
	if swapPrepared(w, f.private, f.json) {
		return
	}
	w.Header()["Content-Type"] = jsonType
	if f.plain {
		w.Header().Add("Vary", "Accept")
	}
}

// swapPrepared replaces the headers old of a response over the fast path with the headers next. It returns false if the
// headers must be set one by one.
func swapPrepared(w http.ResponseWriter, old, next *http1.Prepared) bool {
	fast, ok := w.(interface {
		SwapPrepared(old, p *http1.Prepared) bool
	})
	return ok && fast.SwapPrepared(old, next)
}

// addPrepared adds headers to a response over the fast path that has prepared headers. It returns false if the headers must
// be set one by one.
func addPrepared(w http.ResponseWriter, p *http1.Prepared) bool {
	fast, ok := w.(interface{ AddPrepared(p *http1.Prepared) bool })
	return ok && fast.AddPrepared(p)
}

// isPrivate reports whether h has the header that setPrivate has set.
func isPrivate(h http.Header) bool {
	values := h["Cache-Control"]
	return len(values) == 1 && values[0] == privateNoStore[0]
}

// appendEnvelope appends the envelope of a response to dst. The envelope is a JSON object with the members of the
// output, then serverInformation, requestorInformation and error. appendEnvelope returns the extended dst and the error
// in the envelope, which is err or a failure to encode the output.
func (s *Server) appendEnvelope(dst []byte, req *actionhero.Request, out any, err error) ([]byte, *actionhero.Error) {
	dst = append(dst, '{')
	start := len(dst)
	if err == nil {
		dst, err = transport.AppendOutput(dst, req, out)
	}
	if len(dst) > start {
		dst = append(dst, ',')
	}
	now := time.Now()
	dst = strconv.AppendInt(append(dst, s.fixed.server...), now.Sub(req.Started).Milliseconds(), 10)
	dst = strconv.AppendInt(append(dst, `,"currentTime":`...), now.UnixMilli(), 10)
	dst = jsonx.AppendString(append(dst, `},"requestorInformation":{"remoteAddress":`...), req.RemoteIP)
	if req.Remaining >= 0 {
		dst = strconv.AppendInt(append(dst, `,"RequestsRemaining":`...), int64(req.Remaining), 10)
	}
	if s.fixed.echo {
		dst = transport.ParamsOf(&req.Params).AppendJSON(append(dst, `,"recievedParams":`...), s.api.API, transport.ShownBytes)
	}
	if err == nil {
		return append(dst, `},"error":"OK"}`...), nil
	}
	failure := actionhero.AsError(err)
	dst = jsonx.AppendString(append(dst, `},"error":`...), failure.Message)
	return append(transport.AppendError(dst, failure), '}'), failure
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// maxPooledBuffer is the largest capacity of a buffer that sendEnvelope returns to the pool, in bytes.
const maxPooledBuffer = 64 << 10

// sendEnvelope sends the output or the error of an action in an envelope, which is the output alone if the setting
// envelope is plain. If c.callback is set, the envelope is sent as JSONP. If the param "outputType" of the request is "xml", the envelope is sent as XML. Otherwise
// the envelope is sent as JSON.
func (s *Server) sendEnvelope(c *call, req *actionhero.Request, out any, err error) {
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxPooledBuffer {
			poison.Bytes(*buf)
			buffers.Put(buf)
		}
	}()
	c.asXML = c.asXML || req.Params.Get("outputType") == "xml"
	callback := c.callback
	body, failure := (*buf)[:0], (*actionhero.Error)(nil)
	switch {
	case callback != "":
		body = append(append(body, callback...), '(')
		body, failure = s.appendEnvelope(body, req, out, err)
		body = append(body, ");"...)
		c.w.Header()["Content-Type"] = javascriptType
	case s.fixed.plain:
		body, failure = s.appendPlain(body, c, out, err)
	case c.asXML:
		root := xmlRoot{name: "XML"}
		body, failure = s.appendEnvelope(body, req, out, err)
		as, fits := appendXML(nil, body, root)
		if !fits {
			body, failure = s.appendEnvelope(body[:0], req, nil, errXMLTooLarge)
			as, fits = appendXML(nil, body, root)
		}
		if c.w.Header()["Content-Type"] = jsonType; fits { // an error too large as XML is sent as JSON
			body, c.w.Header()["Content-Type"] = as, xmlType
		}
	default:
		body, failure = s.appendEnvelope(body, req, out, err)
		s.fixed.setJSON(c.w)
	}
	*buf = body
	if failure != nil {
		s.cleanHeader(c, failure)
	}
	if failure != nil && failure.RetryAfter > 0 {
		c.w.Header().Set("Retry-After", strconv.FormatInt(wholeSeconds(failure.RetryAfter), 10))
	}
	c.release()
	if n := int64(len(body)); n > maxFree {
		client := s.budgetKey(req.RemoteIP)
		if !s.buffered.take(client, n) {
			c.status = 0
			s.sendEnvelope(c, req, nil, errBusy) // short, because it has no params any more; in the form that they chose
			return
		}
		defer s.buffered.give(client, n)
	}
	s.send(c, s.statusOf(c, failure, callback != ""), body)
}

func wholeSeconds(d time.Duration) int64 { return int64(math.Ceil(d.Seconds())) }

// cleanHeader prepares the headers for an error: the headers that an action has set for its output do not describe the
// error, and no cache may keep the error. The id lets a client and the log speak of the same request.
func (s *Server) cleanHeader(c *call, failure *actionhero.Error) {
	header := c.w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Last-Modified", "Expires", "Content-Disposition", "Location"} {
		delete(header, name)
	}
	s.fixed.setPrivate(c.w)
	if failure.Code == actionhero.CodeInternal {
		header["X-Request-Id"] = []string{c.req.ID()}
	}
}

// statusOf returns the HTTP status of a response. failure is the error in the envelope, or nil after success. The
// status of a JSONP response is always 200, because browsers do not run a script with another status.
func (s *Server) statusOf(c *call, failure *actionhero.Error, jsonp bool) int {
	switch {
	case jsonp, failure != nil && !c.refused && !*s.cfg.Common.ReturnErrorCodes:
		return http.StatusOK
	case failure == nil:
		return max(c.status, http.StatusOK)
	case c.status >= 400:
		return c.status
	case errors.Is(failure, actionhero.ErrKeyReused):
		return http.StatusUnprocessableEntity
	}
	return statuses[failure.Code]
}

// longBody is the length in bytes up to which the engines hold a body until its end.
const longBody = 16 << 10

func (s *Server) send(c *call, status int, body []byte) {
	if c.exited {
		s.sendAtOnce(c, status, body)
		return
	}
	// A compressed response that repeats params shows by its length whether a param is equal to a secret in it.
	secretive := s.fixed.echo && browserguard.HasCredentials(c.r)
	if len(body) >= minCompressed && *s.cfg.Common.Compress && !secretive {
		header := c.w.Header()
		header.Add("Vary", "Accept-Encoding")
		if coding := accepted(c.r, gzipCoding); coding != nil && header["Content-Encoding"] == nil {
			header.Set("Content-Encoding", coding.name)
			c.w.WriteHeader(status)
			out := coding.writer(c.w)
			_, _ = out.Write(body) // an error means that the client is gone
			_ = out.Close()
			coding.pool.Put(out)
			return
		}
	}
	// A long body goes out before the engine knows its end: without its length, the engine would copy it into chunks.
	if (c.r.ProtoMajor == 2 || len(body) > longBody) && status != http.StatusNoContent && status != http.StatusNotModified {
		c.w.Header()["Content-Length"] = []string{strconv.Itoa(len(body))} // the response may be flushed before its end
	}
	if status != http.StatusOK {
		c.w.WriteHeader(status)
	}
	_, _ = c.w.Write(body)
}

// sendAtOnce sends a whole response although the handler will not return: its goroutine ends. The engines then close the
// connection or the stream without another write.
func (s *Server) sendAtOnce(c *call, status int, body []byte) {
	header := c.w.Header()
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if c.r.ProtoMajor == 1 {
		header.Set("Connection", "close")
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
	_ = http.NewResponseController(c.w).Flush()
}

// maxCallback is the length of the longest allowed name of a JSONP callback, in bytes.
const maxCallback = 64

// isCallback reports whether text is a JavaScript identifier, or several identifiers with dots between them. Any other
// text would let a client inject code into the JSONP response.
func isCallback(text string) bool {
	if len(text) > maxCallback {
		return false
	}
	for part := range strings.SplitSeq(text, ".") {
		if part == "" {
			return false
		}
		for i, c := range []byte(part) {
			letter := c == '_' || c == '$' || 'a' <= c|0x20 && c|0x20 <= 'z'
			if !letter && (i == 0 || c < '0' || c > '9') {
				return false
			}
		}
	}
	return true
}
