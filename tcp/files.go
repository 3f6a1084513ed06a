package tcp

import (
	"errors"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/appbody"
	"github.com/actionhero-go/actionhero/transport"
)

// errLate is the error of a Body that returned nothing within the write timeout.
var errLate = errors.New("the Body of the Content returned nothing for tcpServer.writeTimeout")

// errContentBusy is the answer to a request whose Content cannot be read, because the code of too many others has not returned.
var errContentBusy = &actionhero.Error{
	Code: actionhero.CodeUnavailable, Message: "the server reads as many contents as it may: try again later", RetryAfter: time.Second,
}

// stream sends the bytes of content without a JSON envelope, then a line end, and closes content. If sending fails,
// stream closes the connection, because the client could not tell where the next reply begins. This is also true after
// a panic of the content's Read or Close, and if one of them blocks: then stream ends when the client leaves or the write
// timeout has passed. stream returns false if it has sent nothing, because too many contents block.
func (ss *session) stream(content *actionhero.Content) (sent bool) {
	body := ss.body(content)
	defer func() {
		if err := body.Close(); err != nil {
			ss.logContent(content, fmt.Errorf("close: %w", err))
			ss.Close("a file could not be sent whole")
		}
	}()
	if !body.Admitted() {
		return false
	}
	n, err := ss.out.Stream(body, []byte("\r\n"))
	switch {
	case body.Err() != nil && body.Err() != appbody.ErrLeft:
		ss.logContent(content, body.Err())
		ss.Close("a file could not be sent whole")
	case err != nil && ss.loop.Context().Err() == nil:
		ss.Close("a file could not be sent whole: " + err.Error())
	case err == nil && content.Size > 0 && n != content.Size:
		ss.server.api.Log().Error("a content has another size than it says", "name", content.Name, "size", fmt.Sprint(content.Size), "sent", fmt.Sprint(n))
	}
	return true
}

func (ss *session) body(content *actionhero.Content) *appbody.Body {
	if transport.IsStatic(content) {
		return appbody.New(content.Body, true, appbody.Options{})
	}
	return appbody.New(content.Body, false, appbody.Options{
		Abandoned: ss.server.api.AbandonedBudget(), Client: ss.out.Client(), Context: ss.loop.Context(),
		Limit: ss.server.cfg.WriteTimeout, Late: errLate, Log: func(err error) { ss.logContent(content, err) },
	})
}

func (ss *session) logContent(content *actionhero.Content, err error) {
	ss.server.api.Log().Error("the content of an answer failed", "to", ss.ip, "name", content.Name, "error", err.Error())
}
