package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/appbody"
)

// sendContent sends content as the response and closes content. If content.Body is an [io.ReadSeeker], sendContent
// supports range requests and conditional requests.
func (s *Server) sendContent(c *call, content *actionhero.Content) {
	body := s.contentBody(c, content)
	defer s.closeContent(c, body)
	switch seeker, ok := seekerOf(content); {
	case content.Body == nil:
		s.failContent(c, errors.New("the Content has no Body"), false)
	case !body.Admitted():
		s.failContent(c, errBusy, false)
	case !ok:
		s.setContentHeaders(c, content)
		s.sendStream(c, content, body)
	default:
		if file, ok := seeker.(*os.File); ok {
			s.sendSeeker(c, content, file, body.Err) // a file does not panic, and the kernel can send it
			return
		}
		s.sendSeeker(c, content, body, body.Err)
	}
}

// closeContent closes a Content. An error or a panic of Close is logged, because the response has been sent.
func (s *Server) closeContent(c *call, body *appbody.Body) {
	if err := body.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		s.logContent(c, fmt.Errorf("close: %w", err))
	}
}

func (s *Server) logContent(c *call, err error) {
	s.api.Log().Error("the content of an answer failed", "to", c.req.RemoteIP, "action", c.req.Action, "error", err.Error())
}

// failContent ends the response of a Content that failed with err. If nothing has been sent, the client receives an
// internal error, or err if it has a code of its own. Otherwise failContent aborts the response, so that the client detects the incomplete response.
func (s *Server) failContent(c *call, err error, begun bool) {
	if err != appbody.ErrLeft && err != errBusy {
		s.logContent(c, err)
	}
	if begun {
		panic(http.ErrAbortHandler)
	}
	header := c.w.Header()
	for _, name := range []string{"Content-Length", "Content-Encoding", "Etag", "Expires", "Last-Modified", "Accept-Ranges", "Content-Disposition"} {
		header.Del(name)
	}
	header.Set("Cache-Control", "no-store")
	c.status = 0
	s.sendEnvelope(c, &c.req, nil, err)
}

// sendStream sends a body of which only the beginning can be read. If the Content has no size, or a size of 0, the body
// has any length.
func (s *Server) sendStream(c *call, content *actionhero.Content, body *appbody.Body) {
	if c.hasStream(content) {
		for _, name := range []string{"Content-Type", "Content-Disposition"} {
			delete(c.w.Header(), name)
		}
		c.w.WriteHeader(http.StatusNotModified)
		return
	}
	var first []byte
	if c.r.Method != http.MethodHead {
		buf := make([]byte, 4<<10) // read before the head is sent, so that an error still has a status
		n, err := body.Read(buf)
		if first = buf[:n]; n == 0 && body.Err() != nil {
			s.failContent(c, err, false)
			return
		}
	}
	if content.Size > 0 {
		c.w.Header().Set("Content-Length", strconv.FormatInt(content.Size, 10))
	}
	c.w.WriteHeader(max(c.status, http.StatusOK))
	if c.r.Method == http.MethodHead {
		return
	}
	limit := int64(1<<63 - 1)
	if content.Size > 0 {
		limit = content.Size
	}
	rest := io.MultiReader(bytes.NewReader(first), body)
	n, err := io.Copy(c.w, io.LimitReader(rest, limit))
	switch {
	case body.Err() != nil:
		s.failContent(c, body.Err(), true)
	case err != nil:
		panic(http.ErrAbortHandler) // the client is gone
	case content.Size > 0 && n < limit:
		s.failContent(c, fmt.Errorf("the Size is %d, but the Body has %d bytes", limit, n), true)
	case content.Size > 0:
		if n, _ := rest.Read(make([]byte, 1)); n > 0 {
			s.logContent(c, fmt.Errorf("the Size is %d, but the Body has more bytes: they were not sent", limit))
		}
	}
}

// hasStream reports whether the client has the version of a stream that its ModTime and the header ETag of the action
// name. It sets the header Last-Modified. For other bodies, [http.ServeContent] does both.
func (c *call) hasStream(content *actionhero.Content) bool {
	header := c.w.Header()
	if !content.ModTime.IsZero() && header["Last-Modified"] == nil {
		header.Set("Last-Modified", content.ModTime.UTC().Format(http.TimeFormat))
	}
	switch {
	case c.status > http.StatusOK || c.r.Method != http.MethodGet && c.r.Method != http.MethodHead:
		return false
	case c.r.Header["If-None-Match"] != nil:
		return listsTag(c.r.Header["If-None-Match"], header.Get("Etag"))
	}
	since, err := http.ParseTime(c.r.Header.Get("If-Modified-Since"))
	return err == nil && !content.ModTime.IsZero() && !content.ModTime.Truncate(time.Second).After(since)
}
