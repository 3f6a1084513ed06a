package web

import (
	"bytes"
	"cmp"
	"fmt"
	"net/http"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/http1"
	"github.com/actionhero-go/actionhero/internal/mediatype"
)

// fileAnswer is the response with a file from memory, in one coding.
type fileAnswer struct {
	once     sync.Once // sets the other fields
	text     []byte
	own      http.Header     // the headers next to the fixed ones; no code may change its slices
	length   []string        // the header Content-Length
	prepared *http1.Prepared // all headers, but Content-Length and Expires
	expires  bool            // the response has the header Expires, which changes
}

// maxPreparedBody is the size of the largest body whose length the fast path adds to the head.
const maxPreparedBody = 16 << 10

// serveCached sends the file with this name from memory. It returns false if the file is not there, or if the request needs
// more than the whole file.
func (s *Server) serveCached(c *call, req *actionhero.Request, name string) bool {
	if !isPlainRequest(c.r) {
		return false
	}
	file := s.fileCache.find(name, s.api.StatFile)
	if file == nil || isFolderPath(c.r, file.name) {
		return false
	}
	s.logFile(c, req, name, http.StatusOK)
	s.sendCached(c, file)
	c.reuse()
	return true
}

// isPlainRequest reports whether the request is neither conditional nor for a range.
func isPlainRequest(r *http.Request) bool {
	h := r.Header
	return h["Range"] == nil && h["If-None-Match"] == nil && h["If-Modified-Since"] == nil && h["If-Match"] == nil &&
		h["If-Unmodified-Since"] == nil
}

// isFolderPath reports whether the name of a folder, without a slash, has led to the index page with this name.
func isFolderPath(r *http.Request, name string) bool {
	const index = "index.html"
	return name == index && path.Base(r.URL.Path) != index && !strings.HasSuffix(r.URL.Path, "/")
}

// fileCodings are the codings of cachedFile.answers.
var fileCodings = [...]*coding{nil, zstdCoding, gzipCoding}

func (s *Server) sendCached(c *call, file *cachedFile) {
	index := 0
	if file.compresses && c.r.Header["Accept-Encoding"] != nil {
		index = max(slices.Index(fileCodings[:], accepted(c.r, fileCodings[1:]...)), 0)
	}
	answer := &file.answers[index]
	answer.once.Do(func() { s.prepareAnswer(answer, file, fileCodings[index]) })
	if answer.prepared == nil || !swapPrepared(c.w, s.fixed.prepared, answer.prepared) {
		header := c.w.Header()
		for name, values := range answer.own {
			if name == "Vary" {
				values = slices.Concat(header[name], values) // CORS may have set it
			}
			header[name] = values
		}
		header["Content-Length"] = answer.length
	}
	if answer.expires {
		if expires := s.expires(); !addPrepared(c.w, expires.prepared) {
			c.w.Header()["Expires"] = expires.values // in place of one of commonWeb.httpHeaders, as for a file from disk
		}
	}
	_, _ = c.w.Write(answer.text)
}

// prepareAnswer sets the fields of answer, the response with file in a coding, or in none if coding is nil. The headers are
// the same as those of sendSeeker.
func (s *Server) prepareAnswer(answer *fileAnswer, file *cachedFile, coding *coding) {
	own, all := http.Header{}, http.Header{}
	for _, h := range s.fixed.headers {
		all[h.name] = h.values
	}
	setDefault := func(name, value string) {
		if all.Get(name) == "" {
			own[name] = []string{value}
		}
	}
	setDefault("Content-Type", mediatype.Of(file.name))
	setDefault("Etag", fmt.Sprintf(`"%x-%x"`, file.id.size, file.id.modified))
	own["Accept-Ranges"] = []string{"bytes"}
	if file.id.modified/1e9 != 0 {
		own["Last-Modified"] = []string{time.Unix(0, file.id.modified).UTC().Format(http.TimeFormat)}
	}
	switch seconds := s.cfg.Common.FlatFileCacheDuration; {
	case all.Get("Cache-Control") != "":
	case seconds < 0:
		own["Cache-Control"] = []string{"no-store"}
	default:
		own["Cache-Control"] = []string{fmt.Sprintf("max-age=%d, must-revalidate", seconds)}
		answer.expires = true
		delete(all, "Expires")
	}
	if file.compresses {
		own["Vary"] = []string{"Accept-Encoding"}
	}
	answer.text = file.text
	if coding != nil {
		answer.text = coding.compress(file.text)
		own["Content-Encoding"] = []string{coding.name}
		if tag, ok := strings.CutSuffix(cmp.Or(own.Get("Etag"), all.Get("Etag")), `"`); ok {
			own["Etag"] = []string{tag + "-" + coding.name + `"`} // each coding has its own ETag, because the bytes differ
		}
	}
	for name, values := range own {
		if name == "Vary" {
			values = slices.Concat(all[name], values)
		}
		all[name] = values
	}
	answer.own, answer.length = own, []string{strconv.Itoa(len(answer.text))}
	if n := len(answer.text); n > 0 && n <= maxPreparedBody { // the fast path names no length of an empty body of HEAD
		answer.prepared = http1.Prepare(all)
	}
}

// compresses reports whether the server compresses a static file with this name and size.
func (s *Server) compresses(name string, size int64) bool {
	contentType := mediatype.Of(name)
	for _, h := range s.fixed.headers {
		switch h.name {
		case "Content-Encoding":
			return false
		case "Content-Type":
			contentType = h.values[0]
		}
	}
	return size >= minCompressed && *s.cfg.Common.Compress && compressible(contentType)
}

// compress returns text in the coding.
func (c *coding) compress(text []byte) []byte {
	var b bytes.Buffer
	out := c.writer(&b)
	_, _ = out.Write(text) // a Buffer fails no write
	_ = out.Close()
	c.pool.Put(out)
	return bytes.Clone(b.Bytes())
}

// expiresNow is the header Expires of the files that are sent in one second.
type expiresNow struct {
	second   int64
	values   []string // no code may change it
	prepared *http1.Prepared
}

// expires returns the header Expires of a file. It formats the header once per second.
func (s *Server) expires() *expiresNow {
	now := time.Now()
	if last := s.lastExpires.Load(); last != nil && last.second == now.Unix() {
		return last
	}
	until := now.Add(time.Duration(s.cfg.Common.FlatFileCacheDuration) * time.Second)
	next := &expiresNow{second: now.Unix(), values: []string{until.UTC().Format(http.TimeFormat)}}
	next.prepared = http1.Prepare(http.Header{"Expires": next.values})
	s.lastExpires.Store(next)
	return next
}
