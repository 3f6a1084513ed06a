package tcp

import (
	"fmt"

	"github.com/actionhero-go/actionhero"
)

// stream sends the bytes of content without a JSON envelope, then a line end, and closes content. If sending fails,
// stream closes the connection, because the client could not tell where the next reply begins. This is also true after
// a panic of the content's Read or Close, which stream recovers and logs.
func (ss *session) stream(content *actionhero.Content) {
	whole := false
	defer func() {
		if whole {
			return
		}
		if p := recover(); p != nil {
			ss.logPanic(p)
		}
		ss.Close("a file could not be sent whole")
	}()
	defer content.Close()
	n, err := ss.out.Stream(content.Body, []byte("\r\n"))
	switch {
	case err != nil && ss.loop.Context().Err() == nil:
		ss.Close("a file could not be sent whole: " + err.Error())
	case err == nil && content.Size > 0 && n != content.Size:
		ss.server.api.Log().Error("a content has another size than it says", "name", content.Name, "size", fmt.Sprint(content.Size), "sent", fmt.Sprint(n))
	}
	whole = true
}
