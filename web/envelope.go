package web

import (
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// The HTTP status of each code.
var statuses = map[actionhero.Code]int{
	actionhero.CodeInternal: 500, actionhero.CodeInvalidInput: 400, actionhero.CodeNotFound: 404, actionhero.CodeAlreadyExists: 409,
	actionhero.CodeUnauthenticated: 401, actionhero.CodePermissionDenied: 403, actionhero.CodeResourceExhausted: 429,
	actionhero.CodeConflict: 409, actionhero.CodeCanceled: 499, actionhero.CodeDeadlineExceeded: 504, actionhero.CodeUnavailable: 503,
}

// fixed is what is the same in every answer, made once.
type fixed struct {
	headers http.Header // set as they are: nobody may change the slices
	server  string      // `"serverInformation":{"serverName":…,"apiVersion":…,"requestDuration":`
}

var (
	jsonType       = []string{"application/json"}
	javascriptType = []string{"application/javascript"}
	xmlType        = []string{"application/xml"}
	noSniff        = []string{"nosniff"}
)

func newFixed(cfg actionhero.Config, common *CommonConfig) fixed {
	f := fixed{headers: http.Header{}}
	f.headers.Set("X-Powered-By", cfg.ServerName)
	for name, value := range common.HTTPHeaders {
		f.headers.Set(name, value)
	}
	text := jsonx.AppendString([]byte(`"serverInformation":{"serverName":`), cfg.ServerName)
	text = jsonx.AppendString(append(text, `,"apiVersion":`...), cfg.APIVersion)
	f.server = string(append(text, `,"requestDuration":`...))
	return f
}

func (f *fixed) set(h http.Header) {
	for name, values := range f.headers {
		h[name] = values
	}
}

// appendEnvelope appends the answer to an action: its own members, then what the server says of itself and of the
// request, then the error. It returns the failure it tells of, which may be that the answer does not encode.
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
	dst = strconv.AppendInt(append(dst, s.fixed.server...), duration(req, now), 10)
	dst = strconv.AppendInt(append(dst, `,"currentTime":`...), now.UnixMilli(), 10)
	dst = jsonx.AppendString(append(dst, `},"requestorInformation":{"remoteAddress":`...), req.RemoteIP)
	if req.Remaining >= 0 {
		dst = strconv.AppendInt(append(dst, `,"RequestsRemaining":`...), int64(req.Remaining), 10)
	}
	dst = transport.ParamsOf(&req.Params).AppendJSON(append(dst, `,"recievedParams":`...), s.api.Secret)
	if err == nil {
		return append(dst, `},"error":"OK"}`...), nil
	}
	failure := actionhero.AsError(err)
	dst = jsonx.AppendString(append(dst, `},"error":`...), failure.Message)
	if len(failure.Details) > 0 {
		// The strings of a Detail always encode.
		details, _ := jsonx.Marshal(failure.Details)
		dst = append(append(dst, `,"errorDetails":`...), details...)
	}
	return append(dst, '}'), failure
}

var buffers = sync.Pool{New: func() any { b := make([]byte, 0, 2048); return &b }}

// Buffers that grew larger than this are left to the garbage collector.
const maxKept = 64 << 10

// sendEnvelope answers with the envelope, as JSON, JSONP or XML.
func (s *Server) sendEnvelope(x *exchange, req *actionhero.Request, out any, err error) {
	buf := buffers.Get().(*[]byte)
	defer func() {
		if cap(*buf) <= maxKept {
			buffers.Put(buf)
		}
	}()
	callback, form := req.Params.Get("callback"), req.Params.Get("outputType")
	if callback != "" && !isCallback(callback) {
		callback = ""
		err = actionhero.Errorf(actionhero.CodeInvalidInput, "callback must be a JavaScript name, with dots if need be, of at most %d characters", maxCallback)
	}
	body, failure := (*buf)[:0], (*actionhero.Error)(nil)
	header := x.w.Header()
	switch {
	case callback != "":
		body = append(append(body, callback...), '(')
		body, failure = s.appendEnvelope(body, req, out, err)
		body = append(body, ");"...)
		header["Content-Type"], header["X-Content-Type-Options"] = javascriptType, noSniff
	case form == "xml":
		body, failure = s.appendEnvelope(body, req, out, err)
		body = appendXML(nil, body)
		header["Content-Type"] = xmlType
	default:
		body, failure = s.appendEnvelope(body, req, out, err)
		header["Content-Type"] = jsonType
	}
	*buf = body
	if failure != nil && failure.RetryAfter > 0 {
		header.Set("Retry-After", strconv.Itoa(int(math.Ceil(failure.RetryAfter.Seconds()))))
	}
	s.send(x, s.statusOf(x, failure, callback != ""), body)
}

// statusOf is the HTTP status of an answer.
func (s *Server) statusOf(x *exchange, failure *actionhero.Error, jsonp bool) int {
	switch {
	case jsonp, failure != nil && !*s.cfg.Common.ReturnErrorCodes:
		return http.StatusOK
	case failure == nil:
		return max(x.status, http.StatusOK)
	case x.status >= 400:
		return x.status
	}
	return statuses[failure.Code]
}

func (s *Server) send(x *exchange, status int, body []byte) {
	header := x.w.Header()
	if len(body) >= minCompressed && *s.cfg.Common.Compress {
		header.Add("Vary", "Accept-Encoding")
		if coding := accepted(x.r, gzipCoding); coding != nil && header["Content-Encoding"] == nil {
			header.Set("Content-Encoding", coding.name)
			x.w.WriteHeader(status)
			out := coding.writer(x.w)
			_, _ = out.Write(body) // a client that went away is none of our business any more
			_ = out.Close()
			coding.pool.Put(out)
			return
		}
	}
	if status != http.StatusOK {
		x.w.WriteHeader(status)
	}
	_, _ = x.w.Write(body)
}

// maxCallback is the longest name of a JSONP callback.
const maxCallback = 64

// isCallback reports whether a text is a JavaScript identifier, or several with dots between: nothing that could run.
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
