package web

import (
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

// serveFile answers with a file, without an action.
func (s *Server) serveFile(x *exchange, req *actionhero.Request, name string) {
	content, err := s.api.Files.Open(name)
	status := http.StatusOK
	if err != nil {
		status = http.StatusNotFound
	}
	if s.api.Config().LogRequests {
		s.api.Log().LogAttrs(x.r.Context(), slog.LevelInfo, "[file @ web]",
			slog.String("to", req.RemoteIP), slog.String("file", name), slog.Int("status", status))
	}
	if err != nil {
		s.sendMissing(x, err)
		return
	}
	s.sendContent(x, content)
}

func isMissing(err error) bool {
	return errors.Is(err, actionhero.ErrFileNotFound) || errors.Is(err, actionhero.ErrIndexNotFound)
}

// sendMissing answers that there is no such file.
func (s *Server) sendMissing(x *exchange, err error) {
	cfg := s.api.Config()
	text := cfg.FlatFileNotFoundMessage
	if errors.Is(err, actionhero.ErrIndexNotFound) {
		text = cfg.FlatFileIndexPageNotFoundMessage
	}
	x.w.Header().Set("Content-Type", "text/html")
	x.w.WriteHeader(http.StatusNotFound)
	_, _ = io.WriteString(x.w, text)
}

// sendContent answers with bytes: with ranges and conditional requests if they can be seeked.
func (s *Server) sendContent(x *exchange, content *actionhero.Content) {
	defer content.Close()
	header := x.w.Header()
	contentType := content.Type
	if contentType == "" {
		contentType = typeOf(content.Name)
	}
	if header.Get("Content-Type") == "" {
		header.Set("Content-Type", contentType)
	}
	s.setLifetime(header)
	body, ok := content.Body.(io.ReadSeeker)
	if !ok {
		s.sendStream(x, content)
		return
	}
	if header.Get("Etag") == "" {
		header.Set("Etag", etag(content, body))
	}
	w := x.w
	if x.status != 0 {
		w = &statusWriter{w, x.status}
	}
	size, err := body.Seek(0, io.SeekEnd)
	if coding := s.fileCoding(x, header.Get("Content-Type"), size); coding != nil && err == nil {
		coded := &codedWriter{ResponseWriter: w, coding: coding}
		defer coded.finish(size)
		w = coded
	}
	http.ServeContent(w, x.r, "", content.ModTime, body)
}

func (s *Server) sendStream(x *exchange, content *actionhero.Content) {
	if content.Size >= 0 {
		x.w.Header().Set("Content-Length", strconv.FormatInt(content.Size, 10))
	}
	x.w.WriteHeader(max(x.status, http.StatusOK))
	if x.r.Method == http.MethodHead {
		return
	}
	if _, err := io.Copy(x.w, content.Body); err != nil {
		panic(http.ErrAbortHandler) // the client must not take a part for the whole
	}
}

func (s *Server) setLifetime(header http.Header) {
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

// etag identifies the version of a file: by its time and size, or by its bytes where it has no time, as embedded ones.
func etag(content *actionhero.Content, body io.ReadSeeker) string {
	if !content.ModTime.IsZero() {
		return fmt.Sprintf(`"%x-%x"`, content.Size, content.ModTime.UnixNano())
	}
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	_, _ = io.Copy(sum, body)
	_, _ = body.Seek(0, io.SeekStart)
	return fmt.Sprintf(`"%x-%x"`, content.Size, sum.Sum32())
}

// Types that a machine's own tables may lack or get wrong.
var types = map[string]string{
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".json": "application/json",
	".txt": "text/plain; charset=utf-8", ".svg": "image/svg+xml", ".png": "image/png", ".jpg": "image/jpeg",
	".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".ico": "image/x-icon", ".wasm": "application/wasm",
	".woff2": "font/woff2", ".xml": "application/xml", ".pdf": "application/pdf", ".map": "application/json",
}

func typeOf(name string) string {
	ext := strings.ToLower(path.Ext(name))
	if t, ok := types[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}

// statusWriter replaces the 200 of ServeContent by the status that the action set.
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
