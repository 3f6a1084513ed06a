package wire

import (
	"context"
	"encoding/base64"
	"fmt"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/internal/netlisten"
	"github.com/actionhero-go/actionhero/transport"
)

// ContentLimits bound the answer with a Content.
type ContentLimits struct {
	Bytes int           // the size of the Content
	Time  time.Duration // of each call of the Body: the setting webSockets.writeTimeout
}

// Content appends to dst the reply to a request whose action has answered with bytes, for a wire whose messages are JSON
// objects. The member "content" has the name, the media type, the size in bytes and the bytes in base64. If the bytes
// exceed the limits, or reading or closing fails, the reply is an error, as from [Failed], and Content logs an internal
// error. Content closes c. ctx ends when the client leaves.
func Content(ctx context.Context, dst []byte, req *actionhero.Request, c *actionhero.Content, limits ContentLimits) (object []byte, failure *actionhero.Error) {
	text, failure := transport.ReadContent(ctx, req, c, transport.ContentLimits{
		Bytes: limits.Bytes, Time: limits.Time, TimeSetting: "webSockets.writeTimeout", Client: netlisten.ClientKey(req.Conn.Remote.Addr()),
	})
	if failure != nil {
		return Failed(dst, failure)
	}
	dst = jsonx.AppendString(append(dst, `{"context":"response","content":{"name":`...), c.Name)
	dst = jsonx.AppendString(append(dst, `,"type":`...), transport.MediaType(c))
	dst = fmt.Appendf(dst, `,"size":%d,"base64":"`, len(text))
	return append(base64.StdEncoding.AppendEncode(dst, text), `"},"error":false`...), nil
}
