package web

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

var errContentType = errors.New("unsupported content type")

// readQuery parses a query string or a URL-encoded body and adds its pairs to params.
func readQuery(params transport.Params, query string) error {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, err := unescape(key)
		if err != nil {
			return err
		}
		if value, err = unescape(value); err != nil {
			return err
		}
		if err := params.Add(key, value); err != nil {
			return err
		}
	}
	return nil
}

func unescape(text string) (string, error) {
	if !strings.ContainsAny(text, "%+") {
		return text, nil
	}
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return "", actionhero.Errorf(actionhero.CodeInvalidInput, "the parameters are not url-encoded: %v", err)
	}
	return plain, nil
}

// readBody parses the body of the request and adds the params of the body to req. A param of the body overrides a param
// of the query with the same name.
func (s *Server) readBody(c *call, req *actionhero.Request) error {
	limit := s.cfg.Common.MaxBodyBytes
	if c.r.ContentLength > limit {
		c.w.Header().Set("Connection", "close")
		return &http.MaxBytesError{Limit: limit}
	}
	body := newProgressBody(c.w, http.MaxBytesReader(c.w, c.r.Body, limit), s.cfg.Common.ReadTimeout)
	contentType, attributes, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil {
		contentType = ""
	}
	switch contentType {
	case "application/json":
		text, err := readAll(c, body)
		if err != nil || len(text) == 0 {
			return err
		}
		return transport.ParamsOf(&req.Params).AddObject(text)
	case "application/x-www-form-urlencoded":
		text, err := readAll(c, body)
		if err != nil {
			return err
		}
		return readQuery(transport.ParamsOf(&req.Params), string(text))
	case "multipart/form-data":
		return readMultipart(c, req, body, attributes["boundary"])
	}
	if n, err := io.ReadFull(body, make([]byte, 1)); n == 0 && errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return bodyError(err, "the body is malformed")
	}
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
