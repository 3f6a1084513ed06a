package web

import (
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
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
