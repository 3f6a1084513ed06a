package web

import (
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/mediatype"
	"github.com/actionhero-go/actionhero/transport"
)

// serveFile sends the file with the given name as the response to a request. If the file does not exist, the response
// has status 404. serveFile dispatches no action.
func (s *Server) serveFile(c *call, req *actionhero.Request, name string) {
	if method := c.r.Method; method != http.MethodGet && method != http.MethodHead {
		s.refuse(c, &wrongMethod{allowed: fileMethods})
		return
	}
	if s.serveCached(c, req, name) {
		return
	}
	content, err := s.api.Files.Open(name)
	if err != nil {
		s.logFile(c, req, name, http.StatusNotFound)
		s.sendNotFound(c, err)
		return
	}
	s.logFile(c, req, name, http.StatusOK)
	s.keepFile(name, content)
	if !s.redirectToFolder(c, content) {
		s.sendContent(c, content)
	}
}

func (s *Server) logFile(c *call, req *actionhero.Request, name string, status int) {
	if s.api.Config().LogRequests {
		s.api.Log().LogAttrs(c.r.Context(), slog.LevelInfo, "[file @ web]",
			slog.String("to", req.RemoteIP), slog.String("file", loggedName(name)), slog.Int("status", status))
	}
}

// keepFile keeps content, which was opened by this name, in memory for further requests, if it is small.
func (s *Server) keepFile(name string, content *actionhero.Content) {
	if s.pageEnd != nil {
		return
	}
	file := s.fileCache.load(name, content, s.api.StatFile, time.Now())
	if file == nil {
		return
	}
	if file.compresses = s.compresses(file.name, file.id.size); file.compresses {
		file.cost += int64(len(fileCodings)-1) * file.id.size // the compressed forms are kept, too
	}
	s.fileCache.add(file)
}

// loggedName returns the beginning of a long name of a file: clients must not be able to push older lines out of the log.
func loggedName(name string) string {
	const most = 256
	if len(name) <= most {
		return name
	}
	return fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(name[:most], ""), len(name))
}

var fileMethods = []string{http.MethodGet, http.MethodHead, http.MethodOptions}

// redirectToFolder redirects a browser that asks for a folder without the slash at the end, so that the relative links of
// the folder's index page work. It closes content and returns true if it has sent a redirect.
func (s *Server) redirectToFolder(c *call, content *actionhero.Content) bool {
	const index = "index.html"
	base := path.Base(c.r.URL.Path)
	if content.Name != index || base == index || strings.HasSuffix(c.r.URL.Path, "/") {
		return false
	}
	c.w.Header().Add("Vary", "Accept")
	if !acceptsHTML(c.r) {
		return false
	}
	_ = content.Close()
	location := "./" + path.Base(c.r.URL.EscapedPath()) + "/"
	if c.r.URL.RawQuery != "" {
		location += "?" + c.r.URL.RawQuery
	}
	redirect(c, location, http.StatusMovedPermanently)
	return true
}

// redirect sends a redirect to location, which may be relative to the URL that the client knows.
func redirect(c *call, location string, status int) {
	c.w.Header().Set("Location", location)
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(status)
}

// acceptsHTML reports whether the client names HTML in its header Accept, as browsers do when they load a page.
func acceptsHTML(r *http.Request) bool {
	for _, value := range r.Header["Accept"] {
		for item := range strings.SplitSeq(value, ",") {
			name, param, _ := strings.Cut(item, ";")
			if strings.EqualFold(strings.TrimSpace(name), "text/html") {
				return parseWeight(param) > 0
			}
		}
	}
	return false
}

func isNotFound(err error) bool {
	return errors.Is(err, actionhero.ErrFileNotFound) || errors.Is(err, actionhero.ErrIndexNotFound)
}

// sendNotFound sends a response with status 404 and a text from the configuration. The text depends on whether err
// reports a missing file or a missing index page.
func (s *Server) sendNotFound(c *call, err error) {
	cfg := s.api.Config()
	text := cfg.FlatFileNotFoundMessage
	if errors.Is(err, actionhero.ErrIndexNotFound) {
		text = cfg.FlatFileIndexPageNotFoundMessage
		if path := strings.Trim(c.r.URL.Path, "/"); path == s.cfg.Common.URLPathForFiles && acceptsHTML(c.r) {
			text += "\n<p>This page is the folder of static files (setting general.flatFileDirectory). Put an index.html into it.</p>\n"
		}
	}
	c.w.Header().Set("Content-Type", "text/html")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(c.w, text)
}

