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

// Answers smaller than this are not worth compressing: they fit one packet as they are.
const minCompressed = 1400

// coding is a form in which answers can be sent (RFC 9110 section 8.4.1).
type coding struct {
	name string
	any  bool // an asterisk in Accept-Encoding means it, too
	pool sync.Pool
}

// encoder is what a coding's pool has.
type encoder interface {
	io.WriteCloser
	Reset(w io.Writer)
}

var (
	gzipCoding = &coding{name: "gzip", any: true, pool: sync.Pool{New: func() any {
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

// accepted returns the coding that the client likes best, the first one of several, or nil if it accepts none
// (RFC 9110 section 12.5.3).
func accepted(r *http.Request, codings ...*coding) (best *coding) {
	highest := 0.0
	for _, c := range codings {
		if q := c.weight(r.Header["Accept-Encoding"]); q > highest {
			best, highest = c, q
		}
	}
	return best
}

// weight is how much a client likes a coding; zero is not at all.
func (c *coding) weight(accept []string) (weight float64) {
	for _, value := range accept {
		for item := range strings.SplitSeq(value, ",") {
			name, param, _ := strings.Cut(item, ";")
			if name = strings.TrimSpace(name); strings.EqualFold(name, c.name) {
				return parseWeight(param)
			} else if name == "*" && c.any {
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

// fileCoding decides in which form a file is sent, nil for as it is, and says so in the headers. Parts of a file are
// parts of it as it is.
func (s *Server) fileCoding(x *exchange, contentType string, size int64) *coding {
	header := x.w.Header()
	if size < minCompressed || !*s.cfg.Common.Compress || !compressible(contentType) || header["Content-Encoding"] != nil {
		return nil
	}
	header.Add("Vary", "Accept-Encoding")
	if x.r.Header["Range"] != nil {
		return nil
	}
	c := accepted(x.r, zstdCoding, gzipCoding)
	if c == nil {
		return nil
	}
	header.Set("Content-Encoding", c.name)
	if tag, ok := strings.CutSuffix(header.Get("Etag"), `"`); ok {
		header.Set("Etag", tag+"-"+c.name+`"`) // other bytes, another tag
	}
	return c
}

func compressible(contentType string) bool {
	base, _, _ := strings.Cut(contentType, ";")
	return strings.HasPrefix(base, "text/") || strings.HasSuffix(base, "json") || strings.HasSuffix(base, "xml") ||
		base == "application/javascript" || base == "application/wasm"
}

// codedWriter compresses the file that [http.ServeContent] writes with status 200; other answers have no coding.
type codedWriter struct {
	http.ResponseWriter
	coding *coding
	out    encoder // nil until there is something to compress
	taken  int64   // bytes of the file
	asIs   bool
}

func (w *codedWriter) WriteHeader(status int) {
	if w.asIs = status != http.StatusOK; w.asIs {
		w.Header().Del("Content-Encoding")
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *codedWriter) Write(p []byte) (int, error) {
	if w.asIs {
		return w.ResponseWriter.Write(p)
	}
	if w.out == nil {
		w.out = w.coding.writer(w.ResponseWriter)
	}
	n, err := w.out.Write(p)
	w.taken += int64(n)
	return n, err
}

// finish ends a file of the given size. One that did not come to its end must not look like a whole one.
func (w *codedWriter) finish(size int64) {
	if w.out == nil {
		return
	}
	if w.taken < size {
		panic(http.ErrAbortHandler)
	}
	_ = w.out.Close() // a client that went away is none of our business any more
	w.coding.pool.Put(w.out)
}
