package oauth

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/web"
)

// failure is an error with a code of the RFCs, which the client reads.
type failure struct {
	code, text string
	status     int
	basic      bool // the client has used HTTP Basic, so it gets a challenge (RFC 6749, 5.2)
}

func (f *failure) Error() string { return f.code + ": " + f.text }

func fail(code, text string) error {
	return &failure{code: code, text: text, status: http.StatusBadRequest}
}

func refusedClient(basic bool, text string) error {
	return &failure{code: "invalid_client", text: text, status: http.StatusUnauthorized, basic: basic}
}

// asFailure returns the error as a client reads it. A fault of the server has no details.
func (n *node) asFailure(r *http.Request, err error) *failure {
	if f, ok := errors.AsType[*failure](err); ok {
		return f
	}
	e := actionhero.AsError(err)
	switch e.Code {
	case actionhero.CodeResourceExhausted:
		return &failure{code: "temporarily_unavailable", text: e.Message, status: http.StatusTooManyRequests}
	case actionhero.CodeUnavailable:
		n.log(r, "a request failed", "error", err.Error())
		return &failure{code: "temporarily_unavailable", text: "the server cannot do this now: try again", status: http.StatusServiceUnavailable}
	}
	n.api.Log().Error("oauth: a request failed", "path", r.URL.Path, "error", err.Error())
	return &failure{code: "server_error", text: "the server has failed", status: http.StatusInternalServerError}
}

// log writes a line about a step of a client.
func (n *node) log(r *http.Request, what string, attrs ...any) {
	n.api.Log().Info("oauth: "+what, append(attrs, "from", n.remoteIP(r))...)
}

func (n *node) remoteIP(r *http.Request) string {
	if n.web == nil {
		return r.RemoteAddr
	}
	return n.web.RemoteIP(r)
}

// handler is a handler that a web server tells itself.
type handler struct {
	*node
	serve func(http.ResponseWriter, *http.Request)
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) { h.serve(w, r) }

// endpoint returns the handler of an endpoint for programs. Pages of all origins may use it: it reads no cookies.
func (n *node) endpoint(serve func(http.ResponseWriter, *http.Request) error) http.Handler {
	return web.CrossOrigin(web.MaxBody(maxBodyBytes, handler{n, func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Access-Control-Expose-Headers", "Retry-After, WWW-Authenticate")
		if r.Method == http.MethodOptions {
			header.Set("Access-Control-Allow-Methods", "GET, POST")
			header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, MCP-Protocol-Version")
			header.Set("Access-Control-Max-Age", "86400")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		header.Set("Cache-Control", "no-store")
		if err := serve(w, r); err != nil {
			f := n.asFailure(r, err)
			if f.status == http.StatusTooManyRequests {
				header.Set("Retry-After", strconv.Itoa(int(actionhero.AsError(err).RetryAfter.Seconds())+1))
			}
			if f.basic {
				header.Set("WWW-Authenticate", `Basic realm="oauth"`)
			}
			_ = writeJSON(w, f.status, map[string]string{"error": f.code, "error_description": f.text})
		}
	}}))
}

func writeJSON(w http.ResponseWriter, status int, value any) error {
	text, err := jsonx.Marshal(value)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // the client may have gone
	return nil
}

func notAllowed(w http.ResponseWriter, methods string) error {
	w.Header().Set("Allow", methods)
	return &failure{code: "invalid_request", text: "the method is not allowed here", status: http.StatusMethodNotAllowed}
}

// form returns the params of the body of a POST.
func form(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	if r.Method != http.MethodPost {
		return nil, notAllowed(w, "POST, OPTIONS")
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
		return nil, fail("invalid_request", "the Content-Type must be application/x-www-form-urlencoded")
	}
	if err := r.ParseForm(); err != nil {
		return nil, fail("invalid_request", "the body cannot be read: "+err.Error())
	}
	return r.PostForm, once(r.PostForm)
}

// once returns an error if a param is given more than once (RFC 6749, 3.1 and 3.2).
func once(form url.Values) error {
	for name, values := range form {
		if len(values) > 1 {
			return fail("invalid_request", fmt.Sprintf("the param %.50q is given more than once", name))
		}
	}
	return nil
}
