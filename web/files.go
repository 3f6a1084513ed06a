package web

import (
	"cmp"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/actionhero-go/actionhero"
)

// serveFile sends the file with the given name as the response to a request. If the file does not exist, the response
// has status 404. serveFile dispatches no action.
func (s *Server) serveFile(c *call, req *actionhero.Request, name string) {
	content, err := s.api.Files.Open(name)
	status := http.StatusOK
	if err != nil {
		status = http.StatusNotFound
	}
	if s.api.Config().LogRequests {
		s.api.Log().LogAttrs(c.r.Context(), slog.LevelInfo, "[file @ web]",
			slog.String("to", req.RemoteIP), slog.String("file", name), slog.Int("status", status))
	}
	if err != nil {
		s.sendNotFound(c, err)
		return
	}
	s.sendContent(c, content)
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
	}
	c.w.Header().Set("Content-Type", "text/html")
	c.w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	c.w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(c.w, text)
}

// dispositionOf returns the header Content-Disposition that makes a browser save a response as a file with this name. The
// name has no folder and no control characters.
func dispositionOf(name string) string {
	name = fileName(name)
	return cmp.Or(mime.FormatMediaType("attachment", map[string]string{"filename": name}), "attachment")
}

// sendContent sends content as the response and closes content. If content.Body is an [io.ReadSeeker], sendContent
// supports range requests and conditional requests.
func (s *Server) sendContent(c *call, content *actionhero.Content) {
	defer content.Close()
	header := c.w.Header()
	contentType := content.Type
	if contentType == "" {
		contentType = contentTypeOf(content.Name)
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
	s.setCacheHeaders(header)
	if content.Download {
		header.Set("Content-Disposition", dispositionOf(content.Name))
	}
	body, ok := content.Body.(io.ReadSeeker)
	if !ok {
		s.sendStream(c, content)
		return
	}
	if header.Get("Etag") == "" {
		header.Set("Etag", etag(content, body))
	}
	w := c.w
	if c.status != 0 {
		w = &statusWriter{w, c.status}
	}
	size, err := body.Seek(0, io.SeekEnd)
	if coding := s.fileCoding(c, header.Get("Content-Type"), size); coding != nil && err == nil {
		coded := &codedWriter{ResponseWriter: w, coding: coding}
		defer coded.finish(size)
		w = coded
	}
	http.ServeContent(w, c.r, "", content.ModTime, body)
}

func (s *Server) sendStream(c *call, content *actionhero.Content) {
	if content.Size >= 0 {
		c.w.Header().Set("Content-Length", strconv.FormatInt(content.Size, 10))
	}
	c.w.WriteHeader(max(c.status, http.StatusOK))
	if c.r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(c.w, content.Body); err != nil {
		panic(http.ErrAbortHandler) // the client must not take a part for the complete response
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

// etag returns the ETag of a file, made of the size and the modification time of the file. An embedded file has no
// modification time. The ETag of an embedded file is therefore made of the size and a checksum of the bytes.
func etag(content *actionhero.Content, body io.ReadSeeker) string {
	if !content.ModTime.IsZero() {
		return fmt.Sprintf(`"%x-%x"`, content.Size, content.ModTime.UnixNano())
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	_, _ = io.Copy(sum, body)
	_, _ = body.Seek(0, io.SeekStart)
	return fmt.Sprintf(`"%x-%x"`, content.Size, sum.Sum32())
}

// types maps file extensions to content types. It holds only content types that are missing or wrong in the tables of
// some operating systems.
var types = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".json": "application/json",
	".txt": "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg",
	".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".ico": "image/x-icon", ".wasm": "application/wasm",
	".woff2": "font/woff2", ".xml": "application/xml", ".pdf": "application/pdf", ".map": "application/json",
}

func contentTypeOf(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
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
