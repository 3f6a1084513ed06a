package web

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

var errContentType = errors.New("unsupported content type")

// readQuery parses a query string or a URL-encoded body and adds its pairs to params. A "%" that begins no escape stands
// for itself, as browsers read it.
func readQuery(api transport.Host, params transport.Params, query string) error {
	var indexed []listItem
	escaped := strings.IndexByte(query, '%') >= 0 || strings.IndexByte(query, '+') >= 0
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		if escaped {
			key, value = unescape(key), unescape(value)
		}
		key, index := listKey(api, key)
		if index >= 0 {
			indexed = append(indexed, listItem{key, index, value})
			continue
		}
		if err := params.Add(key, value); err != nil {
			return err
		}
	}
	slices.SortStableFunc(indexed, func(a, b listItem) int { return cmp.Compare(a.index, b.index) })
	for _, item := range indexed {
		if err := params.Add(item.key, item.value); err != nil {
			return err
		}
	}
	return nil
}

// listItem is an element of a list that was sent as key[index]=value.
type listItem struct {
	key   string
	index int
	value string
}

// listKey returns the key of a list from one of the forms "key[]" and "key[3]", with which forms and many libraries send
// lists. index is the number in the brackets, or -1 if there is none. If an action has an input with the whole text as
// its name, or the text has another form, listKey returns text.
func listKey(api transport.Host, text string) (key string, index int) {
	if !strings.HasSuffix(text, "]") || api.Accepts(text) {
		return text, -1
	}
	open := strings.LastIndexByte(text, '[')
	if open <= 0 || !api.Accepts(text[:open]) {
		return text, -1
	}
	inner := text[open+1 : len(text)-1]
	if inner == "" {
		return text[:open], -1
	}
	n, err := strconv.ParseUint(inner, 10, 31)
	if err != nil {
		return text, -1
	}
	return text[:open], int(n)
}

func unescape(text string) string {
	if !strings.ContainsAny(text, "%+") {
		return text
	}
	if plain, err := url.QueryUnescape(text); err == nil {
		return plain
	}
	var plain strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; c {
		case '+':
			plain.WriteByte(' ')
		case '%':
			if i+2 < len(text) {
				if n, err := strconv.ParseUint(text[i+1:i+3], 16, 8); err == nil {
					plain.WriteByte(byte(n))
					i += 2
					continue
				}
			}
			plain.WriteByte('%')
		default:
			plain.WriteByte(c)
		}
	}
	return plain.String()
}

// bodyKind is the form of the body of a request.
type bodyKind int

const (
	unknownBody bodyKind = iota
	jsonBody
	formBody
	multipartBody
	textBody // JSON, if it begins like a JSON object: pages send this type with navigator.sendBeacon
)

// bodyType is the content type of a body or of a part of one.
type bodyType struct {
	kind     bodyKind
	boundary string // of a multipart body
	charset  string // empty: UTF-8
}

// bodyTypeOf parses the header Content-Type. A malformed parameter of the header does not change the kind.
func bodyTypeOf(contentType string) (t bodyType) {
	base, attributes, err := mime.ParseMediaType(contentType)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return t
	}
	t.charset = attributes["charset"]
	switch {
	case base == "application/json", base == "text/json", strings.HasPrefix(base, "application/") && strings.HasSuffix(base, "+json"):
		t.kind = jsonBody
	case base == "application/x-www-form-urlencoded":
		t.kind = formBody
	case base == "multipart/form-data":
		t.kind, t.boundary = multipartBody, attributes["boundary"]
	case base == "text/plain":
		t.kind = textBody
	}
	return t
}

// isUTF8 reports whether a text of type t is UTF-8, of which ASCII is a part.
func (t *bodyType) isUTF8() bool {
	switch strings.ToLower(t.charset) {
	case "", "utf-8", "utf8", "us-ascii", "ascii":
		return true
	}
	return false
}

// wrongCharset is the error for a text in another encoding than UTF-8, whose characters would be taken for others.
func (t *bodyType) wrongCharset() error {
	return &actionhero.Error{
		Code: actionhero.CodeInvalidInput, Err: errContentType,
		Message: fmt.Sprintf("the charset of a body must be utf-8, not %.40q: send the text as UTF-8", t.charset),
	}
}

