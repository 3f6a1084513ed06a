package goruntime

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// HTTP sends each call as a request. It may be used by several goroutines at the same time, if its fields do not change.
type HTTP struct {
	URL     string        // of the server, such as "https://api.example.com"
	Auth    Auth          // default: none
	Client  *http.Client  // for cookies, certificates and proxies; default: http.DefaultClient
	Header  http.Header   // further headers of each request; default: none
	Timeout time.Duration // of a call with its retries, up to the beginning of a download, if its context has no deadline; default: 35 s
	Retries int           // of a call that may run twice; less than 0 is none; default: 2
}

// Call implements [Transport].
func (h *HTTP) Call(ctx context.Context, spec *Spec, in, out any, options ...Option) error {
	if !spec.isOver("web") {
		return spec.fail(CodeInvalidCall, "the action does not run over HTTP", nil)
	}
	c := newCall(spec, h.Retries, options)
	ctx, cancel := context.WithCancelCause(ctx)
	limit := (*time.Timer)(nil)
	if _, has := ctx.Deadline(); !has {
		timeout := h.Timeout
		if timeout <= 0 {
			timeout = defaultTimeout
		}
		limit = time.AfterFunc(timeout, func() { cancel(context.DeadlineExceeded) })
	}
	err := c.run(ctx, func(ctx context.Context) *Error { return h.attempt(ctx, c, in, out) })
	if limit != nil {
		limit.Stop()
	}
	if download, ok := out.(**Download); ok && err == nil {
		(*download).Body = &ending{(*download).Body, func() { cancel(nil) }}
		return nil
	}
	cancel(nil)
	return err
}

// ending is a body that ends its request when it is closed.
type ending struct {
	io.ReadCloser
	end func()
}

func (e *ending) Close() error {
	defer e.end()
	return e.ReadCloser.Close()
}

// attempt sends the call once, and once more with a new token if the server refuses the first one.
func (h *HTTP) attempt(ctx context.Context, c *call, in, out any) *Error {
	token, failure := tokenOf(ctx, c.spec, h.Auth, false)
	if failure == nil {
		failure = h.send(ctx, c, in, out, token)
	}
	if failure == nil || failure.Code != CodeUnauthenticated || token == "" || c.options.body != nil || c.once {
		return failure
	}
	fresh, again := tokenOf(ctx, c.spec, h.Auth, true)
	if again != nil || fresh == "" || fresh == token {
		return failure
	}
	return h.send(ctx, c, in, out, fresh)
}

func tokenOf(ctx context.Context, spec *Spec, auth Auth, refused bool) (string, *Error) {
	if auth == nil {
		return "", nil
	}
	token, err := auth(ctx, refused)
	if err != nil {
		return "", spec.fail(CodeUnauthenticated, "there is no token: "+err.Error(), err)
	}
	return token, nil
}

func (h *HTTP) send(ctx context.Context, c *call, in, out any, token string) *Error {
	req, failure := h.request(ctx, c, in)
	if failure != nil {
		return failure
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	if c.options.key != "" {
		req.Header.Set("Idempotency-Key", `"`+c.options.key+`"`)
	}
	client := h.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return c.spec.fail(CodeNetwork, "no answer: "+err.Error(), err)
	}
	if download, ok := out.(**Download); ok && resp.StatusCode < 300 {
		*download = newDownload(resp)
		return nil
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return c.spec.fail(CodeNetwork, "the answer is cut off: "+err.Error(), err)
	}
	return read(c.spec, resp, text, out)
}

// request returns the request of a call. It can be made once more for a retry.
func (h *HTTP) request(ctx context.Context, c *call, in any) (*http.Request, *Error) {
	if c.body != nil {
		_ = c.body.Close() // the transport may still read the body of the last attempt
	}
	object, failure := encodeInput(c.spec, in)
	if failure != nil {
		return nil, failure
	}
	address, kind, size := strings.TrimRight(h.URL, "/")+c.spec.Path, "application/json", int64(len(object))
	body := io.Reader(bytes.NewReader(object))
	uploads, hasFiles := in.(uploader)
	switch {
	case c.options.body != nil:
		address, body, kind, size = address+queryOf(object), c.options.body, c.options.contentType, -1
	case hasFiles:
		form, err := newForm(object, uploads.uploads())
		if err != nil {
			return nil, c.spec.fail(CodeInvalidCall, err.Error(), err)
		}
		if !form.isRepeatable {
			c.retries, c.once = 0, true
		}
		body, kind, size = form.body, form.contentType, form.size
	}
	if c.options.progress != nil {
		body = &counted{Reader: body, total: size, progress: c.options.progress}
	}
	c.body = &gate{from: body}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, c.body)
	if err != nil {
		return nil, c.spec.fail(CodeInvalidCall, "the URL of the server is malformed", err)
	}
	req.ContentLength = size
	for name, values := range h.Header {
		req.Header[name] = slices.Clone(values)
	}
	req.Header.Set("Accept", "application/json, application/problem+json, */*;q=0.5")
	req.Header.Set("Content-Type", kind)
	return req, nil
}

// queryOf returns the members of an object as a query.
func queryOf(object []byte) string {
	query := url.Values{}
	for _, m := range membersOf(object) {
		query.Set(m.name, m.text)
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + query.Encode()
}

// member is a member of an object, as the text of which the server makes its value again.
type member struct{ name, text string }

// membersOf returns the members of an object that are given, sorted by their names.
func membersOf(object []byte) (list []member) {
	members := map[string]json.RawMessage{}
	_ = json.Unmarshal(object, &members) // encodeInput has written it
	for name, value := range members {
		text := string(value)
		if text == "null" {
			continue
		}
		if value[0] == '"' {
			_ = json.Unmarshal(value, &text)
		}
		list = append(list, member{name, text})
	}
	slices.SortFunc(list, func(a, b member) int { return strings.Compare(a.name, b.name) })
	return list
}

// codeOfStatus has the codes of answers that actionHero has not written, such as those of a proxy.
var codeOfStatus = map[int]Code{
	400: CodeInvalidInput, 401: CodeUnauthenticated, 403: CodePermissionDenied, 404: CodeNotFound, 409: CodeConflict, 413: CodeInvalidInput,
	415: CodeInvalidInput, 422: CodeInvalidInput, 429: CodeResourceExhausted, 502: CodeUnavailable, 503: CodeUnavailable, 504: CodeUnavailable,
}

// read decodes the output in an answer, or returns its error. Both envelopes of the server are read.
func read(spec *Spec, resp *http.Response, text []byte, out any) *Error {
	ok := resp.StatusCode < 300
	var a answer
	if len(text) == 0 {
		text = []byte("{}")
	}
	err := json.Unmarshal(text, &a)
	if err != nil && ok && text[0] != '{' {
		return spec.fail(CodeProtocol, "the answer is no JSON object", err)
	}
	classic := a.Server != nil && a.Requestor != nil && a.Failure != nil
	if ok && (!classic || a.text() == "") {
		return decode(spec, text, classic, out)
	}
	fallback := codeOfStatus[resp.StatusCode]
	if fallback == "" {
		fallback = CodeProtocol
	}
	e := a.failure(spec, fallback)
	if e.Status = resp.StatusCode; e.Message == "" {
		e.Message = "the status is " + resp.Status
	}
	if id := resp.Header.Get("X-Request-Id"); id != "" {
		e.RequestID = id
	}
	if seconds, err := strconv.ParseUint(resp.Header.Get("Retry-After"), 10, 31); err == nil && !e.CanRetry {
		e.RetryAfter, e.CanRetry = time.Duration(seconds)*time.Second, true
	}
	return e
}
