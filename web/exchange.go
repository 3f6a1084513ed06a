package web

import (
	"context"
	"errors"
	"net/http"
	"os"

	"github.com/actionhero-go/actionhero"
)

// exchange is what this package keeps of a call: the Extra of its Request.
type exchange struct {
	req       actionhero.Request
	w         http.ResponseWriter
	r         *http.Request
	status    int        // what the action set, or what the failure has; 0: by the outcome
	location  string     // of a redirect
	taken     bool       // the action writes the answer itself
	temporary []*os.File // of uploads
}

// RequestHeader is what actionhero.Request.Header asks for.
func (x *exchange) RequestHeader(name string) string { return x.r.Header.Get(name) }

func (x *exchange) removeFiles() {
	for _, f := range x.temporary {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
}

// refusal turns what is wrong with a request into the error that the client gets, and sets its status where the code
// alone does not tell.
func (x *exchange) refusal(err error) error {
	if err == nil {
		return nil
	}
	var wrong *wrongMethod
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &wrong):
		x.status = http.StatusMethodNotAllowed
		for _, m := range wrong.allowed {
			x.w.Header().Add("Allow", m)
		}
		return actionhero.Errorf(actionhero.CodeInvalidInput, "%s", wrong)
	case errors.As(err, &large):
		x.status = http.StatusRequestEntityTooLarge
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the body may have %d bytes at most", large.Limit)
	case isTimeout(err):
		x.status = http.StatusRequestTimeout
		x.w.Header().Set("Connection", "close")
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the body did not come in time")
	case errors.Is(err, errContentType):
		x.status = http.StatusUnsupportedMediaType
	}
	return err
}

func from(ctx context.Context) *exchange {
	req := actionhero.RequestFrom(ctx)
	if req == nil {
		return nil
	}
	x, _ := req.Extra.(*exchange)
	return x
}

// Request returns the HTTP request behind an action's context, nil if it came over another transport.
func Request(ctx context.Context) *http.Request {
	if x := from(ctx); x != nil {
		return x.r
	}
	return nil
}

// SetStatus sets the HTTP status of a successful answer. Over other transports it does nothing.
func SetStatus(ctx context.Context, status int) {
	if x := from(ctx); x != nil {
		x.status = status
	}
}

// Header returns the headers of the answer, to be changed. Over other transports they lead nowhere.
func Header(ctx context.Context) http.Header {
	if x := from(ctx); x != nil {
		return x.w.Header()
	}
	return http.Header{}
}

// SetCookie adds a cookie to the answer. Over other transports it does nothing.
func SetCookie(ctx context.Context, cookie *http.Cookie) {
	if x := from(ctx); x != nil {
		http.SetCookie(x.w, cookie)
	}
}

// Redirect makes a successful answer a redirect with a status from 300 to 399. Over other transports it does nothing,
// and the client gets what the action returns.
func Redirect(ctx context.Context, url string, status int) {
	if x := from(ctx); x != nil {
		x.location, x.status = url, status
	}
}

// Writer gives an action the answer to write by itself: what it returns is then not sent, and an error only logged. If it
// panics, runs out of time or returns an error of its own, one without a code, the answer is cut off so that the client
// can tell. It returns nil over other transports.
func Writer(ctx context.Context) http.ResponseWriter {
	x := from(ctx)
	if x == nil {
		return nil
	}
	x.taken = true
	return x.w
}