// setContentHeaders sets the media type and the time for which the client may cache content.
func (s *Server) setContentHeaders(c *call, content *actionhero.Content) {
	header := c.w.Header()
	contentType := content.Type
	if contentType == "" {
		contentType = mediatype.Of(content.Name)
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
	if header["Content-Disposition"] == nil {
		switch {
		case content.Download:
			header.Set("Content-Disposition", dispositionOf("attachment", content.Name))
		case content.Name != "" && !transport.IsStatic(content): // the path of a file ends with its name
			header.Set("Content-Disposition", dispositionOf("inline", content.Name))
		}
	}
	s.setCacheHeaders(header)
}

// dispositionOf returns the header Content-Disposition (RFC 6266) for a file with this name, without its folder and without
// control characters. kind is "attachment" if a browser saves the file, or "inline" if a browser shows it. If the name has
// characters that programs read differently, the header has it twice: in full, and for old programs with underscores.
func dispositionOf(kind, name string) string {
	name = fileName(name)
	plain := strings.Map(func(r rune) rune {
		if r > '~' || r == '"' || r == '%' {
			return '_'
		}
		return r
	}, name)
	header := mime.FormatMediaType(kind, map[string]string{"filename": plain})
	if plain != name {
		header += "; filename*=UTF-8''" + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
	}
	return header
}

// sendSeeker sends a body of which any part can be read. failure returns the first error of the app's code.
func (s *Server) sendSeeker(c *call, content *actionhero.Content, body io.ReadSeeker, failure func() error) {
	size, err := body.Seek(0, io.SeekEnd)
	if err != nil {
		s.failContent(c, err, false)
		return
	}
	if s.pageEnd != nil {
		content, body = s.endPage(content, body, size)
		if size, err = body.Seek(0, io.SeekEnd); err != nil {
			s.failContent(c, err, false)
			return
		}
	}
	s.setContentHeaders(c, content)
	header := c.w.Header()
	if header.Get("Etag") == "" {
		tag, err := etag(content, body, size, s.pageEnd == nil)
		if err != nil {
			s.failContent(c, err, false)
			return
		}
		header.Set("Etag", tag)
	}
	c.r = withUsualRange(c.r, size)
	w := c.w
	if c.status != 0 {
		w = &statusWriter{w, c.status}
	}
	if coding := s.fileCoding(c, header.Get("Content-Type"), size); coding != nil {
		coded := &codedWriter{ResponseWriter: w, coding: coding}
		defer coded.finish(size)
		w = coded
	}
	if c.r.Header["Range"] != nil {
		w = rangeWriter{w}
	}
	http.ServeContent(w, c.r, "", content.ModTime, body)
	if err := failure(); err != nil {
		s.failContent(c, err, true)
	}
}

func (s *Server) setCacheHeaders(header http.Header) {
	seconds := s.cfg.Common.FlatFileCacheDuration
	if header.Get("Cache-Control") != "" {
		return
	}
	if seconds < 0 {
		header.Set("Cache-Control", "no-store")
		return
	}
	header.Set("Cache-Control", fmt.Sprintf("max-age=%d, must-revalidate", seconds))
	header.Set("Expires", time.Now().Add(time.Duration(seconds)*time.Second).UTC().Format(http.TimeFormat))
}

// etag returns the ETag of a file, made of the size and the modification time of the file. A file in the program has no
// modification time. Its ETag is therefore made of the size and a checksum of the bytes, which the server knows unless it has
// changed the bytes.
func etag(content *actionhero.Content, body io.ReadSeeker, size int64, isSame bool) (string, error) {
	if !content.ModTime.IsZero() {
		return fmt.Sprintf(`"%x-%x"`, size, content.ModTime.UnixNano()), nil
	}
	if sum, ok := transport.Checksum(content); ok && isSame {
		return fmt.Sprintf(`"%x-%x"`, size, sum), nil
	}
	if _, err := body.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	if _, err := io.Copy(sum, body); err != nil {
		return "", err
	}
	return fmt.Sprintf(`"%x-%x"`, size, sum.Sum32()), nil
}

// statusWriter is an http.ResponseWriter. If [http.ServeContent] writes the status 200, statusWriter replaces this
// status with the status that the action has set.
type statusWriter struct {
	http.ResponseWriter
	status int
}

func (w *statusWriter) WriteHeader(status int) {
	if status == http.StatusOK {
		status = w.status
	}
	w.ResponseWriter.WriteHeader(status)
}
