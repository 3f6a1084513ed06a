package transport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/appbody"
	"github.com/actionhero-go/actionhero/internal/mediatype"
)

// ContentLimits bound the reading of a Content, for [ReadContent].
type ContentLimits struct {
	Bytes       int           // the size of the Content
	Time        time.Duration // of each call of the Body
	TimeSetting string        // the name of the setting of Time, for the log
	Client      netip.Prefix  // counts against the bodies that never return; the zero value for a client of which many may have the address
}

var errBusy = &actionhero.Error{
	Code: actionhero.CodeUnavailable, Message: "the server reads as many contents as it may: try again later", RetryAfter: time.Second,
}

// errNoBody is the cause of the error for a Content without a Body.
var errNoBody = errors.New("the action has answered with a Content without a Body")

// ReadContent reads all bytes of c, the output of the action of req, and closes c. It is for a transport whose messages hold
// whole outputs. The code of the app behind c may panic or block: ReadContent returns nevertheless. If the bytes exceed the
// limits, or reading or closing fails, the error is the one for the client, and ReadContent has logged an internal error.
// ctx ends when the client leaves.
func ReadContent(ctx context.Context, req *actionhero.Request, c *actionhero.Content, limits ContentLimits) ([]byte, *actionhero.Error) {
	logFailure := func(err error) {
		req.API.Log().Error("a content was not sent", "action", req.Action, "name", c.Name, "error", err.Error())
	}
	late := fmt.Errorf("the Body of the Content returned nothing for %s: %w", limits.TimeSetting,
		actionhero.Errorf(actionhero.CodeDeadlineExceeded, "The request took too long"))
	body := appbody.New(c.Body, IsStatic(c), appbody.Options{
		Abandoned: Of(req.API).AbandonedBudget(), Client: limits.Client, Context: ctx, Limit: limits.Time, Late: late, Log: logFailure,
	})
	bytes, err := readBody(c, body, limits.Bytes)
	if closing := body.Close(); err == nil {
		err = closing
	}
	if err == nil {
		return bytes, nil
	}
	failure := actionhero.AsError(err)
	if err != appbody.ErrLeft && (failure.Code == actionhero.CodeInternal || failure.Code == actionhero.CodeDeadlineExceeded) {
		logFailure(err)
	}
	return nil, failure
}

func readBody(c *actionhero.Content, body *appbody.Body, most int) ([]byte, error) {
	switch {
	case c.Body == nil:
		return nil, errNoBody
	case !body.Admitted():
		return nil, errBusy
	case c.Size > int64(most):
		return nil, tooLarge(most)
	}
	bytes, err := io.ReadAll(io.LimitReader(body, int64(most)+1))
	switch {
	case err == appbody.ErrLeft:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("the content of an answer cannot be read: %w", err)
	case len(bytes) > most:
		return nil, tooLarge(most)
	}
	return bytes, nil
}

func tooLarge(most int) error {
	return actionhero.Errorf(actionhero.CodeResourceExhausted, "this answer has more than %d bytes: ask for it over HTTP", most)
}

// MediaType returns the media type of c: the type that the action has set, or the type for the extension of the name.
func MediaType(c *actionhero.Content) string {
	if c.Type != "" {
		return c.Type
	}
	return mediatype.Of(c.Name)
}
