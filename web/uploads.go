package web

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/actionhero-go/actionhero"
	"github.com/actionhero-go/actionhero/internal/jsonx"
	"github.com/actionhero-go/actionhero/transport"
)

// maxField is the size of the largest text field of a form, in bytes.
const maxField = 1 << 20

// maxParts is the largest number of parts of a multipart body.
const maxParts = 1000

func readMultipart(c *call, req *actionhero.Request, body io.Reader, boundary string) error {
	if boundary == "" {
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the multipart body has no boundary in its Content-Type")
	}
	source := &partSource{Reader: body}
	reader := multipart.NewReader(source, boundary)
	for n := 0; ; n++ {
		source.left = maxPartHead
		part, err := reader.NextPart()
		head := maxPartHead - source.left
		source.left = noPartHead
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return bodyError(err, "the multipart body is malformed")
		case n == maxParts:
			return actionhero.Errorf(actionhero.CodeInvalidInput, "a multipart body may have %d parts at most", maxParts)
		}
		if err := c.hold(head); err != nil {
			return err
		}
		if err := readPart(c, req, part); err != nil {
			return bodyError(err, "the multipart body is malformed")
		}
	}
}

// maxPartHead is the number of bytes that may come between the contents of two parts of a multipart body: the boundary and
// the headers of a part. Package multipart keeps the headers in memory.
const maxPartHead = 16 << 10

const noPartHead = 1<<63 - 1

var errPartHead = actionhero.Errorf(actionhero.CodeInvalidInput, "the headers of a part of the multipart body may have %d bytes at most", maxPartHead)

// partSource is the reader of a multipart body, which returns errPartHead after left bytes.
type partSource struct {
	io.Reader
	left int64
}

// Read implements [io.Reader].
func (s *partSource) Read(p []byte) (n int, err error) {
	if s.left <= 0 {
		return 0, errPartHead
	}
	n, err = s.Reader.Read(p[:min(int64(len(p)), s.left)])
	s.left -= int64(n)
	return n, err
}

var errDisposition = actionhero.Errorf(actionhero.CodeInvalidInput,
	`a part of the multipart body has no readable Content-Disposition: it must be like form-data; name="a"`)

func readPart(c *call, req *actionhero.Request, part *multipart.Part) error {
	disposition, attributes, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	name, named := attributes["name"]
	if err != nil || disposition != "form-data" || !named {
		return errDisposition // a part that is dropped silently would be lost
	}
	api := transport.Of(req.API)
	key, _ := listKey(api, name)
	if key == "" || !api.Accepts(key) {
		_, err := io.Copy(io.Discard, part)
		return err
	}
	t := bodyTypeOf(part.Header.Get("Content-Type"))
	isJSON := part.FileName() != "" && t.kind == jsonBody && takesJSON(api, req, key)
	switch {
	case part.FileName() != "" && !isJSON:
		return readFile(c, req, key, part)
	case !t.isUTF8():
		return t.wrongCharset()
	}
	text, err := io.ReadAll(io.LimitReader(c.buffering(part), maxField+1))
	if err != nil {
		return err
	}
	if len(text) > maxField {
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the form field %s is larger than %d bytes: send it as a file", key, maxField)
	}
	if !isJSON {
		return transport.ParamsOf(&req.Params).Add(key, string(text))
	}
	if err := jsonx.Valid(text); err != nil {
		return actionhero.Errorf(actionhero.CodeInvalidInput, "the form field %s: %v", key, err)
	}
	return transport.ParamsOf(&req.Params).AddJSON(key, text)
}

// takesJSON reports whether a part with a file name and the type JSON is a value for an input that is no file. A page
// sends it so with FormData and a Blob of type application/json, which always has a file name.
func takesJSON(api transport.Host, req *actionhero.Request, key string) bool {
	info := api.Requested(req)
	if req.Action == "" {
		info = api.Action(req.Params.Get("action"))
	}
	return info != nil && slices.ContainsFunc(info.Inputs, func(in actionhero.Input) bool { return in.Name == key && in.Format != "binary" })
}

