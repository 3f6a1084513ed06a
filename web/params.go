package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/transport"
)

// maxInMemory is the size of the largest upload that is held in memory, in bytes. A larger upload is held in a
// temporary file while the action runs.
const maxInMemory = 1 << 20

// maxParts is the largest number of parts of a multipart body.
const maxParts = 1000

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
		return "", actionhero.Errorf(actionhero.CodeInvalidInput, "the parameters are not url-encoded: %w", err)
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
		text, err := readAll(body, c.r.ContentLength)
		if err != nil || len(text) == 0 {
			return err
		}
		return transport.ParamsOf(&req.Params).AddObject(text)
	case "application/x-www-form-urlencoded":
		text, err := readAll(body, c.r.ContentLength)
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
		return err
	}
	return &actionhero.Error{
		Code: actionhero.CodeInvalidInput, Err: errContentType,
		Message: "the content type of a body must be application/json, application/x-www-form-urlencoded or multipart/form-data",
	}
}

// readAll reads the whole body. length is the Content-Length, or -1 if the request has none. If length is at most
// maxInMemory, readAll allocates a buffer of this length before it reads. For a greater length, the buffer grows while
// readAll reads, because a client can announce more bytes than it sends.
func readAll(r io.Reader, length int64) ([]byte, error) {
	if length < 0 || length > maxInMemory {
		return io.ReadAll(r)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(r, body)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, actionhero.Errorf(actionhero.CodeInvalidInput, "the body ended before its Content-Length")
	}
	return body, err
}

func readMultipart(c *call, req *actionhero.Request, body io.Reader, boundary string) error {
	if boundary == "" {
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the multipart body has no boundary in its Content-Type")
	}
	reader := multipart.NewReader(body, boundary)
	for n := 0; ; n++ {
		part, err := reader.NextPart()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return multipartError(err)
		case n == maxParts:
			return actionhero.Errorf(actionhero.CodeInvalidInput, "a multipart body may have %d parts at most", maxParts)
		}
		if err := readPart(c, req, part); err != nil {
			return multipartError(err)
		}
	}
}

func readPart(c *call, req *actionhero.Request, part *multipart.Part) error {
	key := part.FormName()
	if key == "" || !transport.Of(req.API).Accepts(key) {
		_, err := io.Copy(io.Discard, part)
		return err
	}
	head, err := io.ReadAll(io.LimitReader(part, maxInMemory+1))
	if err != nil {
		return err
	}
	if part.FileName() == "" {
		if len(head) > maxInMemory {
			return actionhero.Errorf(actionhero.CodeInvalidInput, "the form field %s is larger than %d bytes: send it as a file", key, maxInMemory)
		}
		return transport.ParamsOf(&req.Params).Add(key, string(head))
	}
	file := &actionhero.File{
		Name: filepath.Base(strings.ReplaceAll(part.FileName(), `\`, "/")),
		Type: part.Header.Get("Content-Type"), Size: int64(len(head)), ReadSeeker: strings.NewReader(string(head)),
	}
	if len(head) > maxInMemory {
		if err := spill(c, file, head, part); err != nil {
			return err
		}
	}
	return transport.ParamsOf(&req.Params).AddFile(key, file)
}

// spill copies an upload to a temporary file, and sets the size and the reader of the argument file. head is the part
// of the upload that is in memory; rest is the reader of the remaining part. call.removeTempFiles removes the temporary
// file.
func spill(c *call, file *actionhero.File, head []byte, rest io.Reader) error {
	tmp, err := os.CreateTemp("", "actionhero-upload-*")
	if err != nil {
		return fmt.Errorf("an upload cannot be kept in a temporary file: %w", err)
	}
	c.tempFiles = append(c.tempFiles, tmp)
	if _, err := tmp.Write(head); err != nil {
		return fmt.Errorf("an upload cannot be kept in a temporary file: %w", err)
	}
	n, err := io.Copy(tmp, rest)
	if err != nil {
		return err
	}
	if _, err := tmp.Seek(0, io.SeekStart); err != nil {
		return err
	}
	file.Size, file.ReadSeeker = int64(len(head))+n, tmp
	return nil
}

// multipartError converts err, an error in reading a multipart body, to an error with CodeInvalidInput. If err reports
// an exceeded limit, a timeout or a failure of the file system, or already has a code, multipartError returns err
// unchanged.
func multipartError(err error) error {
	var large *http.MaxBytesError
	var own *actionhero.Error
	var path *os.PathError
	if errors.As(err, &large) || errors.As(err, &own) || errors.As(err, &path) || isTimeout(err) {
		return err
	}
	return &actionhero.Error{Code: actionhero.CodeInvalidInput, Message: "the multipart body is malformed", Err: err}
}
