package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// The plain envelope, commonWeb.envelope "plain": an answer is the output alone, and an error is a problem of RFC 9457.

var (
	problemType    = []string{"application/problem+json"}
	problemXMLType = []string{"application/problem+xml"}
)

// checkPlain returns an error if a setting asks for a part of the classic envelope that the plain envelope does not have.
func (c *CommonConfig) checkPlain() error {
	if c.Envelope != "plain" {
		return nil
	}
	var wrong []error
	refuse := func(name, why string) {
		wrong = append(wrong, fmt.Errorf("commonWeb.envelope is plain and commonWeb.%s: %s", name, why))
	}
	if choice(c.JSONP, false) {
		refuse("jsonp is on", "only the classic envelope has JSONP, so turn one of them off")
	}
	if choice(c.EchoParams, false) {
		refuse("echoParams is on", "only the classic envelope repeats params, so turn one of them off")
	}
	if !choice(c.ReturnErrorCodes, true) {
		refuse("returnErrorCodes is off", "the status of a plain answer tells an error from an output, so turn it on")
	}
	return errors.Join(wrong...)
}

// appendPlain appends the answer to a request in the plain envelope to dst, and sets its headers. A body of nothing means
// that the answer has none. It returns the extended dst and the error in the answer, as appendEnvelope does.
func (s *Server) appendPlain(dst []byte, c *call, out any, err error) ([]byte, *actionhero.Error) {
	req := &c.req
	c.asXML = c.asXML || prefersXML(c.r)
	if err == nil {
		if c.hasNoBody(out) {
			return dst, nil
		}
		if dst, err = transport.AppendObject(append(dst, '{'), req, out); err == nil {
			return s.finishPlain(append(dst, '}'), c, nil)
		}
		dst = dst[:0]
	}
	failure := actionhero.AsError(err)
	return s.finishPlain(s.appendProblem(dst, c, failure), c, failure)
}

// hasNoBody reports whether the answer with the output out has no body. It sets the status 204 if the action has set none.
func (c *call) hasNoBody(out any) bool {
	if isNothing(out) {
		c.status = cmp.Or(c.status, http.StatusNoContent)
		return true
	}
	switch c.status {
	case http.StatusNoContent, http.StatusResetContent, http.StatusNotModified:
		return true
	}
	return c.isNotModified()
}

func isNothing(out any) bool {
	_, none := out.(actionhero.None)
	return none || out == nil
}

// isNotModified reports whether the client has the version of the output that the action names in the header ETag. It
// then sets the status 304.
func (c *call) isNotModified() bool {
	asked := c.r.Header["If-None-Match"]
	if asked == nil || c.status > http.StatusOK || c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return false
	}
	if !listsTag(asked, c.w.Header().Get("Etag")) {
		return false
	}
	c.status = http.StatusNotModified
	header := c.w.Header()
	header.Add("Vary", "Accept") // as the answer with a body (RFC 9110 section 15.4.5)
	if *c.server.cfg.Common.Compress {
		header.Add("Vary", "Accept-Encoding") // a body that is not made may be long enough to be compressed
	}
	return true
}

// listsTag reports whether values, those of the header If-None-Match, list the ETag tag. It compares weakly (RFC 9110
// section 8.8.3.2).
func listsTag(values []string, tag string) bool {
	if tag = strings.TrimPrefix(tag, "W/"); tag == "" {
		return false
	}
	for _, value := range values {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item == "*" || strings.TrimPrefix(item, "W/") == tag {
				return true
			}
		}
	}
	return false
}

// appendProblem appends failure to dst as a problem (RFC 9457). The members code, errors and retryAfter are extensions.
func (s *Server) appendProblem(dst []byte, c *call, failure *actionhero.Error) []byte {
	status := s.statusOf(c, failure, false)
	title := http.StatusText(status)
	if status == statuses[actionhero.CodeCanceled] {
		title = "Client Closed Request" // nginx has introduced it
	}
	dst = jsonx.AppendString(append(dst, `{"type":"about:blank","title":`...), title)
	dst = strconv.AppendInt(append(dst, `,"status":`...), int64(status), 10)
	dst = jsonx.AppendString(append(dst, `,"detail":`...), failure.Message)
	dst = jsonx.AppendString(append(dst, `,"instance":`...), c.req.ID())
	dst = jsonx.AppendString(append(dst, `,"code":`...), failure.Code.String())
	for i, d := range failure.Details {
		if dst = append(dst, ','); i == 0 {
			dst = append(dst, `"errors":[`...)
		}
		dst = jsonx.AppendString(append(dst, `{"field":`...), d.Field)
		dst = jsonx.AppendString(append(dst, `,"rule":`...), d.Rule)
		dst = append(jsonx.AppendString(append(dst, `,"message":`...), d.Message), '}')
	}
	if len(failure.Details) > 0 {
		dst = append(dst, ']')
	}
	if failure.RetryAfter > 0 {
		dst = strconv.AppendInt(append(dst, `,"retryAfter":`...), wholeSeconds(failure.RetryAfter), 10)
	}
	return append(dst, '}')
}

// finishPlain sets the headers of an answer whose JSON is object, and returns object in the form that the client asks for.
func (s *Server) finishPlain(object []byte, c *call, failure *actionhero.Error) ([]byte, *actionhero.Error) {
	header := c.w.Header
	if !c.asXML {
		if failure == nil {
			s.fixed.setJSON(c.w)
			return object, nil
		}
		header().Add("Vary", "Accept")
		header()["Content-Type"] = problemType
		return object, failure
	}
	root, mediaType := xmlRoot{name: "XML"}, xmlType
	if failure != nil {
		root, mediaType = xmlRoot{"problem", ` xmlns="urn:ietf:rfc:7807"`}, problemXMLType
	}
	as, fits := appendXML(nil, object, root)
	switch {
	case fits:
		header().Add("Vary", "Accept")
		header()["Content-Type"] = mediaType
		return as, failure
	case failure == nil:
		failure = errXMLTooLarge
		return s.finishPlain(s.appendProblem(object[:0], c, failure), c, failure)
	}
	c.asXML = false // an error too large as XML is sent as JSON
	return s.finishPlain(object, c, failure)
}

// prefersXML reports whether the client prefers XML to JSON. A browser accepts XML and anything else, so a wildcard
// counts as JSON.
func prefersXML(r *http.Request) bool {
	var asXML, asJSON, wild float64
	for _, value := range r.Header["Accept"] {
		for item := range strings.SplitSeq(value, ",") {
			name, param, _ := strings.Cut(item, ";")
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "application/xml", "text/xml", "application/problem+xml":
				asXML = max(asXML, parseWeight(param))
			case "application/json", "application/problem+json":
				asJSON = max(asJSON, parseWeight(param))
			case "*/*", "application/*":
				wild = max(wild, parseWeight(param))
			}
		}
	}
	return asXML > asJSON && (asJSON > 0 || wild == 0)
}

// errNoRoute is the error for a request whose path leads nowhere. The classic envelope names the unknown action instead.
func errNoRoute(r *http.Request) error {
	return actionhero.Errorf(actionhero.CodeNotFound, "there is nothing at the path %.200q", r.URL.Path)
}
