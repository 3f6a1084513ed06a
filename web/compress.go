package web

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// minCompressed is the size of the smallest response that is compressed, in bytes. A smaller response fits into one
// packet.
const minCompressed = 1400

// coding is a content coding, such as gzip (RFC 9110 section 8.4.1). A coding holds a pool of encoders.
type coding struct {
	name     string
	wildcard bool      // an asterisk in Accept-Encoding includes this coding
	pool     sync.Pool // of values of type encoder
}

type encoder interface {
	io.WriteCloser
	Reset(w io.Writer)
}

var (
	gzipCoding = &coding{name: "gzip", wildcard: true, pool: sync.Pool{New: func() any {
		w, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		return w
	}}}
	zstdCoding = &coding{name: "zstd", pool: sync.Pool{New: func() any {
		w, _ := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1),
			zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(128<<10))
		return w
	}}}
)

func (c *coding) writer(to io.Writer) encoder {
	out := c.pool.Get().(encoder)
	out.Reset(to)
	return out
}

// accepted returns the element of codings that has the highest weight in the header Accept-Encoding (RFC 9110 section
// 12.5.3). If several elements have the highest weight, accepted returns the first of them. If the client accepts no
// element, accepted returns nil.
func accepted(r *http.Request, codings ...*coding) (best *coding) {
	highest := 0.0
	for _, c := range codings {
		if q := c.weight(r.Header["Accept-Encoding"]); q > highest {
			best, highest = c, q
		}
	}
	return best
}

// weight returns the weight of the coding in accept, the values of the header Accept-Encoding. It returns 0 if the
// client does not accept the coding.
func (c *coding) weight(accept []string) (weight float64) {
	for _, value := range accept {
		for item := range strings.SplitSeq(value, ",") {
			name, param, _ := strings.Cut(item, ";")
			if name = strings.TrimSpace(name); strings.EqualFold(name, c.name) {
				return parseWeight(param)
			} else if name == "*" && c.wildcard {
				weight = parseWeight(param)
			}
		}
	}
	return weight
}

func parseWeight(param string) float64 {
	if param = strings.TrimSpace(param); param == "" {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimPrefix(strings.ToLower(param), "q="), 64)
	if err != nil {
		return 0
	}
	return q
}

// fileCoding returns the coding that compresses a file, and sets the response headers for that coding. It returns nil
// if the file is sent uncompressed. A response to a range request is never compressed, because ranges refer to the
// bytes of the uncompressed file.
func (s *Server) fileCoding(c *call, contentType string, size int64) *coding {
	header := c.w.Header()
	if size < minCompressed || !*s.cfg.Common.Compress || !compressible(contentType) || header["Content-Encoding"] != nil {
		return nil
	}
	header.Add("Vary", "Accept-Encoding")
	if c.r.Header["Range"] != nil {
		return nil
	}
	chosen := accepted(c.r, zstdCoding, gzipCoding)
	if chosen == nil {
		return nil
	}
	header.Set("Content-Encoding", chosen.name)
	if tag, ok := strings.CutSuffix(header.Get("Etag"), `"`); ok {
		header.Set("Etag", tag+"-"+chosen.name+`"`) // each coding has its own ETag, because the bytes differ
	}
	return chosen
}

func compressible(contentType string) bool {
	base, _, _ := strings.Cut(contentType, ";")
	return strings.HasPrefix(base, "text/") || strings.HasSuffix(base, "json") || strings.HasSuffix(base, "xml") ||
		base == "application/javascript" || base == "application/wasm"
}

// codedWriter is an http.ResponseWriter. It compresses the file that [http.ServeContent] writes, but only if the
// response has status 200.
type codedWriter struct {
	http.ResponseWriter
	coding   *coding
	out      encoder // nil before the first write
	written  int64   // bytes of the file, before compression
	identity bool    // the response is not compressed
}

func (w *codedWriter) WriteHeader(status int) {
	if w.identity = status != http.StatusOK; w.identity {
		w.Header().Del("Content-Encoding")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *codedWriter) Write(p []byte) (int, error) {
	if w.identity {
		return w.ResponseWriter.Write(p)
	}
	if w.out == nil {
		w.out = w.coding.writer(w.ResponseWriter)
	}
	n, err := w.out.Write(p)
	w.written += int64(n)
	return n, err
}

// finish flushes the end of the compressed file and returns the encoder to the pool. size is the uncompressed size of
// the file. If fewer bytes were written, finish aborts the response, so that the client detects the incomplete
// response.
func (w *codedWriter) finish(size int64) {
	if w.out == nil {
		return
	}
	if w.written < size {
		panic(http.ErrAbortHandler)
	}
	_ = w.out.Close() // an error means that the client is gone
	w.coding.pool.Put(w.out)
}
