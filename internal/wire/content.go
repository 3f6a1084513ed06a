package wire

import (
	"encoding/base64"
	"errors"
	"fmt"
	"io"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/mediatype"
)

// Content appends to dst the reply to a request whose action has answered with bytes, for a wire whose messages are JSON
// objects. The member "content" has the name, the media type, the size in bytes and the bytes in base64. If the bytes
// are more than most, or reading or closing fails, the reply is an error, as from [Failed], and Content logs an internal
// error. Content closes c. If the code of the app panics in c.Body, the panic passes through Content.
func Content(dst []byte, req *actionhero.Request, c *actionhero.Content, most int) (object []byte, failure *actionhero.Error) {
	object, err := appendContent(dst, c, most)
	if err == nil {
		return object, nil
	}
	if failure := actionhero.AsError(err); failure.Code == actionhero.CodeInternal {
		req.API.Log().Error("a content was not sent", "action", req.Action, "name", c.Name, "error", err.Error())
	}
	return Failed(dst, err)
}

func appendContent(dst []byte, c *actionhero.Content, most int) (object []byte, err error) {
	defer func() { // also after a panic in c.Body
		if closing := c.Close(); err == nil {
			err = closing
		}
	}()
	dst = jsonx.AppendString(append(dst, `{"context":"response","content":{"name":`...), c.Name)
	dst = jsonx.AppendString(append(dst, `,"type":`...), mediaType(c))
	body, err := readContent(c, most)
	if err != nil {
		return nil, err
	}
	dst = fmt.Appendf(dst, `,"size":%d,"base64":"`, len(body))
	return append(base64.StdEncoding.AppendEncode(dst, body), `"},"error":false`...), nil
}

// errNoBody is the cause of the error for a Content without a Body.
var errNoBody = errors.New("the action has answered with a Content without a Body")

func readContent(c *actionhero.Content, most int) ([]byte, error) {
	switch {
	case c.Body == nil:
		return nil, errNoBody
	case c.Size > int64(most):
		return nil, tooLarge(most)
	}
	body, err := io.ReadAll(io.LimitReader(c.Body, int64(most)+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the content of an answer cannot be read: %w", err)
	case len(body) > most:
		return nil, tooLarge(most)
	}
	return body, nil
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