// readFile reads an upload. Uploads of a request that are larger than maxFree bytes together are kept in a temporary
// file.
func readFile(c *call, req *actionhero.Request, key string, part *multipart.Part) error {
	h := c.holdings()
	head, err := io.ReadAll(io.LimitReader(part, maxFree-h.inMemory+1))
	if err != nil {
		return err
	}
	file := &actionhero.File{Name: fileName(part.FileName()), Type: part.Header.Get("Content-Type"), Size: int64(len(head))}
	if file.Size > maxFree-h.inMemory {
		if err := h.spill(file, head, part); err != nil {
			return err
		}
	} else {
		h.inMemory += file.Size
		file.ReadSeeker = strings.NewReader(string(head))
	}
	return transport.ParamsOf(&req.Params).AddFile(key, file)
}

// spill appends an upload to the temporary file of the request, and sets the size and the reader of the argument file.
// head is the part of the upload that is in memory; rest is the reader of the remaining part.
func (h *holdings) spill(file *actionhero.File, head []byte, rest io.Reader) error {
	if h.file == nil {
		tmp, err := h.server.createTemp()
		if err != nil {
			return fmt.Errorf("an upload cannot be kept in a temporary file: set commonWeb.uploadDirectory to a folder that this program may write to: %w", err)
		}
		h.file = tmp
	}
	begin := h.spilled
	if _, err := h.Write(head); err != nil {
		return err
	}
	if _, err := io.CopyBuffer(h, rest, make([]byte, maxFree)); err != nil {
		return err
	}
	file.Size = h.spilled - begin
	file.ReadSeeker = io.NewSectionReader(h.file, begin, file.Size)
	return nil
}

// Write appends p to the temporary file. If the uploads of all requests fill the budget, it returns errBusy.
func (h *holdings) Write(p []byte) (int, error) {
	if !h.server.uploads.take(h.client, int64(len(p))) {
		return 0, errBusy
	}
	h.spilled += int64(len(p))
	return h.file.Write(p)
}

// createTemp creates a temporary file for uploads. Where the system allows it, the file has no name any more when
// createTemp returns, so that it does not outlive this process.
func (s *Server) createTemp() (*os.File, error) {
	tmp, err := os.CreateTemp(s.cfg.Common.UploadDirectory, "actionhero-upload-*")
	if err == nil && runtime.GOOS != "windows" {
		err = os.Remove(tmp.Name())
	}
	return tmp, err
}

// checkUploadDirectory returns an error if the configured folder for uploads cannot be used. If the system's own folder
// for temporary files cannot be used, checkUploadDirectory only logs a warning, because small uploads still work.
func (s *Server) checkUploadDirectory() error {
	tmp, err := s.createTemp()
	if err == nil {
		closeTemp(tmp)
		return nil
	}
	if dir := s.cfg.Common.UploadDirectory; dir != "" {
		return fmt.Errorf("commonWeb.uploadDirectory is %q: it must be a folder that this program may write to: %w", dir, err)
	}
	s.api.Log().Warn("uploads of more than "+fmt.Sprint(maxFree)+" bytes will fail: set commonWeb.uploadDirectory to a folder that this program may write to",
		"folder", os.TempDir(), "error", err.Error())
	return nil
}

func closeTemp(tmp *os.File) {
	_ = tmp.Close()
	if runtime.GOOS == "windows" {
		_ = os.Remove(tmp.Name())
	}
}

// fileName returns the last element of name, the path or name that a client gave its file, without characters that
// change how the name is shown. If nothing remains, fileName returns "file".
func fileName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == utf8.RuneError {
			return -1
		}
		return r
	}, name))
	if strings.Trim(name, "./") == "" {
		return "file"
	}
	return name
}

// bodyError converts err, an error in reading a body, to an error of CodeInvalidInput with the given message. If err
// reports an exceeded limit, a timeout or a failure of the file system, or already has a code, bodyError returns err
// unchanged.
func bodyError(err error, message string) error {
	var large *http.MaxBytesError
	var own *actionhero.Error
	var file *os.PathError
	if err == nil || errors.As(err, &large) || errors.As(err, &own) || errors.As(err, &file) || isTimeout(err) {
		return err
	}
	return &actionhero.Error{Code: actionhero.CodeInvalidInput, Message: message, Err: err}
}
