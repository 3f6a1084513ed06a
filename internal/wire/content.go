package wire

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/appbody"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/mediatype"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/transport"
)

// ContentLimits bound the answer with a Content.
type ContentLimits struct {
	Bytes int           // the size of the Content
	Time  time.Duration // of each call of the Body: the setting webSockets.writeTimeout
}

// errLate is the error of a Body that returned nothing within ContentLimits.Time.
var errLate = fmt.Errorf("the Body of the Content returned nothing for webSockets.writeTimeout: %w",
	actionhero.Errorf(actionhero.CodeDeadlineExceeded, "The request took too long"))

var errBusy = &actionhero.Error{
	Code: actionhero.CodeUnavailable, Message: "the server reads as many contents as it may: try again later", RetryAfter: time.Second,
}

// Content appends to dst the reply to a request whose action has answered with bytes, for a wire whose messages are JSON
// objects. The member "content" has the name, the media type, the size in bytes and the bytes in base64. If the bytes
// exceed the limits, or reading or closing fails, the reply is an error, as from [Failed], and Content logs an internal
// error. Content closes c. ctx ends when the client leaves.
func Content(ctx context.Context, dst []byte, req *actionhero.Request, c *actionhero.Content, limits ContentLimits) (object []byte, failure *actionhero.Error) {
	logFailure := func(err error) {
		req.API.Log().Error("a content was not sent", "action", req.Action, "name", c.Name, "error", err.Error())
	}
	body := appbody.New(c.Body, transport.IsStatic(c), appbody.Options{
		Abandoned: transport.Of(req.API).AbandonedBudget(), Client: netlisten.ClientKey(req.Conn.Remote.Addr()), Context: ctx,
		Limit: limits.Time, Late: errLate, Log: logFailure,
	})
	object, err := appendContent(dst, c, body, limits.Bytes)
	if err == nil {
		return object, nil
	}
	if code := actionhero.AsError(err).Code; err != appbody.ErrLeft && (code == actionhero.CodeInternal || code == actionhero.CodeDeadlineExceeded) {
		logFailure(err)
	}
	return Failed(dst, err)
}

func appendContent(dst []byte, c *actionhero.Content, body *appbody.Body, most int) (object []byte, err error) {
	defer func() {
		if closing := body.Close(); err == nil {
			err = closing
		}
	}()
	dst = jsonx.AppendString(append(dst, `{"context":"response","content":{"name":`...), c.Name)
	dst = jsonx.AppendString(append(dst, `,"type":`...), mediaType(c))
	text, err := readContent(c, body, most)
	if err != nil {
		return nil, err
	}
	dst = fmt.Appendf(dst, `,"size":%d,"base64":"`, len(text))
	return append(base64.StdEncoding.AppendEncode(dst, text), `"},"error":false`...), nil
}

// errNoBody is the cause of the error for a Content without a Body.
var errNoBody = errors.New("the action has answered with a Content without a Body")

func readContent(c *actionhero.Content, body *appbody.Body, most int) ([]byte, error) {
	switch {
	case c.Body == nil:
		return nil, errNoBody
	case !body.Admitted():
		return nil, errBusy
	case c.Size > int64(most):
		return nil, tooLarge(most)
	}
	text, err := io.ReadAll(io.LimitReader(body, int64(most)+1))
	switch {
	case err == appbody.ErrLeft:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("the content of an answer cannot be read: %w", err)
	case len(text) > most:
		return nil, tooLarge(most)
	}
	return text, nil
}

func tooLarge(most int) error {
	return actionhero.Errorf(actionhero.CodeResourceExhausted, "this answer has more than %d bytes: ask for it over HTTP", most)
}

// mediaType returns the media type of c: the type that the action has set, or the type for the extension of the name.
func mediaType(c *actionhero.Content) string {
	if c.Type != "" {
		return c.Type
	}
	return mediatype.Of(c.Name)
}
