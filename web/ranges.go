package web

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// maxRanges is the largest number of ranges that a response has. Each range of a response costs a head of its own.
const maxRanges = 16

// withUsualRange returns r with the header Range in a form that [http.ServeContent] reads as RFC 9110 section 14
// requires. size is the size of the file. If the range must be ignored, the returned request has no header Range.
func withUsualRange(r *http.Request, size int64) *http.Request {
	if r.Header["Range"] == nil {
		return r
	}
	usual := *r
	usual.Header = r.Header.Clone()
	if text := usualRange(r.Method, r.Header.Get("Range"), size); text != "" {
		usual.Header.Set("Range", text)
	} else {
		usual.Header.Del("Range")
	}
	return &usual
}

// usualRange returns the value of the header Range in its usual form, or "" if the range must be ignored: for other
// methods than GET, for other units than bytes and for more than maxRanges ranges. A suffix of 0 bytes cannot be
// satisfied; net/http would send an empty part for it.
func usualRange(method, value string, size int64) string {
	unit, set, ok := strings.Cut(value, "=")
	if method != http.MethodGet || !ok || !strings.EqualFold(strings.TrimSpace(unit), "bytes") {
		return ""
	}
	var kept []string
	count := 0
	for part := range strings.SplitSeq(set, ",") {
		part = strings.Trim(part, " \t")
		if part == "" {
			continue
		}
		if count++; count > maxRanges {
			return ""
		}
		if suffix, ok := strings.CutPrefix(part, "-"); ok {
			if n, err := strconv.ParseInt(suffix, 10, 64); err == nil && n == 0 {
				continue
			}
		}
		kept = append(kept, part)
	}
	if len(kept) == 0 && count > 0 {
		return fmt.Sprintf("bytes=%d-", size) // behind the end
	}
	return "bytes=" + strings.Join(kept, ",")
}

// rangeWriter is the http.ResponseWriter for a request with a range. [http.ServeContent] leaves the header Expires in a
// refusal of the range (416), so that caches would keep the refusal. rangeWriter removes the header.
type rangeWriter struct{ http.ResponseWriter }

func (w rangeWriter) WriteHeader(status int) {
	if status == http.StatusRequestedRangeNotSatisfiable {
		w.Header().Del("Expires")
	}
	w.ResponseWriter.WriteHeader(status)
}

// ReadFrom implements [io.ReaderFrom], so that the kernel can copy a file to the client.
func (w rangeWriter) ReadFrom(src io.Reader) (int64, error) { return io.Copy(w.ResponseWriter, src) }