// readBody parses the body of the request and adds the params of the body to req. A param of the body overrides a param
// of the query with the same name. If the URL does not name the action, info is nil, and the body may name it.
func (s *Server) readBody(c *call, req *actionhero.Request, info *actionhero.ActionInfo) error {
	limit := s.cfg.Common.MaxBodyBytes
	if info != nil && info.MaxBody > 0 {
		limit = info.MaxBody
	}
	if c.r.ContentLength > limit {
		c.w.Header().Set("Connection", "close")
		return &http.MaxBytesError{Limit: limit}
	}
	body := newProgressBody(c.w, http.MaxBytesReader(c.w, c.r.Body, limit), s.cfg.Common.ReadTimeout)
	t := bodyTypeOf(c.r.Header.Get("Content-Type"))
	defer func() { c.bodyRead = body.read }()
	switch {
	case info != nil && info.RawBody:
		return s.readRawBody(c, req, body, t)
	case isCompressed(c.r):
		c.w.Header().Set("Accept-Encoding", "identity")
		return &actionhero.Error{Code: actionhero.CodeInvalidInput, Err: errContentType, Message: "a body must not be compressed: send it without Content-Encoding"}
	case t.kind != unknownBody && !t.isUTF8():
		return t.wrongCharset()
	case t.kind == multipartBody:
		return readMultipart(c, req, body, t.boundary)
	case t.kind == unknownBody:
		if n, err := io.ReadFull(body, make([]byte, 1)); n == 0 && errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return bodyError(err, "the body is malformed")
		}
		return unknownType()
	}
	text, err := readAll(c, body)
	if err != nil || len(text) == 0 {
		return err
	}
	return s.readText(req, t.kind, text)
}

// isCompressed reports whether the header Content-Encoding of r names a compression. Clients that send another value,
// like utf-8, do not compress.
func isCompressed(r *http.Request) bool {
	for _, text := range r.Header["Content-Encoding"] {
		for coding := range strings.SplitSeq(text, ",") {
			switch strings.ToLower(strings.TrimSpace(coding)) {
			case "gzip", "x-gzip", "deflate", "compress", "x-compress", "br", "zstd":
				return r.ContentLength != 0
			}
		}
	}
	return false
}

// readRawBody reads a body that the action gets byte for byte. It reads the params as readBody does, but a body of another
// type or charset, or of JSON that is no object, has no params.
func (s *Server) readRawBody(c *call, req *actionhero.Request, body io.Reader, t bodyType) error {
	text, err := readAll(c, body)
	if err != nil || len(text) == 0 {
		return err
	}
	c.holdings().raw = text
	switch {
	case !t.isUTF8():
	case t.kind == multipartBody:
		return readMultipart(c, req, bytes.NewReader(text), t.boundary)
	case t.kind == formBody || jsonx.Object(bytes.TrimPrefix(text, byteOrderMark)) && t.kind != unknownBody:
		return s.readText(req, t.kind, text)
	}
	return nil
}

// readText reads the params of a body that is a form or JSON.
func (s *Server) readText(req *actionhero.Request, kind bodyKind, text []byte) error {
	text = bytes.TrimPrefix(text, byteOrderMark)
	if kind == formBody {
		return readQuery(s.api, transport.ParamsOf(&req.Params), string(text))
	}
	if kind == textBody && !bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("{")) {
		return unknownType()
	}
	if len(text) == 0 {
		return nil
	}
	return transport.ParamsOf(&req.Params).AddObject(text)
}

// byteOrderMark is U+FEFF in UTF-8, with which some editors and libraries begin a text.
var byteOrderMark = []byte("\ufeff")

func unknownType() error {
	return &actionhero.Error{
		Code: actionhero.CodeInvalidInput, Err: errContentType,
		Message: "the content type of a body must be application/json, application/x-www-form-urlencoded or multipart/form-data",
	}
}

// readAll reads the whole body. If its length is known and small, readAll allocates a buffer of this length before it
// reads. For any other body, the buffer grows while readAll reads, because a client can announce more bytes than it sends.
func readAll(c *call, body io.Reader) ([]byte, error) {
	length := c.r.ContentLength
	if length < 0 || length > maxFree {
		text, err := io.ReadAll(c.buffering(body))
		return text, bodyError(err, "the body is malformed")
	}
	text := make([]byte, length)
	_, err := io.ReadFull(body, text)
	return text, bodyError(err, "the body ended before its Content-Length")
}
