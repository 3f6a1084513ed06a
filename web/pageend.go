package web

import (
	"bytes"
	"io"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/mediatype"
	"github.com/actionhero-go/actionhero/transport"
)

// EndPages makes the server append what end returns to each HTML page among the static files. It is for tools of
// development: see the command "actionhero dev". Call it before Start.
func (s *Server) EndPages(end func() string) { s.pageEnd = end }

// maxPage is the size of the largest page that gets an end, in bytes.
const maxPage = 8 << 20

// endPage returns the page with its end. Length, ranges and ETag follow from the bytes that the client receives. A file
// that is no page, or whose characters are not single bytes, stays as it is.
func (s *Server) endPage(content *actionhero.Content, body io.ReadSeeker, size int64) (*actionhero.Content, io.ReadSeeker) {
	mediaType := content.Type
	if mediaType == "" {
		mediaType = mediatype.Of(content.Name)
	}
	if !transport.IsStatic(content) || !strings.HasPrefix(mediaType, "text/html") || size > maxPage {
		return content, body
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return content, body
	}
	text, err := io.ReadAll(io.LimitReader(body, maxPage))
	if err != nil || bytes.HasPrefix(text, []byte("\xff\xfe")) || bytes.HasPrefix(text, []byte("\xfe\xff")) {
		return content, body
	}
	page := *content
	page.ModTime = time.Time{} // so that the ETag is made of the bytes
	return &page, bytes.NewReader(append(text, s.pageEnd()...))
}
